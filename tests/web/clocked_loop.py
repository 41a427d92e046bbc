"""An event loop whose clock is given: it jumps to the next timer when there is nothing else to do."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_on_clock(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on such a loop; its clock begins at 0. No sockets, no other threads."""
    with asyncio.Runner(loop_factory=_ClockedLoop) as runner:
        return runner.run(main)


async def turns(count: int = 5) -> None:
    """Let everything run that is ready; no time passes."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(moment: float) -> None:
    """Wait until the clock shows this time and what was due then has run."""
    await asyncio.sleep(moment - asyncio.get_running_loop().time())
    await turns()


class _Jump(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing will ever happen any more"
        self.now += timeout
        return super().select(0)


class _ClockedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now
