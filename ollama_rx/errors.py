"""The errors of this package, as a tree.

::

    OllamaError                  .retryable
    ├── UnreachableError         .url       connection refused, DNS, TLS, connect timeout
    ├── StatusError              .status    an HTTP error before the stream
    │   ├── ModelNotFoundError              404
    │   ├── UnauthorizedError    .signin_url  401
    │   ├── RateLimitedError                429
    │   └── BusyError                       503
    ├── StreamError              .partial   the stream began and broke off; the text received so far
    │   ├── ServerError          .status    {"error": ...} inside the stream
    │   ├── IncompleteStreamError           the stream ended without its last chunk
    │   ├── BadLineError         .line      a line that is not a JSON object
    │   ├── LineTooLongError     .limit     a line above the limit
    │   ├── RestartedError       .attempt   another attempt has begun after a part of the answer arrived
    │   └── BadJsonError                    the answer is not the JSON that was asked for
    ├── TimedOutError            .seconds .partial
    │   ├── FirstChunkTimeout               no chunk arrived in time
    │   ├── IdleTimeout                     no further chunk arrived in time
    │   └── TotalTimeout                    the whole answer took too long
    ├── SubjectError         .subject   a subject of the bus cannot be used: no stream, no right
    ├── ClientClosedError        .partial   the client was closed, before or during the answer
    ├── ToolRoundsError          .rounds    a model still calls tools after `max_rounds` rounds
    ├── SinkError                .sink      a sink failed; the cause is chained
    ├── SpeechError              .part      the engine or the output of a voice failed; the cause is chained
    ├── CassetteError            .path      a cassette cannot be used, or has no answer to a request
    └── EmbeddedModelError                  the embedded model cannot run: extra, weights or engine missing

``partial`` is at most the last 1 048 576 characters of an answer; if its beginning is missing, it starts with
one more character, "…". ``reason`` is the server's whole text, which a message shortens in its middle.
"""

import re
from typing import ClassVar

_INTERNAL_SERVER_ERROR = 500
_NATS_SCHEMES = ("nats://", "tls://", "ws://", "wss://")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MAX_EXCERPT = 80  # characters of a server's or model's text in one message

# In the errors of a model's process that was killed or has crashed. The server starts another for the next
# request. Source: https://github.com/ollama/ollama/blob/main/llm/server.go
_RUNNER_DIED = (
    "unexpected EOF",
    "forcibly closed by the remote host",
    "model runner has unexpectedly stopped",
)


# How the server ends the reason of an error if a model cannot do what it is asked for.
# Source: https://github.com/ollama/ollama/blob/main/types/model/capability.go
_MISSING_CAPABILITIES = tuple(
    f"does not support {capability}"
    for capability in ("chat", "embeddings", "generate", "insert", "thinking", "tools", "vision")
)


def excerpt(text: str, *, most: int = _MAX_EXCERPT) -> str:
    """Shorten text of a server or a model, so that prompts and answers never fill a message or a log line.

    Both ends are kept: the beginning says what failed, and the cause stands last in Go's errors. Control
    characters are shown as escapes, because a terminal would obey them, and line ends as spaces.

    >>> excerpt("pull: " + "." * 100 + " no such host")
    'pull: .................................…........................... no such host'
    """
    if len(text) > most:
        half = most // 2
        text = text[: half - 1] + "…" + text[-half:]
    return _CONTROL.sub(_shown, text)


def _shown(control: re.Match[str]) -> str:
    return " " if control[0].isspace() else ascii(control[0])[1:-1]


def _is_worth_a_retry(status: int, reason: str) -> bool:
    """Check whether a server's error may be gone a moment later."""
    died = status == _INTERNAL_SERVER_ERROR and any(text in reason for text in _RUNNER_DIED)
    return died or status in {429, 502, 503}


class OllamaError(Exception):
    """The root of all errors of this package.

    ``retryable`` is True if the same request may work a moment later.
    """

    retryable: bool = False

    def __reduce__(self) -> tuple[object, ...]:
        """Support copying and pickling; the default would call ``__init__`` with the message."""
        return _restore, (type(self), self.args), vars(self)


def _restore(kind: type[OllamaError], arguments: tuple[object, ...]) -> OllamaError:
    return kind.__new__(kind, *arguments)


class UnreachableError(OllamaError):
    """No connection to the server: refused, unknown name, TLS failure or connect timeout."""

    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        server = "the NATS server" if url.startswith(_NATS_SCHEMES) else "`ollama serve`"
        super().__init__(f"cannot reach {url} ({reason}); is {server} running?")
        self.url = url


class StatusError(OllamaError):
    """The server refused the request with an HTTP error before any chunk."""

    def __init__(self, status: int, reason: str, *, signin_url: str | None = None) -> None:
        super().__init__(f"HTTP {status}: {excerpt(reason) or 'no reason given'}{self._advice(reason)}")
        self.status = status
        self.reason = reason
        self.signin_url = signin_url
        self.retryable = _is_worth_a_retry(status, reason)

    @staticmethod
    def of(status: int, reason: str, *, signin_url: str | None = None) -> "StatusError":
        """Build the most specific error for an HTTP status."""
        return _BY_STATUS.get(status, StatusError)(status, reason, signin_url=signin_url)

    @staticmethod
    def _advice(reason: str, /) -> str:
        if reason.endswith(_MISSING_CAPABILITIES):
            return "; `ollama show` lists what a model can do"
        return ""


class ModelNotFoundError(StatusError):
    """404: the server does not have this model (or this endpoint)."""

    @staticmethod
    def _advice(reason: str, /) -> str:
        if "model" in reason.lower():  # Ollama says so if only the model is missing
            return "; `ollama list` shows the models that are there, `ollama pull` fetches one"
        return "; does the host point at Ollama?"


class UnauthorizedError(StatusError):
    """401: a cloud model without a valid sign-in, or a wrong login at NATS.

    ``signin_url`` is the page to sign in at Ollama, if it was sent.
    """

    @staticmethod
    def _advice(reason: str, /) -> str:
        if any(f" at {scheme}" in reason for scheme in _NATS_SCHEMES):
            return "; check the user and password, the token or the credentials file"
        return "; sign in with `ollama signin` or set OLLAMA_API_KEY"


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
    """A stream broke off after it had begun; ``partial`` is the text received so far, or the end of it."""

    def __init__(self, message: str, *, partial: str = "") -> None:
        super().__init__(message)
        self.partial = partial


class ServerError(StreamError):
    """The server sent an error inside the stream; ``task`` is what it was asked for, such as "pull"."""

    def __init__(
        self,
        reason: str,
        *,
        partial: str = "",
        status: int | None = None,
        signin_url: str | None = None,
        task: str = "answer",
    ) -> None:
        super().__init__(f"the server stopped the {task}: {excerpt(reason)}", partial=partial)
        self.task = task
        self.reason = reason
        self.status = status
        self.signin_url = signin_url
        self.retryable = _is_worth_a_retry(status or _INTERNAL_SERVER_ERROR, reason)


class IncompleteStreamError(StreamError):
    """The stream ended without its last chunk: the connection was cut, or the server gave up silently.

    A connection that was cut is worth a retry. A server that ended the answer by itself after some chunks, as
    Ollama does when a model repeats itself, would do the same again.
    """

    def __init__(self, message: str, *, partial: str = "", retryable: bool = True) -> None:
        super().__init__(message, partial=partial)
        self.retryable = retryable


class BadLineError(StreamError):
    """A line of the stream is not a JSON object; ``line`` holds its bytes."""

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


class RestartedError(StreamError):
    """On a bus, a worker has begun the answer anew after a part of it had been delivered.

    ``attempt`` is the number of the new attempt, whose text may be quite another. The same request may be
    sent again, and ``jetstream(on_restart="hold")`` delivers nothing before an answer is complete.
    """

    retryable = True

    def __init__(self, attempt: int, *, partial: str = "") -> None:
        super().__init__(
            f"the answer was begun anew (attempt {attempt}) after a part of it had arrived; "
            'ask again, or use on_restart="hold"',
            partial=partial,
        )
        self.attempt = attempt


class BadJsonError(StreamError):
    """The answer is not JSON, is incomplete, or does not fit the class that was asked for."""

    def __init__(self, reason: str, *, partial: str) -> None:
        super().__init__(f"the answer is not the JSON it should be: {excerpt(reason)}", partial=partial)
        self.reason = reason


class TimedOutError(OllamaError):
    """The server was too slow; ``partial`` is the text received so far, or the end of it."""

    _missing: ClassVar[str] = "no answer"

    def __init__(self, seconds: float, *, partial: str = "") -> None:
        super().__init__(f"{self._missing} within {seconds:g} s; see `Timeouts`")
        self.seconds = seconds
        self.partial = partial


class FirstChunkTimeout(TimedOutError):  # noqa: N818 - ends in Timeout, as in httpx
    """No chunk arrived in time: the model is still being loaded, or the prompt is long."""

    retryable = True
    _missing = "no first chunk"


class IdleTimeout(TimedOutError):  # noqa: N818 - as above
    """No further chunk arrived in time."""

    retryable = True
    _missing = "no further chunk"


class TotalTimeout(TimedOutError):  # noqa: N818 - as above
    """The whole answer took too long."""

    _missing = "no complete answer"


class SubjectError(OllamaError):
    """Events can't be sent to a subject of the bus, or not be received from it; ``subject`` is its name."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(reason)
        self.subject = subject


class ClientClosedError(OllamaError):
    """The client was closed, before or during the answer; ``partial`` is the text received so far."""

    def __init__(self, *, partial: str = "") -> None:
        super().__init__("the client is closed; close it when its streams have ended, or make a new one")
        self.partial = partial


class ToolRoundsError(OllamaError):
    """In a conversation, the model still calls tools after ``max_rounds`` rounds of calls in one turn."""

    def __init__(self, rounds: int) -> None:
        counted = f"{rounds} rounds" if rounds > 1 else "1 round"
        super().__init__(f"the model still calls tools after {counted} of tool calls; see `max_rounds`")
        self.rounds = rounds


class SinkError(OllamaError):
    """A sink failed; ``sink`` is that sink, ``__cause__`` the exception that it raised."""

    def __init__(self, sink: object, message: str) -> None:
        super().__init__(f"sink {type(sink).__name__} failed: {message}")
        self.sink = sink


class SpeechError(OllamaError):
    """The engine or the output of a voice failed; ``part`` is the one that did."""

    def __init__(self, part: object, message: str) -> None:
        super().__init__(message)
        self.part = part


class CassetteError(OllamaError):
    """A cassette cannot be read or written, or has no answer to a request; ``path`` is its file."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"cassette {path}: {reason}")
        self.path = path


class EmbeddedModelError(OllamaError):
    """The embedded model cannot run: its extra is not installed, or its weights are not available."""
