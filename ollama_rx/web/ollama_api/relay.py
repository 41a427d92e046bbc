"""Requests of clients, passed on to a transport; its answers, passed back as they arrive."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing, suppress
from typing import cast

import httpx
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from ollama_rx.errors import OllamaError, StatusError, UnreachableError
from ollama_rx.transport.failure_words import connect_words, failure_words
from ollama_rx.web.client_connection import STALLED_SECONDS, ClientConnection
from ollama_rx.web.request_body import PAUSE_SECONDS, BodyError, read_body
from ollama_rx.web.server_transport import server_transport

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_UPLOADS = b"/api/blobs/"
_WITHOUT_CHUNKS = "1.0"  # in this version of HTTP an answer has a length, or looks whole wherever it ends
# Of one connection and not of the message (RFC 9110 section 7.6.1).
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# What a browser says about the page was for this server, and has been checked. An answer that is compressed
# could not be read line by line on its way.
_NOT_PASSED_ON = _HOP_BY_HOP | {b"host", b"content-length", b"expect", b"accept-encoding", b"cookie"}
_ABOUT_PAGES = (b"origin", b"referer", b"sec-", b"access-control-")
_NOT_PASSED_BACK = _HOP_BY_HOP | {b"date", b"server", b"vary", b"set-cookie"}


def _without(left_out: frozenset[bytes], headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a message without some of them and without those that ``Connection`` names."""
    lowered = [(name.lower(), value) for name, value in headers]
    connection = b",".join(value for name, value in lowered if name == b"connection")
    left_out = left_out | {name.strip().lower() for name in connection.split(b",")}
    return [
        (name, value) for name, value in lowered if name not in left_out and not name.startswith(_ABOUT_PAGES)
    ]


class Relay:
    """An ASGI application whose answers come from a transport.

    Args:
        transport: what answers.
        url: the address that its requests are for; its path is put before the path of each request.
        max_body_bytes: the longest request that is read as a whole.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, url: httpx.URL, max_body_bytes: int) -> None:
        self._transport = transport
        self._url = url
        self._shown_url = str(url.copy_with(username=None, password=None)).rstrip("/")
        self._path = url.raw_path.rstrip(b"/")
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back."""
        answer = _ClientAnswer(scope, receive, send)
        try:
            request = await self._request(scope, receive)
            await self._exchange(request, answer, receive)
        except BodyError as error:
            await answer.fail(error.status, error.reason, **error.headers)
        except httpx.InvalidURL:
            await answer.fail(400, "the path of the request is not valid")
        except httpx.HTTPError as error:
            await self._fail(answer, 502, self._words(error, answer))
        except StatusError as error:
            await self._fail(answer, error.status, error.reason)
        except UnreachableError as error:
            await self._fail(answer, 502, str(error))
        except OllamaError as error:
            await self._fail(answer, 500, str(error))
        if answer.is_incomplete:
            await _break_off(receive)

    async def _fail(self, answer: "_ClientAnswer", status: int, words: str) -> None:
        if answer.has_begun:
            _log.warning("an answer has broken off: %s", words)
        else:
            await answer.fail(status, words)

    def _words(self, error: httpx.HTTPError, answer: "_ClientAnswer") -> str:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return f"cannot reach {self._shown_url}: {connect_words(error)}"
        return failure_words(error, url=self._shown_url, answer_began=answer.has_begun)

    async def _request(self, scope: Scope, receive: Receive) -> httpx.Request:
        headers = Headers(scope=scope)
        path: bytes = scope["raw_path"].removeprefix(scope.get("root_path", "").encode())
        query: bytes = scope["query_string"]
        url = self._url.copy_with(raw_path=self._path + path + (b"?" + query if query else b""))
        passed_on = _without(_NOT_PASSED_ON, scope["headers"])
        extensions = {"timeout": {"connect": _CONNECT_SECONDS, "read": None, "write": None, "pool": None}}
        method: str = scope["method"]
        if method == "POST" and path.startswith(_UPLOADS):
            length = headers.get("content-length")
            framing = ("transfer-encoding", "chunked") if length is None else ("content-length", length)
            passed_on.append((framing[0].encode(), framing[1].encode()))
            return httpx.Request(
                method, url, headers=passed_on, stream=_ArrivingBody(receive), extensions=extensions
            )
        body = await read_body(receive, headers, self._max_body_bytes)
        return httpx.Request(method, url, headers=passed_on, content=body, extensions=extensions)

    async def _exchange(self, request: httpx.Request, answer: "_ClientAnswer", receive: Receive) -> None:
        """Pass on a request and its answer; returns early if the client leaves or the server shuts down."""
        loop = asyncio.get_running_loop()
        until_left = asyncio.timeout(None)

        def leave() -> None:
            with suppress(RuntimeError):  # it has left already
                until_left.reschedule(loop.time())

        try:
            async with until_left:
                if isinstance(request.stream, _ArrivingBody):
                    response = await self._transport.handle_async_request(request)
                    with ClientConnection(receive, answer.send, leave) as connection:
                        await _pass_back(response, answer, connection)
                    return
                with ClientConnection(receive, answer.send, leave) as connection:
                    response = await self._transport.handle_async_request(request)
                    await _pass_back(response, answer, connection)
        except TimeoutError:
            if not until_left.expired():
                raise
            if not answer.has_begun:  # if the client has left, nobody reads this
                await answer.fail(503, "the server is shutting down")


class _ClientAnswer:
    """What has been sent to a client."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.has_begun = False
        self._is_complete = False

    @property
    def is_incomplete(self) -> bool:
        """Whether only a part of it was sent."""
        return self.has_begun and not self._is_complete

    async def send(self, message: Message) -> None:
        """Send a message of ASGI."""
        self.has_begun = True
        self._is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def fail(self, status: int, reason: str, **headers: str) -> None:
        """Send an error as Ollama does."""
        await JSONResponse({"error": reason}, status, headers)(self.scope, self._receive, self.send)


async def _pass_back(response: httpx.Response, answer: _ClientAnswer, connection: ClientConnection) -> None:
    """Send an answer while it arrives, and close it in any case."""
    scope = answer.scope
    headers = _without(_NOT_PASSED_BACK, response.headers.raw)
    try:
        # Not `aiter_raw`: it refuses a response that has been read already.
        async with aclosing(_pieces(cast(httpx.AsyncByteStream, response.stream))) as pieces:
            if scope["http_version"] == _WITHOUT_CHUNKS and "content-length" not in response.headers:
                whole = b"".join([piece async for piece in pieces])
                headers.append((b"content-length", b"%d" % len(whole)))
                await connection.send(_head(response, headers))
                await connection.send(_body(whole))
                return
            await connection.send(_head(response, headers))
            if scope["method"] != "HEAD":
                async for piece in pieces:
                    await connection.send(_body(piece, more=True))
            await connection.send(_body(b""))
    finally:
        await response.aclose()


async def _pieces(stream: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    async for piece in stream:
        if piece:
            yield piece


def _head(response: httpx.Response, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def _body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


class _ArrivingBody(httpx.AsyncByteStream):
    """The body of a request, which is too large to be held in memory."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        """Yield the parts as they come.

        Raises:
            BodyError: they do not go on, or the client has left.
        """
        is_complete = False
        while not is_complete:
            try:
                async with asyncio.timeout(PAUSE_SECONDS):
                    message = await self._receive()
            except TimeoutError:
                raise BodyError(408, "The request has not arrived in time.", connection="close") from None
            if message["type"] == "http.disconnect":
                raise BodyError(400, "The request is incomplete.")
            is_complete = not message.get("more_body", False)
            if message.get("body"):
                yield message["body"]


async def _break_off(receive: Receive) -> None:
    """Close the connection in the middle of an answer, so that nobody takes it for the whole.

    The connection of a server that is not known is broken off by an exception.
    """
    transport = server_transport(receive)
    if transport is None:
        raise ConnectionAbortedError("an answer has broken off")
    transport.close()  # what was sent already still arrives
    with suppress(TimeoutError):
        async with asyncio.timeout(STALLED_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
            return
    transport.abort()
