"""Who waits and who is being answered, in Gradio's queue and beside it: so many in all, so many for each address."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from gradio.queueing import Queue

from assistant.page.attention import ASKING, SESSIONS, Attention, leave
from assistant.page.limits import Refusal, busy, remember
from assistant.settings import PageSettings
from assistant.writing.budget import network_of

__all__ = ["TWICE", "Crowd"]

TWICE = "You are being answered already. Wait until that is done, or stop it."


class Crowd:
    """The places of a page. To be used from the event loop only."""

    def __init__(self, queue: Queue, settings: PageSettings, by_address: bool) -> None:
        self.queue = queue
        self.attention = Attention(queue)
        self.settings = settings
        self.by_address = by_address
        self.addresses: OrderedDict[str, str] = OrderedDict()  # session -> address
        self.arriving: Counter[str] = Counter()  # address -> questions on their way into the queue
        self.beside: Counter[str] = Counter()  # address -> questions answered beside the queue: API, MCP
        self.places = asyncio.Semaphore(settings.page_running)  # of those beside the queue

    def counts(self) -> tuple[int, int]:
        """Questions being answered, and waiting."""
        beside = min(self.beside.total(), self.settings.page_running)
        waiting = len(self.attention.waiting()) + self.beside.total() - beside
        return len(self.attention.running()) + beside, waiting

    def oldest(self) -> float:
        """Seconds since the last of all places to be answered was taken; 0 while one is free."""
        found = self.queue.event_queue_per_concurrency_id.get(ASKING)
        if found is None or found.current_concurrency < (found.concurrency_limit or 1):
            return 0.0
        begun = [start for starts in found.start_times_per_fn.values() for start in starts]
        return time.time() - max(begun) if begun else 0.0

    def of_address(self, address: str) -> int:
        """Questions of an address, being answered or waiting, in the queue and beside it."""
        events = (*self.attention.running(), *self.attention.waiting())
        mine = sum(self.addresses.get(each.session_hash) == address for each in events)
        return mine + self.arriving[address] + self.beside[address]

    @contextmanager
    def admitted(self, session: str, address: str) -> Iterator[Refusal | None]:
        """For a question that is being put into the queue; None where it may go there."""
        address = network_of(address)
        refusal = self.too_many(address) or self.crowded()
        if refusal is not None:
            yield refusal
            return
        remember(self.addresses, session, address, SESSIONS)
        self.attention.watch()
        self.arriving[address] += 1  # until Gradio has it in its queue, a hundred others could come
        try:
            yield None
        finally:
            leave(self.arriving, address)

    def too_many(self, address: str) -> Refusal | None:
        """Why an address is to wait with its next question."""
        if self.by_address and self.of_address(address) >= self.settings.page_address_running:
            return Refusal(429, TWICE, 1, "address_running")
        return None

    def crowded(self) -> Refusal | None:
        """Why there is no place in the queue; one is made at the cost of an address that fills it and does not listen.

        Of a crowd of addresses none is dropped: in a busy server's queue, many a stream is still on its way.
        """
        if not self.full():
            return None
        ignored = self.attention.ignored()
        owners = [self.addresses.get(each.session_hash, "") for each in ignored]
        if owners:
            owner, count = Counter(owners).most_common(1)[0]
            if count > self.settings.page_waiting // 4:
                self.attention.drop(ignored[owners.index(owner)])
        return busy() if self.full() else None

    def swamped(self) -> Refusal | None:
        """Why not even what costs less than a question can wait; Gradio would say so in words of its own."""
        most = self.queue.max_size
        return busy() if most is not None and len(self.queue) >= most else None

    def full(self) -> bool:
        """Whether one more question would be one too many."""
        free = max(0, self.settings.page_running - len(self.attention.running()))
        return len(self.attention.waiting()) + self.arriving.total() >= self.settings.page_waiting + free

    @asynccontextmanager
    async def place(self, address: str) -> AsyncIterator[Refusal | None]:
        """For a question beside the queue: a place while it is answered, once there is one, or why there is none."""
        address = network_of(address)
        refusal = self.too_many(address)
        if refusal is None and self.beside.total() >= self.settings.page_running + self.settings.page_waiting:
            refusal = busy()
        if refusal is not None:
            yield refusal
            return
        self.beside[address] += 1
        try:
            async with self.places:
                yield None
        finally:
            leave(self.beside, address)
