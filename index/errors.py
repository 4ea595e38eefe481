"""What can go wrong in `index`: each message says what happened, the value seen, and what to do next.

BackchannelError            the one base that the command line catches: exit status 2, one sentence, no traceback
└── IndexingError
    ├── SettingsError       a setting that cannot be read
    ├── ReadingError        a file that cannot be read as an article
    ├── SourceError         sources that are missing, empty, or would lose articles
    ├── NoIndexError        nothing published yet
    ├── DamagedIndexError   published files that do not verify
    ├── EmbedderError       a model that cannot be loaded, or is not the one the index was built with
    ├── FilterError         a filter that names nothing
    ├── UnknownDocumentError
    ├── LockedError         another process is publishing
    └── MilvusError         a Milvus server that refuses, or that holds something else
        └── UnreachableError    one that does not answer
"""

__all__ = [
    "BackchannelError",
    "DamagedIndexError",
    "EmbedderError",
    "FilterError",
    "IndexingError",
    "LockedError",
    "MilvusError",
    "NoIndexError",
    "ReadingError",
    "SettingsError",
    "SourceError",
    "UnknownDocumentError",
    "UnreachableError",
]


class BackchannelError(Exception):
    """The base of every error that is the input's fault and not ours."""


class IndexingError(BackchannelError):
    """The base of the errors of `index`."""


class SettingsError(IndexingError):
    """A setting that cannot be read."""


class ReadingError(IndexingError):
    """A file that cannot be read as an article."""


class SourceError(IndexingError):
    """Sources that are missing, empty, or would lose articles."""


class NoIndexError(IndexingError):
    """Nothing has been published in this home."""


class DamagedIndexError(IndexingError):
    """Published files that do not match their manifest."""


class EmbedderError(IndexingError):
    """A model that cannot be loaded, or is not the one that the index was built with."""


class FilterError(IndexingError):
    """A filter that names nothing in this index."""


class UnknownDocumentError(IndexingError):
    """No document of that id."""


class LockedError(IndexingError):
    """Another process holds the home's lock."""


class MilvusError(IndexingError):
    """A Milvus server that refuses something, or whose collections are not those of an index."""


class UnreachableError(MilvusError):
    """A Milvus server that does not answer, or not in time."""
