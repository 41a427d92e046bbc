"""The state that all requests of a client share: the transport, the server's URL, headers and limits."""

from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from copy import copy
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import unquote_to_bytes

import httpx

from ollama_rx.arguments import wrong_type
from ollama_rx.errors import IncompleteStreamError, StatusError, StreamError, UnreachableError
from ollama_rx.protocol.readers import reason_of
from ollama_rx.rx.loop_end import LoopEnd
from ollama_rx.transport.content_coding import decompressed
from ollama_rx.transport.exchange import PushedBody
from ollama_rx.transport.failure_words import connect_words, failure_words
from ollama_rx.transport.http_transport import (
    SAFE_METHODS,
    HttpTransport,
    Origin,
    PulledBody,
    Upload,
    to_response,
)
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport, LoopBridgeTransport
from ollama_rx.transport.message_head import encode_head
from ollama_rx.transport.open_calls import OpenCalls
from ollama_rx.transport.proxy import proxy_transport
from ollama_rx.transport.run_request import IS_LEFT_EXTENSION, RUN_EXTENSION, RunRequest
from ollama_rx.transport.timeouts import Timeouts

_DEFAULT_HEADERS = {
    "user-agent": "ollama-rx",
    "accept": "application/x-ndjson, application/json",
    "accept-encoding": "identity",  # a compressor would hold tokens back
}
_MAX_REASON = 65536  # bytes that are read of the body of an HTTP error

_MAX_HEADS = 64  # encoded heads that are kept; the paths of blobs are too many to keep all

_READING_POSTS = frozenset(
    {"/api/generate", "/api/chat", "/api/embed", "/api/show", "/api/web_search", "/api/web_fetch"}
)
"""The paths to which a POST changes nothing on the server."""

_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """One request, ready to be sent for each subscription."""

    method: str
    path: str
    content: bytes = b""
    upload: Upload | None = None
    """The body in the place of ``content``, if it is too large to be held in memory."""
    run: RunRequest | None = None
    """The run that it belongs to; for a transport that has runs."""

    @property
    def repeatable(self) -> bool:
        """Whether it changes nothing on the server, so that it does no harm if it arrives twice."""
        return self.method in SAFE_METHODS or self.path in _READING_POSTS


class Session:
    """Sends requests; may be used from any number of loops and threads at the same time.

    Requests go straight to the transport. `httpx.AsyncClient` would add redirects, cookies and a log line
    with the URL; and creating its objects costs more than everything else in opening a stream.
    """

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        timeouts: Timeouts,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base = httpx.URL(url)
        if base.userinfo:
            headers = {"authorization": _basic_authorization(base), **headers}
            base = base.copy_with(userinfo=b"")
        self.timeouts = timeouts
        self.open_calls = OpenCalls()
        self.transport = _transport(base, transport)
        self._other_transports: dict[str, LoopAgnosticTransport] = {}  # by URL
        self._is_transport_given = transport is not None
        self.shown_url = self.transport.url or str(base)
        self._base = base
        default_port = 443 if base.scheme == "https" else 80
        self._origin = Origin(base.scheme, base.host, default_port if base.port is None else base.port)
        self._heads: dict[tuple[str, str, bool], bytes] = {}
        host = {"host": _without_zone(base.netloc.decode())}
        headers = {**_DEFAULT_HEADERS, **headers}
        self._headers = httpx.Headers({**host, **headers})
        self._json_headers = httpx.Headers({**host, "content-type": "application/json", **headers})

    @property
    def default_model(self) -> str | None:
        """The model with which the transport answers a request that does not name one."""
        return self.transport.default_model

    @property
    def is_authorized(self) -> bool:
        """Whether requests carry a header that authorizes them."""
        return "authorization" in self._headers

    def for_other_host(self, url: str, headers: dict[str, str]) -> "Session":
        """Return a session for another server: same limits, same end, same transport if the caller gave it.

        It has none of this session's headers.
        """
        transport = self.transport
        if not self._is_transport_given:
            if url not in self._other_transports:
                self._other_transports[url] = _transport(httpx.URL(url), None)
            transport = self._other_transports[url]
        session = Session(url, headers, self.timeouts, transport)
        session.open_calls = self.open_calls
        return session

    def with_long_idle(self) -> "Session":
        """Return a copy for work that may be silent for a long time between its steps."""
        return self.with_timeouts(replace(self.timeouts, idle=self.timeouts.between_steps))

    def with_timeouts(self, timeouts: Timeouts) -> "Session":
        """Return a copy with other limits."""
        session = copy(self)
        session.timeouts = timeouts
        return session

    async def open(
        self, request: PreparedRequest, is_left: Callable[[], bool] | None = None
    ) -> PushedBody | httpx.Response:
        """Send a request; return when the head of the response has arrived.

        Returns a body that can be pushed as it arrives, and an httpx response for anything else: an error, a
        compressed body, a transport that is not one of ours. ``is_left`` is as in `IS_LEFT_EXTENSION`.
        """
        await LoopEnd.of_running_loop()  # which cancels this task
        transport = self.transport
        if not isinstance(transport, HttpTransport):
            response = decompressed(await transport.handle_async_request(self._for_httpx(request, is_left)))
            if isinstance(response.stream, PulledBody) and response.is_success:
                return response.stream.exchange
            return response
        head, exchange = await transport.exchange(
            self._origin,
            request.method,
            self._message(request),
            repeatable=request.repeatable,
            connect_timeout=self.timeouts.connect,
            upload=request.upload,
        )
        if 200 <= head.status < 300 and not head.values(b"content-encoding"):  # noqa: PLR2004
            return exchange
        return decompressed(to_response(head, exchange))

    async def send(self, request: PreparedRequest) -> None:
        """Send a request to which nothing but the status of the answer matters.

        Raises:
            StatusError: the server has refused the request.
        """
        opened = await self.open(request)
        response = (
            opened if isinstance(opened, httpx.Response) else httpx.Response(200, stream=PulledBody(opened))
        )
        try:
            if not response.is_success:
                raise await read_status_error(response)
            async for _ in response.aiter_bytes():
                pass  # a connection whose answer was read can be used again
        finally:
            await response.aclose()

    def _message(self, request: PreparedRequest) -> bytes:
        """Return the bytes of a request; all but the length and the content is encoded once."""
        content = request.content
        key = (request.method, request.path, bool(content))
        head = self._heads.get(key)
        if head is None:
            url = self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + request.path.encode())
            headers = self._json_headers if content else self._headers
            head = encode_head(request.method, url.raw_path, headers.raw)
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            self._heads[key] = head
        if request.upload is not None:
            return b"%bContent-Length: %d\r\n\r\n" % (head, request.upload.size)
        if content:
            return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(content), content)
        return head + b"\r\n"

    def _for_httpx(self, request: PreparedRequest, is_left: Callable[[], bool] | None) -> httpx.Request:
        headers = self._json_headers if request.content else self._headers
        content: bytes | AsyncIterator[bytes] | None = request.content or None
        if request.upload is not None:
            headers = httpx.Headers([*headers.multi_items(), ("content-length", str(request.upload.size))])
            content = request.upload.blocks()
        extensions: dict[str, object] = {
            "timeout": httpx.Timeout(None, connect=self.timeouts.connect).as_dict()
        }
        if request.run is not None:
            extensions[RUN_EXTENSION] = request.run
        if is_left is not None:
            extensions[IS_LEFT_EXTENSION] = is_left
        return httpx.Request(
            request.method,
            str(self._base).rstrip("/") + request.path,
            headers=headers,
            content=content,
            extensions=extensions,
        )

    async def aclose(self) -> None:
        """End the open calls, then close the idle connections and the transport the caller has passed."""
        self.open_calls.close()
        for transport in (self.transport, *self._other_transports.values()):
            await transport.aclose()

    def close(self) -> None:
        """Do what `aclose` does, from a thread without an event loop."""
        self.open_calls.close()
        for transport in (self.transport, *self._other_transports.values()):
            transport.close()


def _basic_authorization(url: httpx.URL) -> str:
    """Return the header's value for the user and the password of a URL, whose bytes need not be UTF-8."""
    user, _, password = url.userinfo.partition(b":")
    return "Basic " + b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password)).decode()


def _without_zone(authority: str) -> str:
    """Return an authority without the zone of an IPv6 address, which means something on this machine only."""
    address, zone, rest = authority.partition("%")
    return address + "]" + rest.partition("]")[2] if zone else authority


def _transport(url: httpx.URL, given: httpx.AsyncBaseTransport | None) -> LoopAgnosticTransport:
    """Choose the fast transport, unless the caller passes one or a proxy has to be used."""
    if isinstance(given, LoopAgnosticTransport):
        return given
    if isinstance(given, httpx.AsyncBaseTransport):
        return LoopBridgeTransport(given)
    if given is not None:
        raise wrong_type("transport", "an httpx.AsyncBaseTransport", given)
    through_proxy = proxy_transport(url)
    return HttpTransport() if through_proxy is None else LoopBridgeTransport(through_proxy)


def translate(error: Exception, *, url: str, partial: str = "") -> Exception:
    """Return the error a subscriber sees, with the original as its cause; return other errors unchanged."""
    if isinstance(error, _NO_CONNECTION):
        translated: Exception = UnreachableError(url, connect_words(error))
    elif isinstance(error, httpx.TransportError | httpx.DecodingError):
        words = failure_words(error, url=url, answer_began=bool(partial))
        translated = IncompleteStreamError(words, partial=partial)
    else:
        if isinstance(error, StreamError) and not error.partial:
            error.partial = partial
        return error
    translated.__cause__ = error
    return translated


async def read_status_error(response: httpx.Response) -> StatusError:
    """Read the reason from the body of an HTTP error, which may be of any format."""
    body = b""
    with suppress(httpx.DecodingError, httpx.TransportError):  # what was read, or else the status, says more
        async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as payloads:
            async for payload in payloads:
                body += payload
                if len(body) > _MAX_REASON:
                    break
    reason, signin_url = reason_of(body)
    return StatusError.of(response.status_code, reason or response.reason_phrase, signin_url=signin_url)
