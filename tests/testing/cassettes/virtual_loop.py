"""An event loop whose time passes as soon as all tasks wait for it."""

import asyncio
import selectors
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock starts at 0 and jumps to the next timer; for code that waits for timers and nothing else."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self.now


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """Let the time pass instead of waiting for it."""
        assert timeout is not None, "nobody waits for a timer: this would wait for ever"
        self._loop.now += timeout
        return super().select(0)
