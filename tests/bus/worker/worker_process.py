"""A worker in a process of its own, which a test can pause and kill."""

import signal
import subprocess
import sys
from types import TracebackType
from typing import Self

_PROGRAM = """
import asyncio, sys
from ollama_rx import Client
from ollama_rx.bus import Worker

async def main(host, bus, namespace):
    worker = Worker(Client(host), bus, namespace=namespace)
    running = asyncio.create_task(worker.run())
    await worker.ready()
    print("ready", flush=True)
    await running

asyncio.run(main(*sys.argv[1:]))
"""
_SECONDS = 20.0


class WorkerProcess:
    """Is ready when the block begins, and killed at its end."""

    def __init__(self, host: str, bus: str, namespace: str) -> None:
        self._arguments = (host, bus, namespace)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - a program of this test
            [sys.executable, "-c", _PROGRAM, *self._arguments], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate(timeout=_SECONDS)

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()

    def pause(self) -> None:
        """Stop its execution; its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)
