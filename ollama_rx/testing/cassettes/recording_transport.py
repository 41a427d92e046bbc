"""Record what a client and its server say to each other."""

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import httpx
import orjson

from ollama_rx.arguments import as_path, check_flag, wrong_type
from ollama_rx.errors import CassetteError
from ollama_rx.testing.cassettes.cassette_file import CassetteWriter
from ollama_rx.testing.cassettes.recorded_exchange import End, RecordedRequest, is_upload
from ollama_rx.testing.cassettes.without_texts import line_without_texts, request_without_texts
from ollama_rx.transport.content_coding import decompressed
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport, LoopBridgeTransport

# The query of the address to sign in to ollama.com, which an HTTP 401 gives: it contains a key.
_SIGNIN_KEY: Final = re.compile(rb'(?P<address>"signin_url"\s*:\s*"[^"?]*)\?[^"]*')


def record(
    path: str | Path, transport: httpx.AsyncBaseTransport | None = None, *, texts: bool = True
) -> "RecordingTransport":
    """Return a transport for `Client` that writes each exchange to a cassette, as it happens.

    ::

        with Client(transport=record("answer.cassette"), model="llama3.2") as client:
            client.generate("Hi").pipe(op.text()).run()

    Headers, the query of an address, and passwords are never recorded, nor are the contents of blobs. A
    stream that breaks is recorded as far as it came; so is one whose process is killed. `replay` and
    `FakeOllama(cassette=...)` play the cassette; docs/cassettes.md describes the file.

    Args:
        path: the file, which must not exist yet; only its owner can read it.
        transport: sends the requests; by default they go to the client's host, without a proxy.
        texts: False replaces each letter of prompts and answers by an x, and their tokens by zeros.

    Raises:
        CassetteError: the file exists, or cannot be made. Streams fail with it if it cannot be written.
    """
    check_flag("texts", texts)
    inner = _inner(transport)
    return RecordingTransport(inner, CassetteWriter(as_path("path", path), texts=texts), texts=texts)


def _inner(transport: httpx.AsyncBaseTransport | None) -> LoopAgnosticTransport:
    if transport is None:
        return HttpTransport()
    if isinstance(transport, LoopAgnosticTransport):
        return transport
    if isinstance(transport, httpx.AsyncBaseTransport):
        return LoopBridgeTransport(transport)
    raise wrong_type("transport", "an httpx.AsyncBaseTransport", transport)


class RecordingTransport(LoopAgnosticTransport):
    """The transport that `record` returns: another one, whose exchanges it writes to a cassette."""

    def __init__(self, inner: LoopAgnosticTransport, writer: CassetteWriter, *, texts: bool) -> None:
        self._inner = inner
        self._writer = writer
        self._texts = texts
        self.default_model = inner.default_model
        self.url = inner.url
        self.has_runs = inner.has_runs

    @property
    def exchange_count(self) -> int:
        """How many exchanges have been recorded, or have begun."""
        return self._writer.exchange_count

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on; what comes back is recorded while it is read."""
        path = request.url.raw_path.decode()
        body = None if is_upload(path) else await request.aread()
        recorded = RecordedRequest.of(request.method, path, body)
        if not self._texts:
            recorded = request_without_texts(recorded)
        tape = _Tape(self._writer, self._writer.begin(recorded, _now()), texts=self._texts)
        try:
            response = decompressed(await self._inner.handle_async_request(request))
        except Exception as error:
            tape.broke(error)
            raise
        except BaseException:
            tape.left()
            raise
        try:
            tape.head(response)
        except CassetteError:
            await response.aclose()
            raise
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_RecordedBody(response, tape),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the inner transport and the cassette."""
        await self._inner.aclose()
        self._writer.close()

    def close(self) -> None:
        """Do what `aclose` does, from any thread."""
        self._inner.close()
        self._writer.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Tape:
    """Writes one exchange."""

    def __init__(self, writer: CassetteWriter, number: int, *, texts: bool) -> None:
        self._writer = writer
        self._number = number
        self._texts = texts
        self._begin = time.perf_counter()
        self._rest: list[bytes] = []  # the beginning of a line whose end has not arrived
        self._is_last = False  # the latest line says that it is the last one
        self._is_over = False

    def head(self, response: httpx.Response) -> None:
        self._writer.head(
            self._number, self._ms(), response.status_code, response.headers.get("content-type")
        )

    def received(self, payload: bytes) -> None:
        ms = self._ms()
        *lines, rest = payload.split(b"\n")
        for line in lines:
            self._line(ms, b"".join((*self._rest, line, b"\n")))
            self._rest = []
        if rest:
            self._rest.append(rest)

    def ended(self) -> None:
        self._end("complete")

    def broke(self, error: Exception) -> None:
        """Note an error, which is more important than one of the cassette."""
        with suppress(CassetteError):
            self._end("broken", error)

    def left(self) -> None:
        """Note that the reader has left; after the last line it is not interested in what follows."""
        if not self._is_over:
            with suppress(CassetteError):
                self._end("complete" if self._is_last else "left")

    def _end(self, end: End, error: Exception | None = None) -> None:
        self._is_over = True
        ms = self._ms()
        if self._rest:
            self._line(ms, b"".join(self._rest))
        kind, reason = ("", "") if error is None else (type(error).__name__, str(error))
        self._writer.end(self._number, ms, end, error=kind, reason=reason)

    def _line(self, ms: float, line: bytes) -> None:
        self._is_last = _is_last(line)
        line = _SIGNIN_KEY.sub(rb"\g<address>", line)
        self._writer.line(self._number, ms, line if self._texts else line_without_texts(line))

    def _ms(self) -> float:
        return (time.perf_counter() - self._begin) * 1000


def _is_last(line: bytes) -> bool:
    """Check whether a line is the last one of an answer or of a pull."""
    if b'"done"' not in line and b'"success"' not in line:
        return False
    try:
        value: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(value, dict):
        return False
    found = cast("dict[str, object]", value)
    return found.get("done") is True or found.get("status") == "success"


class _RecordedBody(httpx.AsyncByteStream):
    """The body of a response, recorded as it is read."""

    def __init__(self, response: httpx.Response, tape: _Tape) -> None:
        self._response = response
        self._tape = tape

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = cast(httpx.AsyncByteStream, self._response.stream)
        try:
            async with aclosing(cast("AsyncGenerator[bytes, None]", aiter(stream))) as payloads:
                async for payload in payloads:
                    self._tape.received(payload)
                    yield payload
        except Exception as error:
            self._tape.broke(error)
            raise
        self._tape.ended()

    async def aclose(self) -> None:
        self._tape.left()
        await self._response.aclose()
