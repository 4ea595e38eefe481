"""Starts the real Milvus 2.3.5 of a package, runs a command beside it with MILVUS_SERVER set, and ends it.

    .venv/milvus/bin/python tests/real_milvus.py COMMAND...

The environment is its own: milvus==2.3.5 wants pymilvus<2.4, setuptools<80 and marshmallow<4. Its server finds no
passages by words. It listens on all addresses, as that version does, for as long as the command takes.
"""

import os
import subprocess
import sys
import tempfile

from milvus import MilvusServer, MilvusServerConfig


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="milvus-") as folder:
        config = MilvusServerConfig(data_dir=folder)
        if "MILVUS_LOCKED" in os.environ:  # then it wants root:Milvus, its own first password
            config.set("authorization_enabled", True)
        server = MilvusServer(config)
        try:
            server.start()
            environment = {**os.environ, "MILVUS_SERVER": f"127.0.0.1:{server.listen_port}"}
            return subprocess.run(sys.argv[1:], env=environment).returncode
        finally:
            server.stop()
            if server.server_proc is not None:
                server.server_proc.kill()


if __name__ == "__main__":
    sys.exit(main())
