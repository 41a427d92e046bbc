"""Make a cassette of a folder of recorded responses.

    python -m tests.testing.cassettes.from_recordings FOLDER OUT

Each response is NAME.meta.json: the request, the status line and headers of the response, the sizes of the
chunks of its HTTP framing, and when which number of bytes was read from the socket; and NAME.ndjson or
NAME.json, its body, if it has one. Ollama sends each line as one chunk, so the time of a line is the time of
the read that brought the last byte of its chunk.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import orjson

from ollama_rx.testing.cassettes.cassette_file import CassetteWriter
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange, RecordedLine, RecordedRequest

_LAST_CHUNK = len("0\r\n\r\n")


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response of the folder: what its two files say."""

    name: str
    meta: dict[str, Any]
    body: bytes

    @classmethod
    def of(cls, meta_file: Path) -> Self:
        """Read the two files."""
        name = meta_file.name.removesuffix(".meta.json")
        bodies = [meta_file.with_name(name + suffix) for suffix in (".ndjson", ".json")]
        body = next((file.read_bytes() for file in bodies if file.exists()), b"")
        return cls(name, json.loads(meta_file.read_bytes()), body)

    @property
    def request(self) -> RecordedRequest:
        """What was asked."""
        return RecordedRequest.of(self.meta["request"]["method"], self.meta["request"]["path"], self.sent)

    @property
    def sent(self) -> bytes:
        """The body of the request."""
        body = self.meta["request"].get("body") or ""
        return body.encode() if isinstance(body, str) else orjson.dumps(body)

    @property
    def status(self) -> int:
        """The status of the response."""
        return int(self.meta["status"].split()[1])

    def header(self, name: str) -> str | None:
        """Return a header of the response."""
        headers = dict(line.split(": ", 1) for line in self.meta["headers"])
        return headers.get(name)

    def exchange(self) -> RecordedExchange:
        """Return what a cassette has of it."""
        head, *ends = self._ends()
        lines = self.body.splitlines(keepends=True)
        return RecordedExchange(
            self.request,
            status=self.status,
            content_type=self.header("Content-Type"),
            head_ms=self._ms(head),
            lines=[RecordedLine(self._ms(end), line) for end, line in zip(ends, lines, strict=True)],
            end="complete" if self.meta["complete"] else "broken",
            end_ms=self.meta["reads"][-1][0] * 1000,
            error="" if self.meta["complete"] else "RemoteProtocolError",
        )

    def _ends(self) -> Iterator[int]:
        """Yield where the head and each line ends in the bytes that were read."""
        read = sum(size for _, size in self.meta["reads"])
        chunks = [len(f"{size:x}\r\n\r\n") + size for size in self.meta["http_chunks"]]
        if chunks:
            yield from accumulate(chunks, initial=read - sum(chunks) - _LAST_CHUNK)
        else:
            yield read - int(self.header("Content-Length") or 0)
            yield from [read] * len(self.body.splitlines())

    def _ms(self, end: int) -> float:
        """Return when the byte before this place was read."""
        received = accumulate(size for _, size in self.meta["reads"])
        times: list[float] = [seconds * 1000 for seconds, _ in self.meta["reads"]]
        return next(ms for ms, size in zip(times, received, strict=True) if size >= end)

    @property
    def at(self) -> str:
        """When it was recorded."""
        return parsedate_to_datetime(self.header("Date") or "").isoformat().replace("+00:00", "Z")


def responses_in(folder: Path) -> list[RecordedResponse]:
    """Read all responses of a folder."""
    return [RecordedResponse.of(file) for file in sorted(folder.glob("*.meta.json"))]


def write_cassette(folder: Path, cassette: Path) -> None:
    """Write all responses of a folder into a new cassette."""
    writer = CassetteWriter(cassette, texts=True)
    for response in responses_in(folder):
        writer.write(response.exchange(), response.at)
    writer.close()


if __name__ == "__main__":  # pragma: no cover - tried by hand
    write_cassette(Path(sys.argv[1]), Path(sys.argv[2]))
