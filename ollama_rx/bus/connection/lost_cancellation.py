"""Detect cancellations that nats-py loses.

nats-py waits for replies with ``asyncio.wait_for``. Before Python 3.12 this returns the reply if the task is
cancelled at the same moment, so the task would go on as if it had not been cancelled.
Source: https://github.com/python/cpython/issues/86296
"""

import asyncio
from types import TracebackType


class LostCancellation:
    """Raises ``CancelledError`` at the end of its ``with`` block if the block has lost a cancellation."""

    __slots__ = ("_before", "_task")

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_lost = self._task is not None and self._task.cancelling() > self._before
        if is_lost and not isinstance(error, asyncio.CancelledError):
            raise asyncio.CancelledError
