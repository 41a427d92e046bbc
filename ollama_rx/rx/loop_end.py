"""End what lives on an event loop before the loop is closed.

A loop that is shut down in order, as `asyncio.run` does it, closes its asynchronous generators; one of them
is ours, and ends the rest. A loop that is just closed by hand closes nothing, and asyncio has no hook for
that. So we extend its `close`: otherwise each such loop would leave its sockets open, a warning for each, and
subscribers that never hear of an end.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakSet

from ollama_rx.rx.event_loops import running_loop, user_loop
from ollama_rx.rx.internal_loop import TASK_NAME

_TURN = 0.001  # seconds between two looks, so that other threads, such as a transport's, can work meanwhile
_PATIENCE = 0.5  # seconds for which `close` waits, for instance for a transport of the user's


class EndsWithLoop(Protocol):
    """Holds something that must not outlive its event loop."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        ...

    def close_all(self) -> None:
        """Close everything; some of it may be left until the loop's next turn."""
        ...


class LoopEnd:
    """The `close` of an event loop, extended; it has weak references to what it ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._close_loop = loop.close
        self._holders: WeakSet[EndsWithLoop] = WeakSet()
        self._lifetime = self._close_at_shutdown()

    @staticmethod
    async def of_running_loop() -> "LoopEnd":
        """Return the end of the running loop."""
        loop = asyncio.get_running_loop()
        end = loop.close
        if isinstance(end, LoopEnd):
            return end
        if loop not in _SEALED:
            end = LoopEnd(loop)
            await anext(end._lifetime)
            try:
                loop.close = end  # type: ignore[method-assign]
            except AttributeError:
                _SEALED[loop] = end
            return end
        return _SEALED[loop]

    def closes(self, holder: EndsWithLoop) -> None:
        """Close what is in the holder at the end."""
        self._holders.add(holder)

    def __call__(self) -> None:
        """End everything, then close the loop."""
        if not self._loop.is_running():  # a running loop cannot be closed, and says so
            self._close_all()
            if self._is_anything_left():
                self._run_until_nothing_is_left()
        self._close_loop()
        vars(self._loop).pop("close", None)  # the loop has its own `close` again, and no cycle keeps it alive

    async def _close_at_shutdown(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._close_all()
            _SEALED.pop(self._loop, None)

    def _close_all(self) -> None:
        for task in self._tasks():
            if not task.cancelling():  # a second time would interrupt its cleaning up
                task.cancel()
        for holder in self._holders:
            holder.close_all()

    def _is_anything_left(self) -> bool:
        return bool(self._tasks()) or not all(holder.is_empty for holder in self._holders)

    def _tasks(self) -> list[asyncio.Task[Any]]:
        """Return the tasks of requests that are not done; a registry would cost more for each request."""
        return [task for task in asyncio.all_tasks(self._loop) if task.get_name() == TASK_NAME]

    def _run_until_nothing_is_left(self) -> None:
        if running_loop() is not None:  # a thread runs one loop at a time
            thread = threading.Thread(target=self._run_until_nothing_is_left, name="ollama-rx-loop-end")
            thread.start()
            thread.join()
            return
        waiting = self._loop.create_task(self._wait_until_nothing_is_left())
        waiting.add_done_callback(lambda _: self._loop.stop())
        while not waiting.done():  # not `run_until_complete`: it fails if `stop` was called before
            self._loop.run_forever()

    async def _wait_until_nothing_is_left(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                was_anything_left = True  # a turn ago: a task's callbacks run in the turn after its end
                while was_anything_left or self._is_anything_left():
                    was_anything_left = self._is_anything_left()
                    self._close_all()  # again: a subscriber that hears of the end may send a new request
                    await asyncio.sleep(_TURN)


async def end_with_loop() -> None:
    """Let the task that awaits this, one named `TASK_NAME`, be cancelled before its loop is closed.

    Internal loops always end in order.
    """
    if user_loop() is not None:
        await LoopEnd.of_running_loop()


_SEALED: dict[asyncio.AbstractEventLoop, LoopEnd] = {}
"""The loops whose `close` cannot be replaced; they are not written in Python. They end in order only."""
