"""Calls that may never return, such as the look-up of a host name: the caller waits up to a limit."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(function: Callable[[], T]) -> Future[T]:
    """Call a function on a thread of its own, which does not keep the process from ending.

    >>> in_background(lambda: 2 + 2).result(timeout=60)
    4
    """
    future = Future[T]()

    def call() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - the future raises it where it is waited for
            future.set_exception(error)

    Thread(target=call, daemon=True).start()
    return future
