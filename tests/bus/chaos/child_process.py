"""A program of these tests as a process of its own, which can be killed, paused and stopped."""

import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import orjson

_START_SECONDS = 60.0  # it takes half a second on a quiet machine
_STOP_SECONDS = 30.0
_SHOWN = 2000  # characters of a log

READY = "ready"
"""The first thing that a program tells."""


def tell(kind: str, **fields: object) -> None:
    """Tell the process that has started this one, with one line of its output."""
    sys.stdout.write(orjson.dumps({"kind": kind, **fields}).decode() + "\n")
    sys.stdout.flush()


def options_of_process() -> Any:
    """Return the options with which this process was started."""
    return orjson.loads(sys.argv[1])


class ChildProcess:
    """Runs a module with options; what it tells can be awaited."""

    def __init__(self, module: str, log: Path, **options: object) -> None:
        self._log = log
        self._is_ready = False
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - a program of these tests
                [sys.executable, "-m", module, orjson.dumps(options).decode()],
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True, name=f"output of {module}")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.put(orjson.loads(line))
        self._told.put({"kind": "ended"})

    @property
    def log(self) -> str:
        """The end of what it has written to its standard error."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-_SHOWN:]

    def wait_for(self, kind: str, seconds: float = _START_SECONDS) -> dict[str, Any]:
        """Return the next thing of a kind that it tells, and drop what it tells before."""
        while True:
            try:
                told = self._told.get(timeout=seconds)
            except queue.Empty:
                raise TimeoutError(f"the process has not told {kind!r}; its log:\n{self.log}") from None
            if told["kind"] == kind:
                return told
            if told["kind"] == "ended":
                raise RuntimeError(f"the process has ended before {kind!r}; its log:\n{self.log}")

    def wait_ready(self) -> Self:
        """Wait until it is ready; at once if that is known."""
        if not self._is_ready:
            self.wait_for(READY)
            self._is_ready = True
        return self

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._process.kill()
        self.wait()

    def pause(self) -> None:
        """Stop its execution; its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        self._process.terminate()
        return self.wait()

    def wait(self, seconds: float = _STOP_SECONDS) -> int:
        """Return its exit code when it has ended."""
        code = self._process.wait(seconds)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code
