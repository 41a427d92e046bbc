"""From bytes to meaning: lines, parsed objects, chunks; no I/O.

The rules and where they come from: a body is split at the line feed only (never at the other line
breaks of ``str.splitlines``), any line can be an error, only ``done`` (or "success") is an end.
Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar, cast

import orjson

from ollama_rx.chunks import Chunk, Progress
from ollama_rx.errors import BadLineError, IncompleteStreamError, LineTooLongError, ServerError, StreamError
from ollama_rx.fields import number_of, object_of, text_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_LINE_BYTES = 8_000_000  # what Ollama's own client accepts since 0.14.0
_LINES_A_REPLY = 32  # a whole reply may be as long as so many lines: thousands of vectors at once


class Reader(Protocol[T_co]):
    """Turns the payload of one response into items."""

    done: bool

    def read(self, payload: bytes) -> Iterator[T_co]:
        """Yield the items that ``payload`` completes; raises StreamError."""
        ...

    def end(self) -> Iterator[T_co]:
        """Yield what the end of the body completes; raises StreamError if that is too early."""
        ...

    @property
    def partial(self) -> str:
        """The text that has arrived so far."""
        ...


class Lines:
    """Splits bytes at 0x0A, keeps an unfinished line for the next read."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._tail: list[bytes] = []
        self._tail_size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, without their line feed.

        Raises:
            LineTooLongError: a line, finished or not, is above the limit.
        """
        lines = data.split(b"\n")
        tail = lines.pop()
        if lines:
            if self._tail:
                lines[0] = b"".join((*self._tail, lines[0]))
                self._tail.clear()
                self._tail_size = 0
            if len(data) + len(lines[0]) > self._max and max(map(len, lines)) > self._max:
                raise LineTooLongError(self._max)
        if tail:
            self._tail.append(tail)
            self._tail_size += len(tail)
            if self._tail_size > self._max:
                raise LineTooLongError(self._max)
        return lines


def parse(line: bytes) -> dict[str, Any] | None:
    """Parse one line; None for a blank one.

    What orjson refuses is tried again with the lenient parser: other servers and proxies may send
    raw control characters or lone surrogates, which Ollama itself does not.

    Raises:
        BadLineError: the line is no JSON object.
    """
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        if not line.strip():
            return None
        try:
            found = json.loads(line.decode("utf-8-sig", "replace"), strict=False)
        except (ValueError, RecursionError) as error:
            raise BadLineError(line) from error
    if type(found) is dict:
        return cast(dict[str, Any], found)
    raise BadLineError(line)


class ChunkReader:
    """Reads the stream of ``generate`` and ``chat``."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.done = False
        self._lines = Lines(max_bytes)
        self._text = io.StringIO()
        self._keep = self._text.write

    @property
    def partial(self) -> str:
        """The text that has arrived so far."""
        return self._text.getvalue()

    def read(self, payload: bytes) -> Iterator[Chunk]:
        """Yield the chunks that ``payload`` completes."""
        loads, keep = orjson.loads, self._keep
        try:
            for line in self._lines.feed(payload):
                try:  # the way of each token: no call that can be spared
                    chunk = Chunk(raw := loads(line))
                    keep(chunk.text)
                except (orjson.JSONDecodeError, AttributeError, TypeError):
                    raw = parse(line)
                    if raw is None:
                        continue
                    chunk = self._doubtful(raw, line)
                if "error" in raw and raw["error"] is not None:
                    raise _server_error(raw)
                if raw.get("done") or raw.get("done_reason"):
                    self.done = True
                    yield chunk
                    return
                yield chunk
        except StreamError as error:
            error.partial = self.partial
            raise

    def _doubtful(self, raw: dict[str, Any], line: bytes) -> Chunk:
        if raw.get("error") is not None:
            raise _server_error(raw)
        try:
            chunk = Chunk(raw)
            self._keep(chunk.text)
        except (AttributeError, TypeError) as error:  # a message or a text of a wrong type
            raise BadLineError(line) from error
        return chunk

    def end(self) -> Iterator[Chunk]:
        """Yield the chunk of an unfinished last line; raises if the answer is not complete."""
        if not self.done:
            yield from self.read(b"\n")
        if not self.done:
            raise _incomplete("the server closed the stream without a last chunk", self.partial)


class ProgressReader:
    """Reads the stream of ``pull``, ``push`` and ``create``."""

    partial = ""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.done = False
        self._lines = Lines(max_bytes)

    def read(self, payload: bytes) -> Iterator[Progress]:
        """Yield the steps that ``payload`` completes."""
        for line in self._lines.feed(payload):
            raw = parse(line)
            if raw is None:
                continue
            if "error" in raw and raw["error"] is not None:
                raise _server_error(raw)
            progress = Progress.of(raw)
            self.done = self.done or progress.done
            yield progress

    def end(self) -> Iterator[Progress]:
        """Yield the step of an unfinished last line; raises if the work is not complete."""
        yield from self.read(b"\n")
        if not self.done:
            raise _incomplete('the server closed the stream before "success"')


class WholeReader(Generic[T]):
    """Reads one JSON object, which may be spread over several lines, into one item.

    With ``may_be_empty`` the reply may also be nothing, or null.
    """

    partial = ""

    def __init__(
        self,
        item: Callable[[dict[str, Any]], T],
        max_bytes: int = MAX_LINE_BYTES,
        *,
        may_be_empty: bool = False,
    ) -> None:
        self.done = False
        self._item = item
        self._max = max_bytes * _LINES_A_REPLY
        self._may_be_empty = may_be_empty
        self._parts: list[bytes] = []
        self._size = 0

    def read(self, payload: bytes) -> Iterator[T]:
        """Keep the payload; nothing is complete before the end."""
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > self._max:
            raise LineTooLongError(self._max)
        return iter(())

    def end(self) -> Iterator[T]:
        """Yield the item."""
        body = b"".join(self._parts)
        empty = self._may_be_empty and body.strip() in {b"", b"null"}
        raw = {} if empty else parse(body)
        if raw is None:
            raise BadLineError(body)
        if raw.get("error") is not None:
            raise _server_error(raw)
        self.done = True
        yield self._item(raw)


def reason_of(body: bytes) -> tuple[str, str | None]:
    """Return the reason and the sign-in URL of an HTTP error body, which may be JSON, text or HTML."""
    text = body.decode("utf-8", "replace").strip()
    try:
        raw = parse(body) or {}
    except BadLineError:
        return text, None
    return _reason(raw) or text, text_of(raw.get("signin_url")) or None


def _reason(raw: dict[str, Any]) -> str:
    error = raw.get("error")
    return str(object_of(error).get("message") or error or raw.get("Status") or "")


def _server_error(raw: dict[str, Any]) -> ServerError:
    return ServerError(
        _reason(raw) or "no reason given",
        status=number_of(raw.get("StatusCode", raw.get("status"))),
        signin_url=text_of(raw.get("signin_url")) or None,
    )


def _incomplete(what: str, partial: str = "") -> IncompleteStreamError:
    return IncompleteStreamError(f"{what}; it may be cut, see the server's log", partial=partial)
