"""From bytes to meaning: lines, parsed objects, chunks; no I/O.

The rules and where they come from: any line can be an error, only ``done`` (or "success") is an end.
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
from ollama_rx.protocol.ndjson import MAX_LINE_BYTES, LineDecoder, parse_line, parse_lines, split_lines

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# No JSON, no object, no "done", or a text of a wrong type: to be read carefully.
_UNUSUAL = (JSONDecodeError, AttributeError, KeyError, TypeError)
_LINES_A_REPLY = 32  # a whole reply may be as long as so many lines: thousands of vectors at once


class Reader(Protocol[T_co]):
    """Turns the payload of one response into items."""

    done: bool

    def read(self, payload: bytes) -> Iterable[T_co]:
        """Give the items that ``payload`` completes; raises StreamError while they are taken."""
        ...

    def end(self) -> Iterator[T_co]:
        """Yield what the end of the body completes; raises StreamError if that is too early."""
        ...

    @property
    def partial(self) -> str:
        """The text that has arrived so far."""
        ...


class ChunkReader:
    """Reads the stream of ``generate`` and ``chat``."""

    __slots__ = ("_keep", "_lines", "_text", "done")

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.done = False
        self._lines = LineDecoder(max_bytes)
        self._text = io.StringIO()
        self._keep = self._text.write

    @property
    def partial(self) -> str:
        """The text that has arrived so far."""
        return self._text.getvalue()

    def read(self, payload: bytes) -> Iterable[Chunk]:
        """Give the chunks that ``payload`` completes."""
        lines = self._lines
        if payload.find(b"\n") == len(payload) - 1 <= lines.limit and not lines.tail:
            try:  # a model that writes token by token: no call that can be spared
                raw = loads(payload)
                if not (raw["done"] or "done_reason" in raw or "error" in raw):
                    chunk = Chunk(raw)
                    self._keep(chunk.text)
                    return (chunk,)
            except _UNUSUAL:
                pass
        chunks = self._read_block(lines.block(payload))
        return chunks if lines.error is None else chain(chunks, self._too_long(lines.error))

    def _too_long(self, error: LineTooLongError) -> Iterator[Chunk]:
        yield from ()
        if not self.done:
            error.partial = self.partial
            raise error

    def _read_block(self, block: bytes) -> Iterable[Chunk]:
        chunks: list[Chunk] = []
        try:
            found = parse_lines(block)
            for raw in found:
                if raw["done"] or "done_reason" in raw or "error" in raw:
                    break
                chunks.append(Chunk(raw))
            self._keep("".join([chunk.text for chunk in chunks]))
        except _UNUSUAL:
            return self._carefully(split_lines(block))
        if len(chunks) == len(found):
            return chunks
        return chain(chunks, self._carefully(split_lines(block)[len(chunks) :]))

    def _carefully(self, lines: Iterable[bytes]) -> Iterator[Chunk]:
        """Yield the chunks of lines that are not plain pieces of text: the last one, errors, the unusual."""
        try:
            for line in lines:
                raw = parse_line(line)
                if raw is None:
                    continue
                try:
                    chunk = Chunk(raw)
                    self._keep(chunk.text)
                except (AttributeError, TypeError) as error:  # a text of a wrong type
                    raise _doubtful(raw, line) from error
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
        self._lines = LineDecoder(max_bytes)

    def read(self, payload: bytes) -> Iterator[Progress]:
        """Yield the steps that ``payload`` completes."""
        for line in split_lines(self._lines.block(payload)):
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
        yield from ()

    def end(self) -> Iterator[T]:
        """Yield the item."""
        body = b"".join(self._parts)
        empty = self._may_be_empty and body.strip() in {b"", b"null"}
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


def _doubtful(found: object, line: bytes) -> StreamError:
    """An error line stays one, whatever stands beside the error."""
    raw = object_of(found)
    return BadLineError(line) if raw.get("error") is None else _server_error(raw)


def _incomplete(what: str, partial: str = "") -> IncompleteStreamError:
    return IncompleteStreamError(f"{what}; it may be cut, see the server's log", partial=partial)
