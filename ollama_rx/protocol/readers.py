"""Read the body of a response into chunks, progress steps or a single item; no I/O.

Any line can be an error; a stream is complete only after ``done`` (or, for progress, "success").
Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

from orjson import JSONDecodeError, loads

from ollama_rx.chunks import Chunk, Progress
from ollama_rx.errors import BadLineError, IncompleteStreamError, LineTooLongError, ServerError, StreamError
from ollama_rx.protocol.json_fields import JsonObject, number_of, object_of, text_of
from ollama_rx.protocol.ndjson import MAX_LINE_BYTES, LineBuffer, parse_line, parse_lines, split_lines

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Raised on the fast path by a line that is not a JSON object, has no "done", or has a text of a wrong type.
_FAST_PATH_ERRORS = (JSONDecodeError, AttributeError, KeyError, TypeError)
_BODY_LIMIT_IN_LINES = 32  # a single JSON body may be longer than a line: it may hold thousands of vectors


class Reader(Protocol[T_co]):
    """Turns the payloads of one response into items."""

    done: bool

    def read(self, payload: bytes) -> Iterable[T_co]:
        """Return the items that ``payload`` completes; iterating over them may raise StreamError."""
        ...

    def end(self) -> Iterator[T_co]:
        """Yield the items that the end of the body completes; raises StreamError if it came too early."""
        ...

    @property
    def partial(self) -> str:
        """The text received so far."""
        ...


class ChunkReader:
    """Reads the stream of ``generate`` and ``chat``."""

    __slots__ = ("_append_text", "_lines", "_text", "done")

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.done = False
        self._lines = LineBuffer(max_bytes)
        self._text = io.StringIO()
        self._append_text = self._text.write

    @property
    def partial(self) -> str:
        """The text received so far."""
        return self._text.getvalue()

    def read(self, payload: bytes) -> Iterable[Chunk]:
        """Return the chunks that ``payload`` completes."""
        lines = self._lines
        if payload.find(b"\n") == len(payload) - 1 <= lines.limit and not lines.tail:
            try:  # the common case, one whole line per read: as few calls as possible
                raw = loads(payload)
                if not (raw["done"] or "done_reason" in raw or "error" in raw):
                    chunk = Chunk(raw)
                    self._append_text(chunk.text)
                    return (chunk,)
            except _FAST_PATH_ERRORS:
                pass
        chunks = self._read_block(lines.complete_lines(payload))
        return chunks if lines.error is None else chain(chunks, self._raise_too_long(lines.error))

    def _raise_too_long(self, error: LineTooLongError) -> Iterator[Chunk]:
        """Yield nothing, and raise unless the answer was complete before the long line."""
        yield from ()
        if not self.done:
            error.partial = self.partial
            raise error

    def _read_block(self, block: bytes) -> Iterable[Chunk]:
        chunks: list[Chunk] = []
        try:
            values = parse_lines(block)
            for raw in values:
                if raw["done"] or "done_reason" in raw or "error" in raw:
                    break
                chunks.append(Chunk(raw))
            self._append_text("".join([chunk.text for chunk in chunks]))
        except _FAST_PATH_ERRORS:
            return self._read_line_by_line(split_lines(block))
        if len(chunks) == len(values):
            return chunks
        return chain(chunks, self._read_line_by_line(split_lines(block)[len(chunks) :]))

    def _read_line_by_line(self, lines: Iterable[bytes]) -> Iterator[Chunk]:
        """Yield the chunks of lines that the fast path cannot read: the last chunk, errors, unusual lines."""
        try:
            for line in lines:
                raw = parse_line(line)
                if raw is None:
                    continue
                try:
                    chunk = Chunk(raw)
                    self._append_text(chunk.text)
                except (AttributeError, TypeError) as error:  # a text of a wrong type
                    raise _bad_text_error(raw, line) from error
                if raw.get("error") is not None:
                    raise _server_error(raw)
                self.done = chunk.done
                yield chunk
                if self.done:
                    return
        except StreamError as error:
            error.partial = self.partial
            raise

    def end(self) -> Iterator[Chunk]:
        """Yield the chunk of a last line without a line feed; raises if the answer is not complete."""
        if not self.done:
            yield from self.read(b"\n")
        if not self.done:
            raise _incomplete_error("the server closed the stream without a last chunk", self.partial)


class ProgressReader:
    """Reads the stream of ``pull``, ``push`` and ``create``."""

    partial = ""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.done = False
        self._lines = LineBuffer(max_bytes)

    def read(self, payload: bytes) -> Iterator[Progress]:
        """Yield the steps that ``payload`` completes."""
        for line in split_lines(self._lines.complete_lines(payload)):
            raw = parse_line(line)
            if raw is None:
                continue
            if "error" in raw and raw["error"] is not None:
                raise _server_error(raw)
            progress = Progress.of(raw)
            self.done = self.done or progress.done
            yield progress
        if self._lines.error is not None and not self.done:
            raise self._lines.error

    def end(self) -> Iterator[Progress]:
        """Yield the step of a last line without a line feed; raises if the task is not complete."""
        yield from self.read(b"\n")
        if not self.done:
            raise _incomplete_error('the server closed the stream before "success"')


class JsonReader(Generic[T]):
    """Reads a body that is a single JSON object, which may span several lines, into one item.

    With ``allow_empty`` the body may also be empty or null; the item is then built from an empty object.
    """

    partial = ""

    def __init__(
        self,
        item: Callable[[dict[str, Any]], T],
        max_bytes: int = MAX_LINE_BYTES,
        *,
        allow_empty: bool = False,
    ) -> None:
        self.done = False
        self._item = item
        self._limit = max_bytes * _BODY_LIMIT_IN_LINES
        self._allow_empty = allow_empty
        self._parts: list[bytes] = []
        self._size = 0

    def read(self, payload: bytes) -> Iterator[T]:
        """Buffer the payload; the item is complete only at the end of the body."""
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > self._limit:
            raise LineTooLongError(self._limit)
        yield from ()

    def end(self) -> Iterator[T]:
        """Yield the item; raises if the body is not a JSON object, or is an error."""
        body = b"".join(self._parts)
        empty = self._allow_empty and body.strip() in {b"", b"null"}
        raw = {} if empty else parse_line(body)
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
        raw = parse_line(body) or {}
    except BadLineError:
        return text, None
    return _reason(raw) or text, text_of(raw.get("signin_url")) or None


def _reason(raw: JsonObject) -> str:
    error = raw.get("error")
    return str(object_of(error).get("message") or error or raw.get("Status") or "")


def _server_error(raw: JsonObject) -> ServerError:
    return ServerError(
        _reason(raw) or "no reason given",
        status=number_of(raw.get("StatusCode", raw.get("status"))),
        signin_url=text_of(raw.get("signin_url")) or None,
    )


def _bad_text_error(raw: JsonObject, line: bytes) -> StreamError:
    """Prefer the server's own error if the malformed line carries one."""
    return BadLineError(line) if raw.get("error") is None else _server_error(raw)


def _incomplete_error(problem: str, partial: str = "") -> IncompleteStreamError:
    return IncompleteStreamError(f"{problem}; it may be cut, see the server's log", partial=partial)
