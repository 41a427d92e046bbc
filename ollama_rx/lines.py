"""From bytes to parsed lines; no I/O.

A body is split at the line feed only, never at the other line breaks of ``str.splitlines``.
"""

import json
from collections.abc import Iterable
from typing import Any, cast

import orjson

from ollama_rx.errors import BadLineError, LineTooLongError

MAX_LINE_BYTES = 8_000_000  # what Ollama's own client accepts since 0.14.0


class Lines:
    """Splits bytes at 0x0A, keeps an unfinished line for the next read."""

    __slots__ = ("_max", "_tail", "_tail_size")

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


def parsed(lines: list[bytes]) -> Iterable[dict[str, Any] | None]:
    """Parse lines: together if that works, which costs less, else one by one as they are asked for.

    What is parsed together may also be a value that is no object, where `parse` raises.
    """
    if len(lines) > 1:
        try:
            found: list[dict[str, Any]] = orjson.loads(b"[%b]" % b",".join(lines))
        except orjson.JSONDecodeError:
            return map(parse, lines)
        if len(found) == len(lines):
            return found
    return map(parse, lines)
