"""index watch: applies when the sources have changed and then stood still for a while."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

__all__ = ["STILL", "changes_in"]

STILL = 2.0  # seconds without a change after which one is acted on


def changes_in(sources: Sequence[Path], stop: Event, still: float = STILL) -> Iterator[int]:
    """How many paths of the sources have changed, each time when none has for `still` seconds; ends with `stop`."""
    from watchfiles import DefaultFilter, watch

    seen = watch(
        *(source for source in sources if source.exists()),
        watch_filter=DefaultFilter(),
        debounce=60_000,
        step=int(1000 * still),
        stop_event=stop,
        rust_timeout=500,
        yield_on_timeout=False,
        raise_interrupt=False,
    )
    for changes in seen:
        yield len({path for _, path in changes})
