"""Blocking work in threads of its own, for readers on any event loop."""

import atexit
import threading
from collections.abc import Callable

from ollama_rx.embedded.pipe import Pipe

_all: set["Job"] = set()


class Job:
    """A daemon thread that writes into a pipe; it runs until it is done or its pipe is closed.

    It is a member of the set ``among``, where finished ones stay until the next comes: who joins all members
    finds no thread in its last instructions.
    """

    def __init__(
        self,
        work: Callable[[Pipe], object],
        *,
        on_cancel: Callable[[], None] = lambda: None,
        among: set["Job"] | None = None,
    ) -> None:
        self.pipe = Pipe()
        self._work = work
        self._on_cancel = on_cancel
        self._finished = False
        self._thread = threading.Thread(target=self._run, name="ollama-rx-embedded", daemon=True)
        self._thread.start()
        for members in (_all, among):
            if members is not None:
                members -= {job for job in list(members) if job._finished}  # noqa: SLF001 - its own class
                members.add(self)

    def cancel(self) -> None:
        """Tell the thread to stop; from any thread, any number of times."""
        self.pipe.close()
        self._on_cancel()

    @property
    def running(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    async def wait(self) -> None:
        """Wait until the work (one that writes no lines) is done, raising what it raised."""
        await self.pipe.get()
        self.join()  # its last act was to end the pipe

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._work(self.pipe)
        except BaseException as raised:  # noqa: BLE001 - the reader gets it
            error = raised
        self.pipe.end(error)
        self._finished = True


def stop_all() -> None:
    """Stop every job before the interpreter goes: llama.cpp must not call into a Python half torn down."""
    for job in list(_all):
        job.cancel()
        job.join()


atexit.register(stop_all)
