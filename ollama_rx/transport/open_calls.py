"""The calls of a client that have begun and not ended, so that closing the client can end them."""

from threading import RLock
from typing import Protocol
from weakref import WeakSet


class OpenCall(Protocol):
    """A call that can be ended because its client is closed."""

    def end_with_client(self) -> None:
        """End with an error that says so; from any thread."""
        ...


class OpenCalls:
    """The open calls of a client, on any number of loops and threads.

    The references are weak: a call whose event loop was closed by hand never ends.
    """

    def __init__(self) -> None:
        self.closed = False
        self._calls: WeakSet[OpenCall] = WeakSet()
        self._lock = RLock()  # re-entrant: a signal handler may close the client

    def add(self, call: OpenCall) -> None:
        """Add a call that begins."""
        with self._lock:
            self._calls.add(call)

    def discard(self, call: OpenCall) -> None:
        """Remove a call that has ended."""
        with self._lock:
            self._calls.discard(call)

    def close(self) -> None:
        """End all calls; those that begin from now on must look at ``closed`` after `add`."""
        self.closed = True
        with self._lock:
            calls = tuple(self._calls)
        for call in calls:
            call.end_with_client()
