"""Replay the recorded answer of a real server, at its own pace or another."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ollama_rx.arguments import check_positive
from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.reply import Reply
from ollama_rx.testing.server.steps import Step, Until

_CREATED = re.compile(rb'"created_at"\s*:\s*"([^".]+)(\.\d+)?([^"]*)"')


def recording(source: Path | str | bytes, *, speed: float | None = None) -> Reply:
    """Send the lines of a file (or these bytes) as they are, whatever the request.

    ::

        recording("stream.ndjson")             as fast as the client reads
        recording("stream.ndjson", speed=1)    with the pauses between the `created_at` of its lines
        recording("stream.ndjson", speed=20)   twenty times as fast

    A line without `created_at` is sent together with the line before it.
    """
    if speed is not None:
        check_positive("speed", speed)
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    timed = [
        (line, 0.0 if speed is None else offset / speed)
        for line, offset in zip(lines, _offsets(lines), strict=True)
    ]

    def steps(_request: Request) -> Iterator[Step]:
        for line, offset in timed:
            if offset:
                yield Until(offset)
            yield line

    return Reply(steps)


def _offsets(lines: list[bytes]) -> Iterator[float]:
    """Yield the seconds from the first line to each line; they never decrease."""
    first: float | None = None
    offset = 0.0
    for line in lines:
        created = _created(line)
        if created is not None:
            first = created if first is None else first
            offset = max(offset, created - first)
        yield offset


def _created(line: bytes) -> float | None:
    """Read `created_at`, whose fraction has up to nine digits, more than `datetime` can parse."""
    match = _CREATED.search(line)
    if match is None:
        return None
    whole, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat((whole + zone).decode())
    except ValueError:
        return None
    return moment.timestamp() + float(fraction or 0)
