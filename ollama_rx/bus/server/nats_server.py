"""A NATS server for one machine: that of the extra ``bus-server``, with its files in the user's folder."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

import orjson

from ollama_rx.arguments import check_whole
from ollama_rx.bus.server import server_guard
from ollama_rx.data_folder import DATA_VARIABLE, data_folder
from ollama_rx.errors import OllamaError, excerpt
from ollama_rx.protocol.json_fields import JsonObject, object_of

_HOST = "127.0.0.1"
_DEFAULT_PORT = 4222
_LAST_PORT = 65535
_PROGRAM = "nats-server"
_LOCK_SECONDS = 5.0  # to wait for the server of a worker that has just ended
_START_SECONDS = 30.0  # a start takes 0.1 seconds, and longer with many stored messages
_STOP_SECONDS = 15.0  # the guard kills a server that does not stop within ten
_POLL_SECONDS = 0.01
_ANSWER_SECONDS = 1.0  # for a server on this machine to identify itself
_LONGEST_INFO = 64 * 1024  # bytes
_EARLY_LOG = "nats-start.log"  # output before the server opens its log file
_LOG_PREFIX = re.compile(r"^\[\d+\] [\d/]+ [\d:.]+ \[\w+\] ")
_NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # exists on Windows only

# With `sync_interval: always` each message is on the disk before it is acknowledged, so that not even a power
# cut loses one. Source: https://docs.nats.io/running-a-nats-service/configuration#jetstream
_CONFIG = """# Written by ollama-rx whenever it starts this server.
server_name: {name}
listen: "{host}:{port}"
jetstream {{
  store_dir: {store}
  sync_interval: always
  max_memory_store: 256MB
  max_file_store: 10GB
}}
log_file: {log}
logfile_size_limit: 4MB
logfile_max_num: 3
pid_file: {pid}
"""


class NatsServerError(OllamaError):
    """The NATS server cannot be started."""


class NatsServer:
    """nats-server on a port of this machine, which other machines cannot reach.

    ::

        with NatsServer() as server:
            Worker(Client(), server.url).run()

    The server ends with the process that started it, even if that process is killed, and is restarted if it
    dies by itself. Stored messages survive a restart. Ctrl-C in the terminal does not stop it.

    Args:
        port: the port on which it listens.
        folder: for its configuration, log and streams; if None, the folder "nats" in the user's data folder
            (the variable OLLAMA_RX_DATA names another one).

    Raises:
        NatsServerError: nats-server is not installed or cannot start, the port is in use, or another server
            uses the folder. Raised by `start`, or at the beginning of ``with``.
    """

    def __init__(self, *, port: int = _DEFAULT_PORT, folder: str | os.PathLike[str] | None = None) -> None:
        check_whole("port", port, least=1, most=_LAST_PORT)
        self._port: Final = port
        self._chosen_folder: Final = folder
        self._name = ""
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The URL with which clients and workers on this machine connect."""
        return f"nats://{_HOST}:{self._port}"

    @property
    def log_file(self) -> Path:
        """The log file; together with the older ones it stays below 16 MB."""
        return self._folder / "nats.log"

    def start(self) -> Self:
        """Start the server, unless it is running already, and wait until it answers."""
        if self._guard is not None:
            return self
        program = _find_program()
        try:
            self._guard = self._start_guard(program)
        except OSError as error:
            raise NatsServerError(f"cannot start the NATS server: {error}") from error
        try:
            self._wait_until_it_answers(self._guard)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and wait until it has ended; from any thread."""
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.communicate(timeout=_STOP_SECONDS)  # closes the pipe, and waits

    @property
    def _folder(self) -> Path:
        try:
            return data_folder() / "nats" if self._chosen_folder is None else Path(self._chosen_folder)
        except FileNotFoundError as error:
            raise NatsServerError(str(error)) from error

    def _start_guard(self, program: str) -> "subprocess.Popen[bytes]":
        folder = self._folder.absolute()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._name = f"ollama-rx-{secrets.token_hex(8)}"
        config = str(folder / "nats.conf")
        text = _CONFIG.format(
            name=self._name,
            host=_HOST,
            port=self._port,
            store=_quoted(folder / "streams"),
            log=_quoted(folder / "nats.log"),
            pid=_quoted(folder / "nats.pid"),
        )
        guard = [server_guard.__file__, str(folder / "lock"), str(_LOCK_SECONDS), config, text]
        with (folder / _EARLY_LOG).open("ab") as log:
            log.truncate(0)
            return subprocess.Popen(  # noqa: S603 - nats-server
                # Without the site packages, which the guard does not need, Python starts in half the time.
                [sys.executable, "-I", "-S", *guard, program, "-c", config],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C does not reach it, so the worker can finish first
                creationflags=_NEW_GROUP,
            )

    def _wait_until_it_answers(self, guard: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _START_SECONDS
        waiting = threading.Event()
        while (_who_answers(self._port) or {}).get("server_name") != self._name:
            if guard.poll() is not None or time.monotonic() > deadline:
                raise self._failure(guard.returncode)
            waiting.wait(_POLL_SECONDS)
        pipe = cast("IO[bytes]", guard.stdin)
        pipe.write(b".")  # from now on the guard restarts a server that dies

    def _failure(self, code: int | None) -> NatsServerError:
        if code == server_guard.LOCKED:
            return NatsServerError(
                f"another NATS server of ollama-rx uses {self._folder}; start this worker without "
                f"--with-server, or choose another folder with {DATA_VARIABLE}"
            )
        other = _who_answers(self._port)
        if other is None:
            return NatsServerError(
                f"the NATS server does not start ({self._last_words()}); see {self.log_file}"
            )
        what = "a NATS server" if other else "another program"
        without = "leave out --with-server to use it, or " if other else ""
        return NatsServerError(
            f"{what} listens on port {self._port} already; {without}choose another port with --bus "
            f"nats://{_HOST}:PORT"
        )

    def _last_words(self) -> str:
        """Return the server's last line of output; errors of its configuration are not in its log file."""
        for file in (self._folder / _EARLY_LOG, self.log_file):
            lines = file.read_text(encoding="utf-8", errors="replace").split("\n") if file.exists() else []
            for line in reversed(lines):
                if line.strip():
                    return excerpt(_LOG_PREFIX.sub("", line.strip()))
        return "no reason given"


def _find_program() -> str:
    """Return the path of nats-server: beside Python, where the extra installs it, or on the PATH."""
    folders = (Path(sys.executable).parent, Path(sysconfig.get_path("scripts")))
    candidates = [str(folder / _PROGRAM) for folder in folders]
    for candidate in (*candidates, _PROGRAM):
        if found := shutil.which(candidate):
            return found
    raise NatsServerError('nats-server is not installed: pip install "ollama-rx[bus-server]"')


def _who_answers(port: int) -> JsonObject | None:
    """Return the INFO of the NATS server on a port; {} if it is another program, None if nothing listens."""
    try:
        with socket.create_connection((_HOST, port), timeout=_ANSWER_SECONDS) as connection:
            line = connection.makefile("rb").readline(_LONGEST_INFO)
    except TimeoutError:
        return {}
    except OSError:
        return None
    _, _, info = line.partition(b"INFO ")
    try:
        return object_of(orjson.loads(info))
    except orjson.JSONDecodeError:
        return {}


def _quoted(path: Path) -> str:
    """Return a path as a string for nats-server's configuration, which knows the JSON escapes used here."""
    return orjson.dumps(str(path)).decode()
