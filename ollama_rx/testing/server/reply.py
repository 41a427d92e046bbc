"""One reply of the fake server: the steps of its body, its HTTP framing, and how it is split into writes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ollama_rx.arguments import check_whole, optional_whole
from ollama_rx.protocol.go_json import encode
from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.steps import Step

#: splits or joins the writes of a body, see `write_boundaries`
WriteBoundaries = Callable[[Iterable[Step]], Iterator[Step]]
Framing = Literal["chunked", "length", "close", "none"]

NDJSON = "application/x-ndjson"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers to one request; made by `answer`, `error_status`, `recording` and the like."""

    #: makes the body, anew for each request
    steps: Callable[[Request], Iterable[Step]]
    status: int = 200
    content_type: str | None = NDJSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    framing: Framing = "chunked"
    boundaries: tuple[WriteBoundaries, ...] = ()
    keep_alive: bool = True
    headers_first: bool = False
    informational: tuple[int, ...] = ()
    socket_bytes: int | None = None

    def sent(
        self,
        *boundaries: WriteBoundaries,
        framing: Framing | None = None,
        keep_alive: bool | None = None,
        headers_first: bool | None = None,
        informational: tuple[int, ...] | None = None,
        socket_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "Reply":
        """Return the same reply, sent in another way.

        Args:
            *boundaries: `byte_by_byte`, `crlf`, `lines_per_write(3)` and the like, applied from left to
                right.
            framing: `"chunked"` as Ollama does, `"length"` for Content-Length, `"close"` for a body that ends
                with the connection, `"none"` for a body without status line and headers.
            keep_alive: False sends `Connection: close` and closes the connection after the reply.
            headers_first: send status and headers at once; Ollama holds them back until the first byte of the
                body, so that a client receives nothing during a prefill stall.
            informational: 1xx responses before the real one, such as `(103,)`.
            socket_bytes: write everything, HTTP framing included, to the socket in pieces of this size.
            headers: further headers.
        """
        optional_whole("socket_bytes", socket_bytes, least=1)
        return replace(
            self,
            boundaries=(*self.boundaries, *boundaries),
            framing=self.framing if framing is None else framing,
            keep_alive=self.keep_alive if keep_alive is None else keep_alive,
            headers_first=self.headers_first if headers_first is None else headers_first,
            informational=self.informational if informational is None else informational,
            socket_bytes=self.socket_bytes if socket_bytes is None else socket_bytes,
            headers={**self.headers, **(headers or {})},
        )

    def body(self, request: Request) -> Iterable[Step]:
        """Make the body for this request, with all boundaries applied."""
        steps = self.steps(request)
        for rechunk in self.boundaries:
            steps = rechunk(steps)
        return steps


def json_reply(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with one JSON document, with Content-Length and no newline, as Ollama does outside streams."""
    return text_reply(encode(value), status=status, content_type=JSON, headers=headers)


def text_reply(
    body: bytes | str,
    *,
    status: int = 200,
    content_type: str | None = "text/plain; charset=utf-8",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answer with any body: plain text, an HTML page of a proxy, or nothing at all."""
    data = body.encode() if isinstance(body, str) else body
    return Reply(
        lambda _request: [data] if data else [],
        status=status,
        content_type=content_type if data else None,
        headers=headers or {},
        framing="length",
    )


def raw_reply(*steps: Step) -> Reply:
    """Send exactly these bytes (and pauses, gates, cuts) instead of an HTTP response, then close.

    For what an HTTP server never sends: half a head, a broken chunk size, nothing at all.
    """
    return Reply(lambda _request: steps, framing="none")


# Ollama's error messages by status; `{model}` is the model that the request names.
_MESSAGES = {
    400: "invalid model name",
    401: "unauthorized",
    404: "model '{model}' not found",
    429: "too many requests",
    500: "model runner has unexpectedly stopped, this may be due to resource limitations or an internal "
    "error, check ollama server logs for details",
    502: "connection refused",
    503: "server busy, please try again.  maximum pending requests exceeded",
}


def error_status(
    status: int,
    message: str | None = None,
    *,
    signin_url: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Fail before the stream begins, with this status and `{"error": message}`.

    The default message is Ollama's own for that status. `signin_url` goes with 401.
    For plain text, HTML or an empty body: `text_reply("<html>...", status=502, content_type="text/html")`.
    """
    check_whole("status", status, least=400, most=599)
    template = _MESSAGES.get(status, "error") if message is None else message
    more = {} if signin_url is None else {"signin_url": signin_url}

    def steps(request: Request) -> list[Step]:
        model = str(request.json.get("model", ""))
        error = template.replace("{model}", model) if message is None else template
        return [encode({"error": error, **more})]

    return Reply(steps, status=status, content_type=JSON, headers=headers or {}, framing="length")
