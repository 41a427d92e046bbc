"""The body of a streamed reply: closing it stops the computation."""

from collections.abc import AsyncIterator

import httpx

from ollama_rx.embedded.jobs import Job
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.replies import encode


class Body(httpx.AsyncByteStream):
    """Reads a job's lines as they come; a job nobody reads any more is cancelled."""

    def __init__(self, first: bytes, job: Job) -> None:
        self._first = first
        self._job = job

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the lines that wait, one or more at a time."""
        yield self._first
        try:
            while (block := await self._job.pipe.get()) is not None:
                yield block
        except Refusal as refusal:  # the status is out already, so the error becomes the last line
            yield encode({"error": refusal.text}) + b"\n"

    async def aclose(self) -> None:
        """Stop the computation; it ends within one batch of tokens (about 0.1 s)."""
        self._job.cancel()

    def __del__(self) -> None:
        """Stop the computation of a reply that was dropped without being closed."""
        self._job.cancel()
