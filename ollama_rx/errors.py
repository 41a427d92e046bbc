"""What can go wrong, as a tree.

::

    OllamaError                  .retryable
    ├── UnreachableError         .url       connection refused, DNS, TLS, connect timeout
    ├── StatusError              .status    an HTTP error before the stream
    │   ├── ModelNotFoundError              404
    │   ├── UnauthorizedError    .signin_url  401
    │   ├── RateLimitedError                429
    │   └── BusyError                       503
    ├── StreamError              .partial   the stream began and broke; the text that had arrived
    │   ├── ServerError          .status    {"error": ...} inside the stream
    │   ├── IncompleteStreamError           the stream ended without its last chunk
    │   ├── BadLineError         .line      a line that is no JSON object
    │   ├── LineTooLongError     .limit     a line above the limit
    │   └── BadJsonError                    the answer is not the JSON that was asked for
    ├── TimedOutError            .seconds .partial
    │   ├── FirstChunkTimeout               nothing came at all
    │   ├── IdleTimeout                     the stream went silent
    │   └── TotalTimeout                    the answer took too long as a whole
    ├── SinkError                .sink      a sink failed; the cause is chained
    └── EmbeddedModelError                  the embedded model cannot run: extra, weights or engine missing
"""

from typing import ClassVar

_SHOWN = 80  # characters of a server's or model's text that may stand in a message


def excerpt(text: str) -> str:
    """Shorten foreign text so that prompts and answers never fill a message or a log line."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class OllamaError(Exception):
    """The root of all errors of this package.

    ``retryable`` says whether the same request may work a moment later.
    """

    retryable: bool = False

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be copied, and raised again by another process; Python's own way calls ``__init__``."""
        return _again, (type(self), self.args), vars(self)


def _again(kind: type[OllamaError], arguments: tuple[object, ...]) -> OllamaError:
    return kind.__new__(kind, *arguments)


class UnreachableError(OllamaError):
    """No connection to the server: refused, unknown name, TLS failure or connect timeout."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"cannot reach {url} ({reason}); is `ollama serve` running?")
        self.url = url


class StatusError(OllamaError):
    """The server refused the request with an HTTP error before any chunk."""

    _advice: ClassVar[str] = ""

    def __init__(self, status: int, reason: str, *, signin_url: str | None = None) -> None:
        super().__init__(f"HTTP {status}: {excerpt(reason) or 'no reason given'}{self._advice}")
        self.status = status
        self.reason = reason
        self.signin_url = signin_url
        self.retryable = status in {429, 502, 503}

    @staticmethod
    def of(status: int, reason: str, *, signin_url: str | None = None) -> "StatusError":
        """Build the most specific error for an HTTP status."""
        return _BY_STATUS.get(status, StatusError)(status, reason, signin_url=signin_url)


class ModelNotFoundError(StatusError):
    """404: the server does not have this model (or this endpoint)."""

    _advice = "; `ollama list` shows the models that are there, `ollama pull` fetches one"


class UnauthorizedError(StatusError):
    """401: a cloud model without a valid sign-in; ``signin_url`` leads to it where the server says."""

    _advice = "; sign in with `ollama signin` or set OLLAMA_API_KEY"


class RateLimitedError(StatusError):
    """429: too many requests for this account."""


class BusyError(StatusError):
    """503: the server's queue is full."""


_BY_STATUS: dict[int, type[StatusError]] = {
    401: UnauthorizedError,
    404: ModelNotFoundError,
    429: RateLimitedError,
    503: BusyError,
}


class StreamError(OllamaError):
    """A stream that had begun broke; ``partial`` is the text that had arrived."""

    def __init__(self, message: str, *, partial: str = "") -> None:
        super().__init__(message)
        self.partial = partial


class ServerError(StreamError):
    """The server wrote an error into the stream."""

    def __init__(
        self, reason: str, *, partial: str = "", status: int | None = None, signin_url: str | None = None
    ) -> None:
        super().__init__(f"the server stopped the answer: {excerpt(reason)}", partial=partial)
        self.reason = reason
        self.status = status
        self.signin_url = signin_url
        self.retryable = status in {429, 502, 503}


class IncompleteStreamError(StreamError):
    """The stream ended without its last chunk: connection cut, or the server gave up silently."""

    retryable = True


class BadLineError(StreamError):
    """A line of the stream is no JSON object; ``line`` holds its bytes."""

    def __init__(self, line: bytes, *, partial: str = "") -> None:
        shown = excerpt(line.decode("utf-8", "replace"))
        super().__init__(f"not an Ollama stream: {shown!r}; does the host point at Ollama?", partial=partial)
        self.line = line


class LineTooLongError(StreamError):
    """A line is longer than ``limit`` bytes."""

    def __init__(self, limit: int, *, partial: str = "") -> None:
        super().__init__(
            f"a line is longer than {limit} bytes; raise `max_line_bytes` if this is expected",
            partial=partial,
        )
        self.limit = limit


class BadJsonError(StreamError):
    """The answer is no JSON, ends before it is complete, or does not fit the class it should be."""

    def __init__(self, reason: str, *, partial: str) -> None:
        super().__init__(f"the answer is not the JSON it should be: {excerpt(reason)}", partial=partial)
        self.reason = reason


class TimedOutError(OllamaError):
    """The server was too slow; ``partial`` is the text that had arrived."""

    _what: ClassVar[str] = "no answer"

    def __init__(self, seconds: float, *, partial: str = "") -> None:
        super().__init__(f"{self._what} within {seconds:g} s; see `Timeouts`")
        self.seconds = seconds
        self.partial = partial


class FirstChunkTimeout(TimedOutError):  # noqa: N818 - named as in the protocol's vocabulary
    """Nothing came in time: the model still loads, or the prompt is long."""

    retryable = True
    _what = "no first chunk"


class IdleTimeout(TimedOutError):  # noqa: N818
    """The stream went silent between two chunks."""

    retryable = True
    _what = "no further chunk"


class TotalTimeout(TimedOutError):  # noqa: N818
    """The answer as a whole took too long."""

    _what = "no complete answer"


class SinkError(OllamaError):
    """A sink failed; ``sink`` is that sink, ``__cause__`` what it raised."""

    def __init__(self, sink: object, message: str) -> None:
        super().__init__(f"sink {type(sink).__name__} failed: {excerpt(message)}")
        self.sink = sink


class EmbeddedModelError(OllamaError):
    """The embedded model cannot run: its extra is not installed, or its weights cannot be had."""
