"""Threads that do blocking work and send lines of bytes to a reader on any event loop."""

import asyncio
import atexit
import threading
from collections.abc import Callable

from ollama_rx.rx.event_loops import run_on_loop
from ollama_rx.rx.mailbox import END, Mailbox, Sentinel

# More lines than an answer can have (prompt and answer share 2048 tokens), about 0.5 MB: the engine cannot be
# paused, so a thread that waited for a slow reader would only occupy a slot that others wait for.
_MAX_LINES = 4096

_running: set["WorkerThread"] = set()


class WorkerThread:
    """A daemon thread that runs ``work(lines)``, which puts lines into a mailbox.

    The work must stop when the mailbox has ended: the thread was cancelled, or its reader's event loop is
    closed.

    The thread adds itself to the set ``registry``. Finished threads are removed from it only when the next
    one starts, so joining every member guarantees that no thread is still exiting.
    """

    def __init__(
        self,
        work: Callable[[Mailbox[bytes]], object],
        *,
        on_cancel: Callable[[], None] = lambda: None,
        registry: set["WorkerThread"] | None = None,
    ) -> None:
        self._lines = Mailbox[bytes](_MAX_LINES)
        self._work = work
        self._on_cancel = on_cancel
        self._finished = False
        self.cancelled = False
        """Whether lines may be missing: it was told to stop."""
        self._thread = threading.Thread(target=self._run, name="ollama-rx-embedded", daemon=True)
        self._thread.start()
        for members in (_running, registry):
            if members is not None:
                members -= {worker for worker in list(members) if worker._finished}  # noqa: SLF001 - its own class
                members.add(self)

    def cancel(self) -> None:
        """Drop the waiting lines and make the thread stop; from any thread, any number of times."""
        self.cancelled = True
        self._lines.close()
        self._on_cancel()

    @property
    def running(self) -> bool:
        """Whether the thread is still alive."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Block until the thread has ended."""
        self._thread.join()

    async def wait(self) -> None:
        """Wait until work that sends no lines is done; raises what the work raised."""
        await self.read()
        self.join()  # ending the mailbox was the last thing the thread did

    async def read(self) -> bytes | None:
        """Wait for lines and return all that have arrived, joined; None after the last one.

        Raises:
            Exception: what the work raised, once, after the last line.
        """
        while isinstance(lines := self._lines.get_all_nowait(), Sentinel):
            if lines is END:
                return None
            await self._ready()
        return b"".join(lines)

    async def _ready(self) -> None:
        """Wait as `Mailbox.ready` does, but end the mailbox if this event loop is closed meanwhile.

        The lines have no other reader, so the thread must stop.
        """
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()

        def wake() -> None:
            if not run_on_loop(loop, ready.set):
                self._lines.close()

        self._lines.when_ready(wake)
        await ready.wait()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._work(self._lines)
        except Exception as raised:  # noqa: BLE001 - raised to the reader
            error = raised
        finally:
            self._lines.end(error)
            self._finished = True


def stop_all() -> None:
    """Stop every thread before the interpreter exits: llama.cpp must not call into a finalised Python."""
    for worker in list(_running):
        worker.cancel()
        worker.join()


atexit.register(stop_all)
