"""Play what was recorded, in the place of a server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from ollama_rx.arguments import as_path
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange, RecordedRequest, is_upload
from ollama_rx.testing.cassettes.request_match import RequestMatch
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport


def replay(path: str | Path, speed: float | None = 1) -> "ReplayTransport":
    """Return a transport for `Client` that answers from a cassette, without a network.

    ::

        client = Client(transport=replay("answer.cassette", speed=20))

    A request gets the response that an equal one got: the same method, path and JSON. Equal requests get
    their responses one after the other, and the last one again and again. Lines come as they were recorded,
    with the same pauses, and a stream that broke breaks again with the same error. If the cassette has
    prompts without their texts, prompts of the same shape are equal. The cassette is read once.

    Args:
        path: the file that `record` has written.
        speed: 1 for the recorded times, 20 for twenty times as fast, None for no pauses.

    Raises:
        CassetteError: the file is missing or is not a cassette. Streams fail with it if the cassette has no
            response to their request.
    """
    return ReplayTransport(RequestMatch.of(as_path("path", path), speed))


class ReplayTransport(LoopAgnosticTransport):
    """The transport that `replay` returns: it may be used on any event loop, by many requests at a time."""

    def __init__(self, match: RequestMatch) -> None:
        self._match = match
        models = match.models
        self.default_model = models.pop() if len(models) == 1 else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request when its response had begun."""
        clock = _Clock()
        path = request.url.raw_path.decode()
        body = None if is_upload(path) else await request.aread()
        exchange = self._match.find(RecordedRequest.of(request.method, path, body))
        if exchange.status is None:
            await clock.wait_until(exchange.end_ms)
            raise recorded_error(exchange)
        await clock.wait_until(exchange.head_ms)
        headers = {} if exchange.content_type is None else {"content-type": exchange.content_type}
        return httpx.Response(exchange.status, headers=headers, stream=_ReplayedBody(exchange, clock))

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""

    def close(self) -> None:
        """Do nothing: there are no connections."""


class _Clock:
    """Counts milliseconds from its making."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self._begin = self._now()

    async def wait_until(self, ms: float) -> None:
        """Wait; let other tasks run in any case, since a cassette may have a million lines for one moment."""
        await asyncio.sleep(max(0.0, self._begin + ms / 1000 - self._now()))


class _ReplayedBody(httpx.AsyncByteStream):
    def __init__(self, exchange: RecordedExchange, clock: _Clock) -> None:
        self._exchange = exchange
        self._clock = clock

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for line in self._exchange.lines:
            await self._clock.wait_until(line.ms)
            yield line.content
        await self._clock.wait_until(self._exchange.end_ms)
        if self._exchange.end != "complete":
            raise recorded_error(self._exchange)


def recorded_error(exchange: RecordedExchange) -> httpx.TransportError:
    """Return the error that ended an exchange; if nothing recorded one, one that says why."""
    if exchange.end == "left":
        return httpx.ReadError("the recording ends here: its reader had left, or the recorder was killed")
    kind = getattr(httpx, exchange.error, None)
    if isinstance(kind, type) and issubclass(kind, httpx.TransportError):
        return kind(exchange.reason)
    return httpx.RemoteProtocolError(f"{exchange.error}: {exchange.reason}")
