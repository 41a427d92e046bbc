"""From bytes to parsed lines; no I/O.

A body is split at the line feed only, never at the other line breaks of ``str.splitlines``.
"""

import json
from typing import Any, cast

import orjson

from ollama_rx.errors import BadLineError, LineTooLongError

MAX_LINE_BYTES = 8_000_000  # what Ollama's own client accepts since 0.14.0


class LineDecoder:
    """Splits bytes at 0x0A, keeps an unfinished line for the next read.

    ``error`` says that a line, finished or not, is above the limit; what came before it is returned.
    """

    __slots__ = ("_tail_size", "error", "limit", "tail")

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.limit = max_bytes
        self.error: LineTooLongError | None = None
        self.tail: list[bytes] = []
        self._tail_size = 0

    def block(self, data: bytes) -> bytes:
        """Return the lines that ``data`` completes in one piece, each with its line feed."""
        end = data.rfind(b"\n") + 1
        block = data[:end]
        if end:
            if self.tail:
                block = b"".join((*self.tail, block))
                self.tail.clear()
                self._tail_size = 0
            if len(block) > self.limit:
                block = self._within(block)
        if end < len(data):
            self.tail.append(data[end:])
            self._tail_size += len(data) - end
            if self._tail_size > self.limit:
                self.error = LineTooLongError(self.limit)
        return block

    def _within(self, block: bytes) -> bytes:
        start = 0
        for line in split_lines(block):
            if len(line) > self.limit:
                self.error = LineTooLongError(self.limit)
                return block[:start]
            start += len(line) + 1
        return block


def split_lines(block: bytes) -> list[bytes]:
    """Return the lines of a block, without their line feed."""
    return block.split(b"\n")[:-1]


def parse_line(line: bytes) -> dict[str, Any] | None:
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


def parse_lines(block: bytes) -> list[Any]:
    """Parse the lines of a block at once, which costs less.

    A value may also be no object, where `parse_line` raises.

    Raises:
        orjson.JSONDecodeError: the lines must be parsed one by one.
    """
    found: list[Any] = orjson.loads(b"[%b]" % block[:-1].replace(b"\n", b","))
    if len(found) != block.count(b"\n"):
        raise orjson.JSONDecodeError("not one value a line", "", 0)
    return found
