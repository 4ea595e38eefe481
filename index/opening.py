"""The one place that knows where an index may lie: in the home, or on a server that the setting `index_from` names."""

from index import searching
from index.protocol import Index, IndexStatus
from index.settings import IndexSettings

__all__ = ["open_index", "status_of"]


def open_index(settings: IndexSettings) -> Index:
    """The live generation, open for searching."""
    if not settings.index_from:
        return searching.LocalIndex.open(settings)
    from index.milvus.fallback import FallbackIndex

    return FallbackIndex.open(settings)


def status_of(settings: IndexSettings) -> tuple[IndexStatus, dict[str, str], str]:
    """What would be served, what a server says of itself, and a line of warning or ""."""
    if not settings.index_from:
        found, warning = searching.status_of(settings)
        return found, {}, warning
    from index.milvus.searching import status_at

    return status_at(settings)
