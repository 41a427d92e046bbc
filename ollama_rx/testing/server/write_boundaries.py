"""How the bytes of a reply are split into writes; a few functions also change its newlines.

Each function maps steps to steps, so that several can be combined: `reply.sent(crlf, byte_by_byte)`. A write
becomes one HTTP chunk. Pauses, gates and cuts keep their place in the stream.
"""

import re
from collections.abc import Iterable, Iterator

from ollama_rx.arguments import check_whole
from ollama_rx.testing.server.reply import WriteBoundaries
from ollama_rx.testing.server.steps import Step

_ESCAPE = re.compile(rb"\\u(?=[0-9a-fA-F]{4})")
_LEADING_BYTE = re.compile(rb"[\xc2-\xf4]")


def line_by_line(steps: Iterable[Step]) -> Iterator[Step]:
    """Send one line per write, as Ollama does. This is the default."""
    yield from steps


def byte_by_byte(steps: Iterable[Step]) -> Iterator[Step]:
    """Send every byte as a write of its own."""
    return pieces_of(1)(steps)


def inside_characters(steps: Iterable[Step]) -> Iterator[Step]:
    """Split after the first byte of every character that takes several bytes in UTF-8."""
    return _split_after(_LEADING_BYTE, steps)


def inside_escapes(steps: Iterable[Step]) -> Iterator[Step]:
    r"""Split inside every JSON escape such as `\u003c`, between the u and its digits."""
    return _split_after(_ESCAPE, steps)


def without_last_newline(steps: Iterable[Step]) -> Iterator[Step]:
    """Leave out the newline after the last line."""
    held: list[Step] = []
    for step in steps:
        if isinstance(step, bytes):
            yield from held
            held.clear()
        held.append(step)
    for step in held:
        yield step.rstrip(b"\r\n") if isinstance(step, bytes) else step


def crlf(steps: Iterable[Step]) -> Iterator[Step]:
    """End lines with CR LF."""
    for step in steps:
        yield step.replace(b"\n", b"\r\n") if isinstance(step, bytes) else step


def blank_lines(steps: Iterable[Step]) -> Iterator[Step]:
    """Put a blank line before and after every line."""
    for step in steps:
        yield b"\n" + step + b"\n" if isinstance(step, bytes) else step


def all_at_once(steps: Iterable[Step]) -> Iterator[Step]:
    """Send all lines up to the next pause as one write."""
    return lines_per_write(0)(steps)


def lines_per_write(count: int) -> WriteBoundaries:
    """Send `count` lines per write, fewer before a pause and at the end; 0 means all of them."""
    check_whole("count", count, least=0)

    def rechunk(steps: Iterable[Step]) -> Iterator[Step]:
        held: list[bytes] = []
        for step in steps:
            if isinstance(step, bytes):
                held.append(step)
                if len(held) != count:
                    continue
            if held:
                yield b"".join(held)
                held.clear()
            if not isinstance(step, bytes):
                yield step
        if held:
            yield b"".join(held)

    return rechunk


def pieces_of(size: int) -> WriteBoundaries:
    """Split every line into writes of `size` bytes."""
    check_whole("size", size, least=1)

    def rechunk(steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            if isinstance(step, bytes):
                yield from (step[start : start + size] for start in range(0, len(step), size))
            else:
                yield step

    return rechunk


def cut_at(*offsets: int) -> WriteBoundaries:
    """Split the body at these byte offsets and nowhere else, except at pauses."""
    for offset in offsets:
        check_whole("offsets", offset, least=0)

    def rechunk(steps: Iterable[Step]) -> Iterator[Step]:
        begin = 0
        for step in all_at_once(steps):
            if not isinstance(step, bytes):
                yield step
                continue
            inner = sorted({offset - begin for offset in offsets if begin < offset < begin + len(step)})
            for start, end in zip([0, *inner], [*inner, len(step)], strict=True):
                yield step[start:end]
            begin += len(step)

    return rechunk


def _split_after(pattern: re.Pattern[bytes], steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, bytes):
            yield step
            continue
        start = 0
        for match in pattern.finditer(step):
            yield step[start : match.end()]
            start = match.end()
        if start < len(step):
            yield step[start:]
