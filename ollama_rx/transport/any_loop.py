"""What the engine asks of a transport: to work on any number of loops and threads at once."""

from abc import abstractmethod

import httpx


class AnyLoopTransport(httpx.AsyncBaseTransport):
    """An httpx transport without a home: each request belongs to the loop it is sent on."""

    default_model: str | None = None
    """What is asked for when nobody names a model."""

    @abstractmethod
    def close(self) -> None:
        """Close what is idle, from any thread."""
