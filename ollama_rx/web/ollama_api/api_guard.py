"""Who may use the API: an ASGI application around it, which sees each request first."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_rx.errors import excerpt
from ollama_rx.web.allowed_hosts import AllowedHosts
from ollama_rx.web.ollama_api.allowed_origins import AllowedOrigins

_NOT_ALLOWED = 1008  # the code with which a WebSocket is refused


class ApiGuard:
    """Refuses pages of others and names that are not this server's, as Ollama does; answers preflights.

    Args:
        app: the application.
        hosts: what the server may be called.
        origins: the pages that may use it, besides pages from its own address.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, origins: AllowedOrigins) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on, or answer it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _NOT_ALLOWED})
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        names = headers.getlist("host") or [""]  # HTTP/1.0 has none; every browser sends one
        is_own_page = origin.lower() in {"", f"http://{names[0].lower()}", f"https://{names[0].lower()}"}
        answer: Response | None = None
        if len(names) > 1:
            answer = _refuse(400, "too many Host headers")
        elif not is_own_page and not self._origins.has(origin):
            answer = _refuse(403, f"pages of {excerpt(origin)} may not use this server")
        elif names[0] and not self._hosts.has(names[0]):
            answer = _refuse(403, f"this server is not called {excerpt(names[0])}")
        elif scope["method"] == "OPTIONS":
            answer = Response(
                status_code=204, headers=None if is_own_page else self._origins.preflight_headers(origin)
            )
        elif not is_own_page:
            send = _with_headers(send, self._origins.headers(origin))
        await (answer or self._app)(scope, receive, send)


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    added = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return send_with_headers
