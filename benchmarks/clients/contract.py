"""The interface between a measured client and the worker that runs it."""

from collections.abc import Callable
from typing import Protocol

OnToken = Callable[[str], object]
"""Called with the server's time stamp of a token when the client has finished its work on that token."""


class Reader(Protocol):
    """A blocking client; it reuses its connection for the next answer."""

    def read(self, url: str) -> int:
        """Read one answer to its end and return the number of lines with text."""
        ...


class AsyncReader(Protocol):
    """A client on the running event loop; all but the floor reuse their connections for the next answer."""

    async def read(self, url: str) -> int:
        """Read one answer to its end and return the number of lines with text."""
        ...

    async def read_many(self, url: str, streams: int, on_token: OnToken) -> None:
        """Read many answers concurrently, to their ends, and report the time stamp of each token."""
        ...
