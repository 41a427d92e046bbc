"""Keep nats-server running as long as the process that started it lives, however that process ends.

This is a small program of its own, which imports nothing from this package:
``python server_guard.py LOCK SECONDS CONFIG TEXT COMMAND...``. Its standard input is a pipe from the process.
When the pipe is closed, at the latest by the system when the process is killed, the guard stops the server.
A byte through the pipe says that the server has answered: from then on, a server that ends by itself is
restarted. Before, the guard exits with the server's exit code.

LOCK is a file in the server's folder. The guard waits for its lock for up to SECONDS, then writes TEXT to the
file CONFIG. Except on Windows the server inherits the lock, so two servers never use one folder, even if
somebody kills the guard.
"""

import os
import subprocess
import sys
import threading
import time

LOCKED = 75  # the exit code if another server uses the folder; EX_TEMPFAIL in sysexits.h
_STOP_SECONDS = 10.0  # before a server that does not stop is killed
_PAUSE_SECONDS = 0.5  # before a server that has died is started again
_POLL_SECONDS = 0.02


def main(arguments: list[str], parent: int = 0) -> int:
    """Run the server until the pipe with the file descriptor ``parent`` is closed; return the exit code."""
    lock, seconds, config, text, *command = arguments
    held = _take_lock(lock, float(seconds))
    if held is None:
        return LOCKED
    try:
        with open(config, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes longer to import
            file.write(text)
        return ServerGuard(command, held).run(parent)
    finally:
        os.close(held)


class ServerGuard:
    """Runs the server's process until the server is not wanted any more."""

    def __init__(self, command: list[str], lock: int) -> None:
        self._command = command
        self._lock = lock
        self._has_answered = False
        self._is_unwanted = threading.Event()
        self._changing = threading.Lock()
        self._process = self._start()

    def run(self, parent: int) -> int:
        """Wait until the server is stopped; restart it if it ends by itself after it has answered."""
        threading.Thread(target=self._watch, args=(parent,), daemon=True).start()
        while True:
            code = self._process.wait()
            if self._has_answered:
                self._is_unwanted.wait(_PAUSE_SECONDS)
            with self._changing:
                if self._is_unwanted.is_set():
                    return 0
                if not self._has_answered:
                    return code or 1
                self._process = self._start()

    def stop(self) -> None:
        """Stop the server and do not restart it."""
        with self._changing:
            self._is_unwanted.set()
            self._process.terminate()

    def _start(self) -> "subprocess.Popen[bytes]":
        inherited = () if sys.platform == "win32" else (self._lock,)
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, pass_fds=inherited)  # noqa: S603

    def _watch(self, parent: int) -> None:
        while os.read(parent, 1):
            self._has_answered = True
        self.stop()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _take_lock(path: str, seconds: float) -> int | None:
    """Return the file descriptor that holds the lock, or None if the lock stays taken for ``seconds``."""
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + seconds
    while not _locks(held):
        if time.monotonic() > deadline:
            os.close(held)
            return None
        time.sleep(_POLL_SECONDS)
    return held


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
    import msvcrt

    def _locks(held: int) -> bool:
        try:
            msvcrt.locking(held, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locks(held: int) -> bool:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


if __name__ == "__main__":  # pragma: no cover - runs in a process of its own
    sys.exit(main(sys.argv[1:]))
