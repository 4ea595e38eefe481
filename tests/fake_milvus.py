"""A fake: Milvus Lite that says it is older, wants a password, speaks TLS, or cannot write more than so many bytes.

python tests/fake_milvus.py FOLDER PORT [--version v2.4.9] [--token user:password] [--tls FOLDER] [--bytes 100000]
"""

import argparse
import base64
import resource
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc


class Older(MilvusServicer):
    """Says that it is of another version; it still has all that Milvus Lite has."""

    version = ""

    def GetVersion(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        found = super().GetVersion(request, context)
        return milvus_pb2.GetVersionResponse(status=found.status, version=self.version or found.version)


class Locked(grpc.ServerInterceptor):
    """Refuses whoever does not bring the token, in the words of Milvus 2.3.5."""

    def __init__(self, token: str) -> None:
        self.wanted = base64.b64encode(token.encode()).decode()

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        if dict(details.invocation_metadata).get("authorization") == self.wanted:
            return continuation(details)

        def refuse(request: Any, context: Any) -> None:
            context.abort(
                grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check username and password are correct"
            )

        return grpc.unary_unary_rpc_method_handler(refuse)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    parser.add_argument("--version", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--tls", default="")
    parser.add_argument("--bytes", type=int, default=0)
    given = parser.parse_args()
    if given.bytes:  # as on a full disk, the kernel itself refuses: EFBIG in place of ENOSPC
        resource.setrlimit(resource.RLIMIT_FSIZE, (given.bytes, given.bytes))
    guards = [Locked(given.token)] if given.token else []
    server = grpc.server(futures.ThreadPoolExecutor(2), interceptors=guards)
    Older.version = given.version
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(Older(MilvusLite(given.folder)), server)
    address = f"127.0.0.1:{given.port}"
    if given.tls:
        key, certificate = ((Path(given.tls) / name).read_bytes() for name in ("key.pem", "certificate.pem"))
        server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
    else:
        server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
