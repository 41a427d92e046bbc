"""Who may use the page's server: an ASGI application around the page's own, which sees each request first.

A browser sends requests to any server for any page that is open in it, so a server on this machine is not
private because it is local. A page of somebody else's is refused by three things that it cannot choose: the
``Host`` that the browser was told (an address that somebody else's name was made to point to, "DNS
rebinding"), its ``Origin``, and ``Sec-Fetch-Site``. There are no cookies, so a browser adds nothing to a
request that would let it in; the token is sent by the page's own script.
"""

from dataclasses import dataclass
from functools import cached_property
from hmac import compare_digest
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_rx.arguments import check_whole
from ollama_rx.web.allowed_hosts import LOCAL_HOSTS, AllowedHosts
from ollama_rx.web.request_body import BodyError, read_body

PROTOCOL: Final = "ollama-rx"
"""The WebSocket protocol of the page."""

_TOKEN_PREFIX: Final = "token."  # noqa: S105 - what stands before one among the WebSocket protocols
_FILES: Final = "/static/"
_STREAM_END: Final = "/events"
_BODY_METHODS: Final = {"POST", "PATCH", "PUT"}
_NOT_ALLOWED: Final = 1008  # the code with which a WebSocket is refused

_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": _CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }.items()
)


class _RefusedError(Exception):
    """A request is refused, with a status and a sentence for the user."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes at most."""

    body_bytes: int = 32 * 2**20
    """A prompt with its images, as JSON."""
    streams: int = 500
    """Event streams and WebSockets that are open at the same time."""

    def __post_init__(self) -> None:
        check_whole("body_bytes", self.body_bytes, least=1)
        check_whole("streams", self.streams, least=1)


class Guard:
    """Refuses what is not from the page, or is too much; everything else goes on to the application.

    Args:
        app: the application.
        allowed_hosts: what the page may be called in a browser.
        token: what each request for data must carry; with None everybody who reaches the server
            may use it.
        limits: how much is too much.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: AllowedHosts = AllowedHosts(LOCAL_HOSTS),  # noqa: B008 - immutable
        token: str | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self._app = app
        self._hosts = allowed_hosts
        self._token = None if token is None else token.encode()
        self._limits = limits
        self._open_streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = _GuardedRequest(scope)
        try:
            self._check(request)
            body = await self._body(request, receive)
        except _RefusedError as refused:
            await _refuse(scope, receive, send, refused)
            return
        if body is not None:
            receive = _after(body, receive)
        if not request.is_stream:
            await self._app(scope, receive, _with_headers(send))
            return
        self._open_streams += 1
        try:
            await self._app(scope, receive, _with_headers(send))
        finally:
            self._open_streams -= 1

    def _check(self, request: "_GuardedRequest") -> None:
        if not self._hosts.has(request.host):
            raise _RefusedError(403, f"This server is not called {_shown(request.host)}.")
        if request.is_for_data:
            request.check_origin()
            self._check_token(request)
        if request.is_stream and self._open_streams >= self._limits.streams:
            raise _RefusedError(503, "Too many streams are open; close other windows.", retry_after="5")

    def _check_token(self, request: "_GuardedRequest") -> None:
        if self._token is not None and not compare_digest(request.token.encode(), self._token):
            raise _RefusedError(401, "The token is missing or wrong.", www_authenticate="Bearer")

    async def _body(self, request: "_GuardedRequest", receive: Receive) -> bytes | None:
        """Read the whole body of a request that has one, so that the application never sees one too long."""
        if request.method not in _BODY_METHODS:
            return None
        try:
            body = await read_body(receive, request.headers, self._limits.body_bytes)
        except BodyError as error:
            raise _RefusedError(error.status, error.reason, **error.headers) from error
        if body and request.content_type != "application/json":
            raise _RefusedError(415, "The request must be JSON.")
        return body


class _GuardedRequest:
    """What the guard looks at in a request."""

    def __init__(self, scope: Scope) -> None:
        self.headers = Headers(scope=scope)
        self._is_socket = scope["type"] == "websocket"
        self._path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        self.method: str = scope.get("method", "GET")
        self._protocols: list[str] = scope.get("subprotocols", [])

    @property
    def is_for_data(self) -> bool:
        """Whether it is anything else than a plain request for one of the page's files."""
        is_file = self._path in {"", "/"} or self._path.startswith(_FILES)
        return self._is_socket or not is_file or self.method not in {"GET", "HEAD"}

    @property
    def is_stream(self) -> bool:
        """Whether it stays open."""
        return self._is_socket or self._path.endswith(_STREAM_END)

    @cached_property
    def host(self) -> str:
        """What the browser calls this server, with the port; empty if it says nothing, or two things."""
        names = self.headers.getlist("host")
        return names[0].lower() if len(names) == 1 else ""

    @property
    def content_type(self) -> str:
        """The type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def token(self) -> str:
        """The token that it carries; empty if there is none."""
        if self._is_socket:
            tokens = [name for name in self._protocols if name.startswith(_TOKEN_PREFIX)]
            return tokens[0].removeprefix(_TOKEN_PREFIX) if tokens else ""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def check_origin(self) -> None:
        """Refuse what another site's page has caused; only browsers send the headers that tell."""
        origin = self.headers.get("origin")
        site = self.headers.get("sec-fetch-site", "same-origin").lower()
        is_own = origin is None or origin.lower() in {f"http://{self.host}", f"https://{self.host}"}
        typed_by_user = site == "none" and self.method == "GET"  # into the field for addresses
        if not is_own or not (site == "same-origin" or typed_by_user):
            raise _RefusedError(403, "Only the page itself may ask this.")


def _shown(host: str) -> str:
    return host[:80] if host.isprintable() and host else "that"


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            message = {**message, "headers": [*message["headers"], *_HEADERS]}
        await send(message)

    return send_with_headers


def _after(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read already, and then what else comes."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body_first() -> Message:
        return unread.pop() if unread else await receive()

    return receive_body_first


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: _RefusedError) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": _NOT_ALLOWED})  # the client gets the status 403
        return
    headers = {name.replace("_", "-"): value for name, value in refused.headers.items()}
    response = JSONResponse({"error": refused.reason}, refused.status, headers)
    await response(scope, receive, _with_headers(send))
