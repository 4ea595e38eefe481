"""The one door to pymilvus: each call has a time limit, and what fails is an error of ours that holds no secret."""

import importlib.util
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

from index.errors import MilvusError, UnreachableError
from index.milvus.address import Address

__all__ = ["Connection"]

CALL = 5.0  # seconds for a call while somebody waits for an answer; a search takes 0.01 to 0.3
LONG = 120.0  # seconds for one of those that write
BM25_FROM = (2, 5)  # Milvus Lite tells a version of its own, from 3 on with BM25 in it
# What real servers, gRPC and pymilvus call it when there is nobody, or nobody in time, or one who will not have us.
AWAY = re.compile(
    r"Fail connecting|UNAVAILABLE|DEADLINE_EXCEEDED|Retry timeout|Retry run out|closed channel|CANCELLED|timeout", re.I
)
DENIED = re.compile(r"UNAUTHENTICATED|auth check failure|PERMISSION_DENIED|permission deny|invalid token", re.I)
# Channels to one address share what gRPC knows of it: after a loss a new one would wait as long as the old one does.
ALONE = {"grpc.use_local_subchannel_pool": 1, "grpc.max_reconnect_backoff_ms": 2000}
GRAPH = {"M": 32, "efConstruction": 200}
BREADTH = 400  # candidates that a search of the graph keeps
# With Session a deleted passage came back for 0.2 s. A real server waits as long for Strong, at each call.
STRONG: dict[str, Any] = {"consistency_level": "Strong"}
IN_A_MILLISECOND = 18  # bits of a server's time stamp that count within one (milvus.io, "Timestamp in Milvus")
MARGIN = 100  # milliseconds by which two clocks may differ in a copy's time


class Connection:
    """A server that has answered. Safe to share between threads."""

    def __init__(self, address: Address, token: str = "", seconds: float = CALL) -> None:
        self.address = address
        self.token = token
        self.seconds = seconds
        self.reading = STRONG
        if importlib.util.find_spec("pymilvus") is None:
            raise MilvusError(
                "pymilvus is not installed, without which no Milvus server can be used. Install it with: "
                "pip install pymilvus, or with the project: pip install -e '.[milvus]'"
            )
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when gRPC is imported; its own lines say less than ours
        reach(address, seconds)
        with self.translated():
            from pymilvus import MilvusClient

            logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs each error with its traceback
            self.client = MilvusClient(
                uri=address.uri, token=token, timeout=seconds, dedicated=True, grpc_options=ALONE
            )
            self.version = str(self.client.get_server_version(timeout=seconds))

    @property
    def has_bm25(self) -> bool:
        """Whether the server finds passages by words."""
        numbers = tuple(map(int, re.findall(r"\d+", self.version)[:2]))
        return numbers >= BM25_FROM

    def as_of(self, written: int) -> "Connection":
        """The same for reading what was written by then, a server's time stamp: it need not wait for what came later.

        Only for collections that have not changed since. With 0 whatever was written is read, as without this.
        """
        other = copy(self)
        other.reading = {"consistency_level": "Customized", "guarantee_timestamp": written} if written else STRONG
        return other

    def now(self, collection: str, age: float) -> int:
        """The server's time stamp at most 0.1 s from now; `age` is for how many seconds, by our clock, the collection
        has been there. 0 where the server does not tell when it was made, as Milvus Lite does not.
        """
        with self.translated():
            made = int(self.client.describe_collection(collection, timeout=self.seconds).get("created_timestamp", 0))
        return made + (int(age * 1000) + MARGIN << IN_A_MILLISECOND) if made else 0

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What pymilvus and gRPC raise, as an error of ours."""
        import grpc
        from pymilvus import MilvusException

        try:
            yield
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError, ValueError) as error:
            raise self.error(error) from None

    def error(self, error: Exception) -> MilvusError:
        """One sentence, without the token."""
        said = " ".join(str(getattr(error, "message", "") or error).split())
        cause = (
            f"{error!r} {error.__cause__!r} {error.__context__!r}"  # a refused name is hidden below a lost connection
        )
        if DENIED.search(cause):
            return MilvusError(
                f"The Milvus server at {self.address.server} refuses the name or password. Set "
                f"BACKCHANNEL_MILVUS_TOKEN=user:password"
            )
        if AWAY.search(cause):
            return unreachable(self.address)
        for secret in filter(None, (self.token, self.token.partition(":")[2])):
            said = said.replace(secret, "***")
        return MilvusError(f"The Milvus server at {self.address.server} refused: {said[:200]}")

    def collections(self) -> list[str]:
        """The names of all collections, without aliases."""
        with self.translated():
            return list(self.client.list_collections(timeout=self.seconds))

    def target(self, alias: str) -> str:
        """The collection that an alias names; "" where there is no such alias."""
        try:
            with self.translated():
                return str(self.client.describe_alias(alias, timeout=self.seconds)["collection_name"])
        except MilvusError as error:
            if isinstance(error, UnreachableError) or not re.search(r"not found|does not exist", str(error)):
                raise
            return ""

    def point(self, alias: str, collection: str) -> None:
        """Has the alias name a collection: the old one or the new one, at any moment."""
        now = self.target(alias)
        with self.translated():
            move = self.client.alter_alias if now else self.client.create_alias
            move(collection, alias, timeout=LONG)

    def unpoint(self, alias: str) -> None:
        """Removes an alias."""
        with self.translated():
            self.client.drop_alias(alias, timeout=LONG)

    def dimension(self, collection: str, field: str) -> int:
        """Of the vectors of a field; 0 where there is none of that name."""
        with self.translated():
            fields = self.client.describe_collection(collection, timeout=self.seconds)["fields"]
        return next((int(each["params"].get("dim", 0)) for each in fields if each["name"] == field), 0)

    def create(
        self,
        collection: str,
        fields: Sequence[tuple[str, str, dict[str, Any]]],
        k1: float,
        b: float,
        graph: bool = False,
    ) -> None:
        """A new collection: (name, type of `DataType`, what else pymilvus wants) for each field, the key first.

        A field `stems` is analysed by the server into a field `bm25`. Vectors are searched one by one, so that what is
        found is exact, or with `graph` by their neighbours (HNSW).
        """
        with self.translated():
            from pymilvus import DataType, Function, FunctionType

            schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
            indexes = self.client.prepare_index_params()
            for number, (name, type_of, more) in enumerate(fields):
                more = {**more, "element_type": DataType[more["element_type"]]} if "element_type" in more else more
                schema.add_field(name, DataType[type_of], is_primary=not number, **more)
                if type_of == "FLOAT_VECTOR":
                    kind: dict[str, Any] = {"index_type": "HNSW", "params": GRAPH} if graph else {"index_type": "FLAT"}
                    indexes.add_index(name, metric_type="IP", **kind)
                if name == "stems":
                    schema.add_field("bm25", DataType.SPARSE_FLOAT_VECTOR)
                    schema.add_function(Function("bm25", FunctionType.BM25, ["stems"], ["bm25"]))
                    parameters = {"params": {"bm25_k1": k1, "bm25_b": b}}  # flat, Milvus Lite 3.2 overlooks them
                    indexes.add_index("bm25", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=parameters)
            self.client.create_collection(collection, schema=schema, timeout=LONG, **STRONG)
            self.client.create_index(collection, indexes, timeout=LONG)

    def upsert(self, collection: str, rows: list[dict[str, Any]]) -> None:
        """Writes rows; the same keys again replace them, so that pymilvus may retry while the time lasts."""
        with self.translated():
            self.client.upsert(collection, rows, timeout=LONG)

    def flush(self, collections: Sequence[str]) -> None:
        """Has the server write what it was sent."""
        with self.translated():
            for name in collections:
                self.client.flush(name, timeout=LONG)

    def load(self, collections: Sequence[str]) -> None:
        """Has the server load what it has not, without which nothing is found; Milvus Lite forgets it when it ends."""
        with self.translated():
            left = [name for name in collections if not self.is_loaded(name)]
            for name in left:
                self.client.load_collection(name, timeout=LONG, _async=True)
            ends = time.monotonic() + LONG
            while left := [name for name in left if not self.is_loaded(name)]:
                if time.monotonic() > ends:
                    raise UnreachableError(f"The Milvus server at {self.address.server} did not load {left[0]} in time")
                time.sleep(0.05)

    def is_loaded(self, collection: str) -> bool:
        """Whether it can be searched."""
        return str(self.client.get_load_state(collection, timeout=self.seconds)["state"]) == "Loaded"

    def drop(self, collection: str) -> None:
        """Removes a collection, where it is there."""
        with self.translated():
            self.client.drop_collection(collection, timeout=LONG)

    def count(self, collection: str) -> int:
        """How many rows it has, everything that was written counted in."""
        with self.translated():
            found = self.client.query(collection, "", ["count(*)"], timeout=LONG, **STRONG)
            return int(found[0]["count(*)"])

    def rows(self, collection: str, where: str, fields: Sequence[str], seconds: float = 0.0) -> list[dict[str, Any]]:
        """The rows that meet an expression, in no order."""
        with self.translated():
            found = self.client.query(collection, where, list(fields), timeout=seconds or self.seconds, **self.reading)
            return [dict(each) for each in found]

    def best(
        self,
        collection: str,
        field: str,
        wanted: "list[float] | str",
        k: int,
        where: str,
        fields: Sequence[str],
        graph: bool = False,
    ) -> list[tuple[dict[str, Any], float]]:
        """The `k` rows nearest to a vector, or best by words, each with its score: higher is better."""
        breadth = {"params": {"ef": max(k, BREADTH)}} if graph else {}
        metric = "BM25" if field == "bm25" else "IP"
        with self.translated():
            found = self.client.search(
                collection,
                [wanted],
                anns_field=field,
                limit=k,
                filter=where,
                output_fields=list(fields),
                search_params={"metric_type": metric, **breadth},
                timeout=self.seconds,
                **self.reading,
            )
            pairs = [(dict(each["entity"]), float(each["distance"])) for each in found[0]]
        return [(row, abs(score)) for row, score in pairs] if metric == "BM25" else pairs  # Milvus Lite's is negative


def reach(address: Address, seconds: float) -> None:
    """`UnreachableError` where nobody listens: gRPC itself would go on trying."""
    import socket

    try:
        socket.create_connection((address.host, address.port), timeout=seconds).close()
    except OSError as error:
        raise unreachable(address, error.strerror or "no answer") from None


def unreachable(address: Address, why: str = "") -> UnreachableError:
    """What is seen, and what to do."""
    return UnreachableError(
        f"The Milvus server at {address.server} does not answer{f' ({why})' if why else ''}. Start it, or see whether "
        f"{address} is its address"
    )
