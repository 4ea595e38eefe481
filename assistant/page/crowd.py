"""Who waits and who is being answered, in Gradio's queue and beside it: so many for each address, and nobody for those
who do not listen.

Gradio runs whatever has been put into its queue, in its order, whether or not anybody fetches the answer.
"""

import asyncio
import random
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from gradio.exceptions import Error
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import ProcessCompletedMessage
from gradio.utils import error_payload

from assistant.page.limits import Refusal, busy, neighbourhood
from assistant.settings import PageSettings

__all__ = ["ASKING", "Crowd"]

ASKING = "ask"  # the concurrency_id of the events that answer questions
UNHEARD = 10.0  # seconds after which a question is dropped that nobody listens to
SOON = 3.0  # seconds after which an unheard question gives way, if the queue is full. A browser listens at once
SESSIONS = 10_000  # whose addresses are remembered
LOOK = 1.0  # seconds between two looks

TWICE = "You are being answered already. Wait until that is done, or stop it."
DROPPED = "Nobody seemed to wait for this answer. Ask again."


class Crowd:
    """The queue of a Blocks, watched. To be used from the event loop only."""

    def __init__(self, queue: Queue, settings: PageSettings, by_address: bool) -> None:
        self.queue = queue
        self.settings = settings
        self.by_address = by_address
        self.addresses: OrderedDict[str, str] = OrderedDict()  # session -> address
        self.listening: Counter[str] = Counter()  # session -> open streams
        self.heard: OrderedDict[str, float] = OrderedDict()  # session -> when it last listened
        self.beside: Counter[str] = Counter()  # address -> questions answered beside the queue: API, MCP
        self.places = asyncio.Semaphore(settings.page_running)  # of those beside the queue
        self.arriving: Counter[str] = Counter()  # address -> questions on their way into the queue
        self.watching: asyncio.Task[None] | None = None
        queue.get_events = self.next_events  # type: ignore[method-assign]

    # -- counting --------------------------------------------------------------------------------------------------

    def running(self) -> list[Event]:
        """Questions that are being answered in the queue."""
        return [each for job in self.queue.active_jobs for each in job or () if each.concurrency_id == ASKING]

    def waiting(self) -> list[Event]:
        """Questions that wait in the queue, the oldest first."""
        found = self.queue.event_queue_per_concurrency_id.get(ASKING)
        return list(found.queue) if found else []

    def counts(self) -> tuple[int, int]:
        """Questions being answered, and waiting."""
        beside = min(self.beside.total(), self.settings.page_running)
        return len(self.running()) + beside, len(self.waiting()) + self.beside.total() - beside

    def oldest(self) -> float:
        """Seconds since the last of all places to be answered was taken; 0 while one is free."""
        found = self.queue.event_queue_per_concurrency_id.get(ASKING)
        if found is None or found.current_concurrency < (found.concurrency_limit or 1):
            return 0.0
        begun = [start for starts in found.start_times_per_fn.values() for start in starts]
        return time.time() - max(begun) if begun else 0.0

    def of_address(self, address: str) -> int:
        """Questions of an address, being answered or waiting, in the queue and beside it."""
        mine = [each for each in (*self.running(), *self.waiting()) if self.addresses.get(each.session_hash) == address]
        return len(mine) + self.arriving[address] + self.beside[address]

    # -- coming and going ------------------------------------------------------------------------------------------

    @contextmanager
    def admitted(self, session: str, address: str) -> Iterator[Refusal | None]:
        """For a question that is being put into the queue; None where it may go there."""
        address = neighbourhood(address)
        refusal = self.unwelcome(address)
        if refusal is not None:
            yield refusal
            return
        remember(self.addresses, session, address)
        self.watch()
        self.arriving[address] += 1  # until Gradio has it in its queue, a hundred others could come
        try:
            yield None
        finally:
            leave(self.arriving, address)

    def unwelcome(self, address: str) -> Refusal | None:
        """Why there is no place in the queue for one more from there; room is made at the cost of the unheard."""
        if self.by_address and self.of_address(address) >= self.settings.page_address_running:
            return Refusal(429, TWICE, 1, "address_running")
        if not self.full():
            return None
        late = time.monotonic() - SOON
        unheard = [each for each in self.waiting() if not self.listening[each.session_hash]]
        if unheard and unheard[0].enqueue_time < late:
            self.drop(unheard[0])
        return busy() if self.full() else None

    def full(self) -> bool:
        """Whether one more question would be one too many."""
        coming = len(self.waiting()) + self.arriving.total()
        return coming >= self.settings.page_waiting + self.free()

    def free(self) -> int:
        """Places to be answered at that nobody has."""
        return max(0, self.settings.page_running - len(self.running()))

    @asynccontextmanager
    async def place(self, address: str) -> AsyncIterator[Refusal | None]:
        """For a question beside the queue: a place while it is answered, once there is one, or why there is none."""
        address = neighbourhood(address)
        refusal = None
        if self.by_address and self.of_address(address) >= self.settings.page_address_running:
            refusal = Refusal(429, TWICE, 1, "address_running")
        elif self.beside.total() >= self.settings.page_running + self.settings.page_waiting:
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

    @contextmanager
    def listener(self, session: str) -> Iterator[None]:
        """While a browser listens to what comes for a session."""
        self.listening[session] += 1
        try:
            yield
        finally:
            leave(self.listening, session)
            remember(self.heard, session, time.monotonic())

    # -- who is next -----------------------------------------------------------------------------------------------

    def next_events(self) -> tuple[list[Event], bool, str] | None:
        """What Gradio is to run next (in place of its own `get_events`): those first to whom somebody listens.

        The others, among them every browser for the moment until it listens, have a quarter of the places.
        """
        names = list(self.queue.event_queue_per_concurrency_id)
        random.shuffle(names)
        for name in names:
            found = self.queue.event_queue_per_concurrency_id[name]
            limit = found.concurrency_limit
            if not found.queue or (limit is not None and found.current_concurrency >= limit):
                continue
            event = self.chosen(found)
            if event is not None:
                found.queue.remove(event)
                return [event], False, name
        return None

    def chosen(self, found: EventQueue) -> Event | None:
        """The event of one queue whose turn it is."""
        for event in found.queue:
            if self.listening[event.session_hash]:
                return event
        limit = found.concurrency_limit or 4
        running = [
            each for job in self.queue.active_jobs for each in job or () if each.fn.concurrency_id == name_of(found)
        ]
        unheard = sum(not self.listening[each.session_hash] for each in running)
        return found.queue[0] if unheard < max(1, limit // 4) else None

    # -- those who do not listen -----------------------------------------------------------------------------------

    def watch(self) -> None:
        """Has somebody look after the queue while there is anything in it."""
        if self.watching is None or self.watching.done():
            self.watching = asyncio.get_running_loop().create_task(self.look_after())

    async def look_after(self) -> None:
        """Drops each second what nobody has listened to for `UNHEARD` seconds."""
        idle = 0
        while idle < 2 * UNHEARD:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            events = [*self.waiting(), *self.running()]
            idle = 0 if events else idle + 1
            for event in events:
                since = max(event.enqueue_time, self.heard.get(event.session_hash, 0.0))
                if not self.listening[event.session_hash] and now - since > UNHEARD:
                    self.drop(event)
            self.forget(now)

    def drop(self, event: Event, sentence: str = DROPPED) -> None:
        """Ends a question, waiting or running; who listens after all is told."""
        content: dict[str, Any] = error_payload(Error(sentence, title="Not answered"), show_error=True)
        with suppress(KeyError):  # the session has gone
            message = ProcessCompletedMessage(output=content, title=content["title"], success=False)
            self.queue.send_message(event, message)
        found = self.queue.event_queue_per_concurrency_id[event.concurrency_id]
        if event in found.queue:
            found.queue.remove(event)
            self.queue.event_ids_to_events.pop(event._id, None)
        event.alive = False  # Gradio looks at it between two yields, and closes the generator

    def forget(self, now: float) -> None:
        """Gradio keeps what it had to say to sessions that never listened; a minute later nobody asks for it."""
        busy_now = {each.session_hash for each in (*self.waiting(), *self.running())}
        for session in list(self.queue.pending_event_ids_session):
            if session in busy_now or self.listening[session]:
                remember(self.heard, session, now)
            elif now - self.heard.setdefault(session, now) > 6 * UNHEARD:
                self.queue.pending_event_ids_session.pop(session, None)
                with suppress(KeyError):
                    del self.queue.pending_messages_per_session[session]
                self.heard.pop(session, None)


def leave(among: Counter[str], key: str) -> None:
    """One less; what is at none is not kept."""
    among[key] -= 1
    if among[key] <= 0:
        del among[key]


def name_of(found: EventQueue) -> str:
    """The queue's own name."""
    return str(found.concurrency_id)


def remember(among: OrderedDict[str, Any], key: str, value: Any) -> None:
    """Puts it at the end, and forgets the first where there are too many."""
    among[key] = value
    among.move_to_end(key)
    while len(among) > SESSIONS:
        among.popitem(last=False)
