"""Calls that nobody waits for longer than a limit, such as the look-up of a name that is never answered."""

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
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(error)

    Thread(target=call, daemon=True).start()
    return future
