"""Newline-delimited JSON: split bytes into lines, and parse lines; no I/O.

A line ends at the line feed only, not at the other line breaks of ``str.splitlines``.
"""

from typing import Any, cast

import orjson

from ollama_rx.errors import BadLineError, LineTooLongError
from ollama_rx.protocol import lenient_json
from ollama_rx.protocol.lenient_json import MAX_NESTING, HeldSurrogates, is_nested_deeply, join_surrogates

MAX_LINE_BYTES = 8_000_000  # what Ollama's own client accepts since 0.14.0
SHORT_LINE = 2 * MAX_NESTING  # bytes; a line that is not longer cannot be nested too deeply


class LineBuffer:
    """Joins payloads to complete lines, and keeps an unfinished line for the next payload.

    ``error`` is set when a line, finished or not, exceeds the limit; the lines before it are still returned.
    """

    __slots__ = ("_tail_size", "error", "limit", "tail")

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.limit = max_bytes
        self.error: LineTooLongError | None = None
        self.tail: list[bytes] = []
        self._tail_size = 0

    def complete_lines(self, data: bytes) -> bytes:
        """Return the lines that ``data`` completes as one block, each line with its line feed."""
        end = data.rfind(b"\n") + 1
        block = data[:end]
        if end:
            if self.tail:
                block = b"".join((*self.tail, block))
                self.tail.clear()
                self._tail_size = 0
            if len(block) > self.limit:
                block = self._before_long_line(block)
        if end < len(data):
            self.tail.append(data[end:])
            self._tail_size += len(data) - end
            if self._tail_size > self.limit:
                self.error = LineTooLongError(self.limit)
        return block

    def _before_long_line(self, block: bytes) -> bytes:
        """Return the lines before the first one that exceeds the limit."""
        start = 0
        for line in split_lines(block):
            if len(line) > self.limit:
                self.error = LineTooLongError(self.limit)
                return block[:start]
            start += len(line) + 1
        return block


def split_lines(block: bytes) -> list[bytes]:
    """Return the lines of a block, without their line feeds."""
    return block.split(b"\n")[:-1]


def parse_line(line: bytes, held: HeldSurrogates | None = None) -> dict[str, Any] | None:
    """Parse one line into a JSON object whose texts can all be encoded; a blank line gives None.

    If orjson rejects the line, a lenient parser is tried. With ``held``, characters are joined of which this
    line and the one before hold one half each; see `join_surrogates`.

    Raises:
        BadLineError: the line is not a JSON object, or is nested too deeply.
    """
    if is_nested_deeply(line):
        raise BadLineError(line)
    try:
        value = orjson.loads(line)
        if held and type(value) is dict:
            value = join_surrogates(cast(dict[str, Any], value), held)
    except orjson.JSONDecodeError:
        if not line.strip():
            return None
        try:
            value = lenient_json.loads(line, held)
        except ValueError as error:
            raise BadLineError(line) from error
    except RecursionError as error:  # while characters are joined; orjson itself has no such limit
        raise BadLineError(line) from error
    if type(value) is dict:
        return cast(dict[str, Any], value)
    raise BadLineError(line)


def parse_lines(block: bytes) -> list[Any]:
    """Parse the lines of a block in one call, which is faster than one call per line.

    Unlike `parse_line`, this does not check that each value is an object.

    Raises:
        orjson.JSONDecodeError: the lines must be parsed one by one.
    """
    if _has_long_line(block) and any(map(is_nested_deeply, split_lines(block))):
        raise orjson.JSONDecodeError("nested too deeply", "", 0)
    values: list[Any] = orjson.loads(b"[%b]" % block[:-1].replace(b"\n", b","))
    if len(values) != len(block) - len(block.replace(b"\n", b"")):  # half the time of `count`
        raise orjson.JSONDecodeError("not one value per line", "", 0)
    return values


def _has_long_line(block: bytes) -> bool:
    """Check for a line longer than `SHORT_LINE`, some lines at a time: splitting costs three times more."""
    end = 0
    while len(block) - end > SHORT_LINE:
        end = block.rfind(b"\n", end, end + SHORT_LINE + 1) + 1
        if not end:
            return True
    return False
