"""To which sessions somebody listens: those are answered first, and what nobody listens to is dropped.

Gradio runs whatever has been put into its queue, in its order, whether or not anybody fetches the answer.
"""

import asyncio
import random
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gradio.exceptions import Error
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import ProcessCompletedMessage
from gradio.utils import error_payload

from assistant.page.limits import remember

__all__ = ["ASKING", "DROPPED", "SESSIONS", "Attention", "leave"]

ASKING = "ask"  # the concurrency_id of the events that answer questions
UNHEARD = 10  # looks after which a question is dropped that nobody listens to
LOOK = 1.0  # seconds between two looks
BEHIND = 0.25  # seconds that a look is late when it does not count: then a browser's stream waits to be let in, too
SOON = 3.0  # seconds after which an unheard question may give way to another; a browser listens at once
FORGOTTEN = 60  # looks after which nobody asks any more what a session had been told
SESSIONS = 10_000  # that are remembered
DROPPED = "Nobody seemed to wait for this answer. Ask again."


class Attention:
    """Watches the queue of a Blocks. To be used from the event loop only."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.listening: Counter[str] = Counter()  # session -> open streams
        self.unheard: OrderedDict[str, int] = OrderedDict()  # session -> looks since anybody listened
        self.watching: asyncio.Task[None] | None = None
        queue.get_events = self.next_events  # type: ignore[method-assign]

    @contextmanager
    def listener(self, session: str) -> Iterator[None]:
        """While a browser listens to what comes for a session."""
        self.listening[session] += 1
        self.unheard.pop(session, None)
        try:
            yield
        finally:
            leave(self.listening, session)

    def running(self, name: str = ASKING) -> list[Event]:
        """What is being answered."""
        return [each for job in self.queue.active_jobs for each in job or () if each.concurrency_id == name]

    def waiting(self) -> list[Event]:
        """Questions that wait, the oldest first."""
        found = self.queue.event_queue_per_concurrency_id.get(ASKING)
        return list(found.queue) if found else []

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
        unheard = sum(not self.listening[each.session_hash] for each in self.running(found.concurrency_id))
        return found.queue[0] if unheard < max(1, (found.concurrency_limit or 4) // 4) else None

    # -- those to whom nobody listens ------------------------------------------------------------------------------

    def watch(self) -> None:
        """Has somebody look after the queue while there is anything in it."""
        if self.watching is None or self.watching.done():
            self.watching = asyncio.get_running_loop().create_task(self.look_after())

    async def look_after(self) -> None:
        """Looks until nothing is left to be looked after."""
        while True:
            begun = time.monotonic()
            await asyncio.sleep(LOOK)
            if time.monotonic() - begun < LOOK + BEHIND:
                self.look()
            if not self.unheard and not self.waiting() and not self.running():
                return

    def look(self) -> None:
        """Drops what nobody has listened to for so many looks; later forgets what Gradio had to say to its session."""
        events = [*self.waiting(), *self.running()]
        for session in {each.session_hash for each in events} | set(self.queue.pending_event_ids_session):
            if not self.listening[session]:
                remember(self.unheard, session, self.unheard.get(session, 0) + 1, SESSIONS)
        for event in events:
            if self.unheard.get(event.session_hash, 0) > UNHEARD:
                self.drop(event)
        for session in [each for each, looks in self.unheard.items() if looks > FORGOTTEN]:
            self.queue.pending_event_ids_session.pop(session, None)
            with suppress(KeyError):
                del self.queue.pending_messages_per_session[session]
            del self.unheard[session]

    def ignored(self) -> list[Event]:
        """Questions that have waited unheard for more than a moment, the oldest first."""
        late = time.monotonic() - SOON
        return [each for each in self.waiting() if each.enqueue_time < late and not self.listening[each.session_hash]]

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


def leave(among: Counter[str], key: str) -> None:
    """One less; what is at none is not kept."""
    among[key] -= 1
    if among[key] <= 0:
        del among[key]
