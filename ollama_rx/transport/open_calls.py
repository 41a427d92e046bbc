"""The calls of a client that have begun and not ended, so that closing the client can end them."""

from typing import Protocol


class OpenCall(Protocol):
    """A call that can be ended because its client is closed."""

    def end_with_client(self) -> None:
        """End with an error that says so; from any thread."""
        ...


class OpenCalls:
    """The open calls of a client, on any number of loops and threads.

    There is no lock: each operation on a set is atomic, and a signal handler may close the client.
    """

    def __init__(self) -> None:
        self.closed = False
        self._calls: set[OpenCall] = set()
        self.add = self._calls.add
        """Add a call that begins; it must look at ``closed`` afterwards."""
        self.discard = self._calls.discard
        """Remove a call that has ended."""

    def __len__(self) -> int:
        return len(self._calls)

    def close(self) -> None:
        """End all calls."""
        self.closed = True
        for call in tuple(self._calls):
            call.end_with_client()
