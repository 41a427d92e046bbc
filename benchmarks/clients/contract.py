"""What a measured client offers to the worker that runs it."""

from collections.abc import Callable
from typing import Protocol

Saw = Callable[[str], object]
"""Called with the server's time stamp when a token has reached the end of the client's work on it."""


class Reader(Protocol):
    """A blocking client; it keeps its connection from one answer to the next."""

    def read(self, url: str) -> int:
        """Read one answer to its end and return how many lines with text it had."""
        ...


class AsyncReader(Protocol):
    """A client on the running event loop; it keeps its connections from one answer to the next."""

    async def read(self, url: str) -> int:
        """Read one answer to its end and return how many lines with text it had."""
        ...

    async def read_many(self, url: str, streams: int, saw: Saw) -> None:
        """Read so many answers at once to their ends, telling the time stamp of each token."""
        ...
