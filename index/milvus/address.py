"""Where an index lies on a Milvus server: `milvus://host:port/collection`; over TLS `milvus+tls://…`."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from index.errors import SettingsError

__all__ = ["Address"]

PORT = 19530  # Milvus' own default
PLAIN, TLS = "milvus", "milvus+tls"
# Two underscores part the collection from a generation; Milvus allows 255 characters, of which that takes up to 50.
COLLECTION = re.compile(r"[A-Za-z]\w{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """A collection on a server. It never holds a password: that is the setting `milvus_token`."""

    host: str
    port: int
    collection: str
    tls: bool = False

    @property
    def uri(self) -> str:
        """As pymilvus wants it."""
        return f"{'https' if self.tls else 'http'}://{self.server}"

    @property
    def server(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{TLS if self.tls else PLAIN}://{self.server}/{self.collection}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`SettingsError` for anything else; what stands before an @ is not repeated, for it may be a password."""
        before, _, after = text.rpartition("@")
        if before:
            raise SettingsError(
                f"The address …@{after[:100]} has a name or password in it. Leave it out, and set "
                f"BACKCHANNEL_MILVUS_TOKEN=user:password"
            )
        try:
            parts = urlsplit(text)
            port = parts.port or PORT
        except ValueError:
            raise refused(text) from None
        collection = parts.path.strip("/")
        rest = parts.query or parts.fragment
        if parts.scheme not in (PLAIN, TLS) or not parts.hostname or rest:
            raise refused(text)
        if not COLLECTION.fullmatch(collection) or "__" in collection or collection.endswith("_"):
            raise refused(text)
        return cls(parts.hostname, port, collection, parts.scheme == TLS)


def refused(text: str) -> SettingsError:
    """What an address must look like."""
    return SettingsError(
        f"{text[:100]!r} is no address of an index. Write it as milvus://host:{PORT}/collection, or milvus+tls://… for "
        f"TLS; the collection's name has letters, digits and single underscores"
    )
