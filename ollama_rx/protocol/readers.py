"""Read the body of a response into chunks, progress steps or a single item; no I/O.

Any line can be an error; a stream is complete only after ``done`` (or, for progress, "success").
Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, Literal, Protocol, TypeVar

from orjson import JSONDecodeError, loads

from ollama_rx.chunks import Chunk, Progress
from ollama_rx.errors import BadLineError, IncompleteStreamError, LineTooLongError, ServerError, StreamError
from ollama_rx.partial_text import PartialText
from ollama_rx.protocol.json_fields import JsonObject, number_of, object_of, text_of
from ollama_rx.protocol.lenient_json import HeldSurrogates, is_nested_deeply
from ollama_rx.protocol.ndjson import (
    MAX_LINE_BYTES,
    SHORT_LINE,
    LineBuffer,
    parse_line,
    parse_lines,
    split_lines,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# The text of a chunk that has it in the usual place; AttributeError for any other. It costs less than `text`.
_usual_text: Callable[[Chunk], str] = attrgetter("_text")

ProgressTask = Literal["pull", "push", "create"]

# Raised on the fast path by a line that is not a JSON object, or has no "done" or no text in its usual place.
_FAST_PATH_ERRORS = (JSONDecodeError, AttributeError, KeyError, TypeError)
_BODY_LIMIT_IN_LINES = 32  # a single JSON body may be longer than a line: it may hold thousands of vectors
_MAX_WRAPPINGS = 8  # of errors in errors; two were seen
_MAX_HELD = 16_384  # bytes of an unfinished line for whose end `RawReader` waits


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

    __slots__ = ("_has_chunks", "_held", "_is_between_lines", "_lines", "_partial", "_short_line", "done")

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.done = False
        self._lines = LineBuffer(max_bytes)
        self._short_line = min(SHORT_LINE, max_bytes)
        self._partial = PartialText()
        self._held: HeldSurrogates = {}
        self._is_between_lines = True  # nothing of the payloads before is left for the next one
        self._has_chunks = False

    @property
    def partial(self) -> str:
        """The text received so far; at most its end, see `PartialText`."""
        return self._partial.text

    def read(self, payload: bytes) -> Iterable[Chunk]:
        """Return the chunks that ``payload`` completes."""
        if self._is_between_lines and (
            payload.find(b"\n") + 1 == len(payload) <= self._short_line or self._is_long_line(payload)
        ):
            try:  # the common case, one whole line per read: as few calls as possible
                raw = loads(payload)
                if not (raw["done"] or "done_reason" in raw or "error" in raw):
                    chunk = Chunk(raw)
                    text = chunk._text  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see `_usual_text`
                    partial = self._partial
                    partial.room -= partial.write(text)
                    if partial.room < 0:
                        partial.forget_beginning()
                    self._has_chunks = True
                    return (chunk,)
            except _FAST_PATH_ERRORS:
                pass
        lines = self._lines
        block = lines.complete_lines(payload)
        chunks = self._read_line_by_line(split_lines(block)) if self._held else self._read_block(block)
        self._is_between_lines = not (lines.tail or self._held)
        return chunks if lines.error is None else chain(chunks, self._raise_too_long(lines.error))

    def _is_long_line(self, payload: bytes) -> bool:
        """Check for one whole line that is longer than most, as with log probabilities, but not too long."""
        is_line = payload.find(b"\n") + 1 == len(payload) <= self._lines.limit
        return is_line and not is_nested_deeply(payload)

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
            self._partial.append("".join(map(_usual_text, chunks)))
        except _FAST_PATH_ERRORS:
            return self._read_line_by_line(split_lines(block))
        if chunks:
            self._has_chunks = True
        if len(chunks) == len(values):
            return chunks
        return chain(chunks, self._read_line_by_line(split_lines(block)[len(chunks) :]))

    def _read_line_by_line(self, lines: Iterable[bytes]) -> Iterator[Chunk]:
        """Yield the chunks of lines that the fast path cannot read: the last chunk, errors, unusual lines."""
        try:
            for line in lines:
                raw = parse_line(line, self._held)
                if raw is None:
                    continue
                if raw.get("error") is not None:
                    raise _server_error(raw, "answer")
                if not _is_text_readable(raw):
                    raise BadLineError(line)
                chunk = Chunk(raw)
                self._partial.append(chunk.text)
                self.done = chunk.done
                self._has_chunks = True
                if self._held:
                    self._is_between_lines = False  # the next line must not miss what is held
                yield chunk
                if self.done:
                    return
        except StreamError as error:
            error.partial = self.partial
            raise

    def end(self) -> Iterator[Chunk]:
        """Yield the chunk of a last line without a line feed; raises if the answer is not complete.

        A server that ends the body properly but early has given up: Ollama does so when a model repeats
        itself. The same request would end the same way, unless nothing has arrived at all.
        """
        if not self.done:
            yield from self.read(b"\n")
        if not self.done:
            problem = "the server ended the answer without saying that it is complete"
            raise _incomplete_error(problem, self.partial, retryable=not self._has_chunks)


class ProgressReader:
    """Reads the stream of ``pull``, ``push`` and ``create``."""

    partial = ""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES, *, task: ProgressTask = "pull") -> None:
        self.done = False
        self._lines = LineBuffer(max_bytes)
        self._task = task
        self._layers: dict[str, tuple[int, int]] = {}  # total and completed, by digest
        self._total = self._completed = 0  # of all layers

    def read(self, payload: bytes) -> Iterator[Progress]:
        """Yield the steps that ``payload`` completes; nothing after "success" is read."""
        for line in split_lines(self._lines.complete_lines(payload)):
            raw = parse_line(line)
            if raw is None:
                continue
            if raw.get("error") is not None:
                raise _server_error(raw, self._task)
            progress = self._with_all_layers(Progress.of(raw))
            self.done = progress.done
            yield progress
            if self.done:
                return
        if self._lines.error is not None:
            raise self._lines.error

    def _with_all_layers(self, progress: Progress) -> Progress:
        """Return a step with the sums over all layers."""
        if progress.digest is not None and progress.total is not None:
            total, completed = self._layers.get(progress.digest, (0, 0))
            self._layers[progress.digest] = now = (progress.total, progress.completed or 0)
            self._total += now[0] - total
            self._completed += now[1] - completed
        if not self._layers:
            return progress
        return replace(progress, overall_total=self._total, overall_completed=self._completed)

    def end(self) -> Iterator[Progress]:
        """Yield the step of a last line without a line feed; raises if the task is not complete."""
        if not self.done:
            yield from self.read(b"\n")
        if not self.done:
            raise _incomplete_error(f'the server ended the {self._task} before "success"')


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
            raise _server_error(raw, "request")
        item = self._item(raw)
        self.done = True
        yield item


class RawReader:
    """Passes a body on as it is: whole lines as soon as they are complete, and a long line in pieces."""

    partial = ""

    def __init__(self) -> None:
        self.done = False
        self._held = b""

    def read(self, payload: bytes) -> Iterable[bytes]:
        """Return the lines that ``payload`` completes, as one item."""
        if self._held:
            payload = self._held + payload
        end = payload.rfind(b"\n") + 1
        if len(payload) - end > _MAX_HELD:
            end = len(payload)
        self._held = payload[end:]
        return (payload[:end],) if end else ()

    def end(self) -> Iterator[bytes]:
        """Yield what is left of the body, which may be empty."""
        if self._held:
            yield self._held
        self.done = True


def reason_of(body: bytes) -> tuple[str, str | None]:
    """Return the reason and the sign-in URL of an HTTP error body, which may be JSON, text or HTML."""
    text = body.decode("utf-8", "replace").strip()
    try:
        raw = parse_line(body) or {}
    except BadLineError:
        return text, None
    return _reason(raw) or text, text_of(raw.get("signin_url")) or None


def _reason(raw: JsonObject) -> str:
    """Return the text of an error; an error inside errors, as objects or as JSON text, is unwrapped."""
    found: object = raw.get("error") or raw.get("Status") or ""
    for _ in range(_MAX_WRAPPINGS):
        value = found
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = parse_line(value.encode())
            except BadLineError:
                break
        inner = object_of(value).get("error") or object_of(value).get("message")
        if not inner:
            break
        found = inner
    return str(found)


def _is_text_readable(raw: JsonObject) -> bool:
    """Check that the text of a chunk is a text or absent; a text that is lost would end silently wrong."""
    message = raw.get("message")
    if raw.get("response") is not None or message is None:
        return isinstance(raw.get("response"), str | None)
    fields = object_of(message)
    return fields is message and isinstance(fields.get("content"), str | None)


def _server_error(raw: JsonObject, task: str) -> ServerError:
    return ServerError(
        _reason(raw) or "no reason given",
        status=number_of(raw.get("StatusCode", raw.get("status"))),
        signin_url=text_of(raw.get("signin_url")) or None,
        task=task,
    )


def _incomplete_error(problem: str, partial: str = "", *, retryable: bool = True) -> IncompleteStreamError:
    message = f"{problem}; it may be cut, see the server's log"
    return IncompleteStreamError(message, partial=partial, retryable=retryable)
