"""Find cancellations that nats-py loses.

Before Python 3.12 ``asyncio.wait_for``, in which nats-py waits for replies, returns the reply if a
cancellation comes in the same moment. The task would then go on as if nobody had cancelled it.
Source: https://github.com/python/cpython/issues/86296
"""

import asyncio
from types import TracebackType


class LostCancellation:
    """Raises at the end of its block what the task was sent meanwhile: ``with LostCancellation(): ...``."""

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
