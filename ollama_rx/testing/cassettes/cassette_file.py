"""The file format of cassettes, as docs/cassettes.md describes it: JSON objects, one a line."""

import base64
import binascii
import math
import os
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast, get_args

import orjson

from ollama_rx.errors import CassetteError, excerpt
from ollama_rx.testing.cassettes.recorded_exchange import (
    End,
    RecordedExchange,
    RecordedLine,
    RecordedRequest,
    Recording,
)

VERSION: Final = 1


class CassetteWriter:
    """Writes exchanges to a file as they happen; from any thread, several at the same time.

    Each line is in the file as soon as the method returns, so a process that is killed leaves the beginning
    of a stream. After a failure nothing more is written, so that only the last line can be half a line.

    Raises:
        CassetteError: there is a file at ``path`` already, or it cannot be made; methods raise it if nothing
            more can be written.
    """

    def __init__(self, path: Path, *, texts: bool) -> None:
        self.path = path
        self._lock = Lock()
        self.exchange_count = 0
        self._failure: OSError | None = None
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError as error:
            raise CassetteError(path, "it exists already; delete it, or give another name") from error
        except OSError as error:
            raise self._unwritable(error) from error
        self._close = weakref.finalize(self, os.close, self._file)
        try:
            self._write({"cassette": VERSION, "texts": texts})
        except CassetteError:
            self.close()
            path.unlink()
            raise

    def begin(self, request: RecordedRequest, at: str) -> int:
        """Write a request, which came at a time in RFC 3339; return the number of its exchange."""
        with self._lock:
            self.exchange_count += 1
            number = self.exchange_count
        entry = {"exchange": number, "request": str(request), "at": at}
        self._write(entry if request.body is None else {**entry, "body": request.body})
        return number

    def head(self, number: int, ms: float, status: int, content_type: str | None) -> None:
        """Write the head of a response."""
        self._write({"exchange": number, "ms": _rounded(ms), "status": status, "content_type": content_type})

    def line(self, number: int, ms: float, content: bytes) -> None:
        """Write a line of a response."""
        self._write({"exchange": number, "ms": _rounded(ms), **_line_fields(content)})

    def end(self, number: int, ms: float, end: End, *, error: str = "", reason: str = "") -> None:
        """Write how a response ended."""
        entry = {"exchange": number, "ms": _rounded(ms), "end": end}
        self._write({**entry, "error": error, "reason": reason} if error else entry)

    def write(self, exchange: RecordedExchange, at: str) -> None:
        """Write a whole exchange."""
        number = self.begin(exchange.request, at)
        if exchange.status is not None:
            self.head(number, exchange.head_ms, exchange.status, exchange.content_type)
        for line in exchange.lines:
            self.line(number, line.ms, line.content)
        self.end(number, exchange.end_ms, exchange.end, error=exchange.error, reason=exchange.reason)

    def close(self) -> None:
        """Close the file; what is written later is not recorded."""
        with self._lock:
            self._close()

    def _write(self, entry: Mapping[str, object]) -> None:
        data = memoryview(orjson.dumps(entry) + b"\n")
        with self._lock:
            if self._failure is not None:
                raise self._unwritable(self._failure) from self._failure
            try:
                while data and self._close.alive:
                    data = data[os.write(self._file, data) :]
            except OSError as error:
                self._failure = error
                raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CassetteError:
        return CassetteError(self.path, f"it cannot be written: {error.strerror}")


def _rounded(ms: float) -> float:
    return round(ms, 3)


def _line_fields(content: bytes) -> dict[str, str]:
    try:
        return {"line": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def read_cassette(path: Path) -> Recording:
    """Read a cassette.

    What a process was writing when it was killed, half a line at the end of the file, is left out.

    Raises:
        CassetteError: there is no such file, or it is not a cassette of a version that is known.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CassetteError(path, f"it cannot be read: {error.strerror}") from error
    first, _, rest = content.partition(b"\n")
    has_texts = _read_header(path, first)
    exchanges: dict[int, RecordedExchange] = {}
    for number, entry in _entries(path, rest):
        try:
            _add(exchanges, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CassetteError(path, f"line {number} is not an entry of a cassette") from error
    return Recording(has_texts, list(exchanges.values()))


def _read_header(path: Path, line: bytes) -> bool:
    try:
        header: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        header = None
    version = cast("dict[str, object]", header).get("cassette") if isinstance(header, dict) else None
    if version is None:
        raise CassetteError(path, 'it is not a cassette: its first line is not {"cassette": 1, ...}')
    if version != VERSION:
        raise CassetteError(
            path, f"it has version {excerpt(str(version))}; this version of ollama_rx reads {VERSION}"
        )
    return cast("dict[str, object]", header).get("texts") is not False


def _entries(path: Path, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            entry: object = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if number == len(lines) + 1:
                return  # the process was killed while it wrote the last line
            raise CassetteError(path, f"line {number} is not JSON") from error
        if not isinstance(entry, dict):
            raise CassetteError(path, f"line {number} is not an entry of a cassette")
        yield number, cast("dict[str, Any]", entry)


def _add(exchanges: dict[int, RecordedExchange], entry: Mapping[str, Any]) -> None:
    """Add what an entry says to its exchange.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not an entry.
    """
    number = entry["exchange"]
    if "request" in entry:
        method, path = entry["request"].split(" ")
        if number in exchanges:
            raise ValueError(number)
        exchanges[number] = RecordedExchange(RecordedRequest(method, path, entry.get("body")))
        return
    exchange, ms = exchanges[number], _time(entry["ms"])
    if "status" in entry:
        exchange.status = _status(entry["status"])
        exchange.content_type = _optional_text(entry["content_type"])
        exchange.head_ms = exchange.end_ms = ms
    elif "end" in entry:
        exchange.end, exchange.end_ms = _end(entry["end"]), ms
        exchange.error, exchange.reason = str(entry.get("error", "")), str(entry.get("reason", ""))
    else:
        exchange.lines.append(RecordedLine(ms, _content(entry)))
        exchange.end_ms = ms


def _content(entry: Mapping[str, Any]) -> bytes:
    if "base64" in entry:
        try:
            return base64.b64decode(entry["base64"], validate=True)
        except binascii.Error as error:
            raise ValueError from error
    return cast(str, entry["line"]).encode()


def _time(value: object) -> float:
    ms = float(cast(float, value))
    if not 0 <= ms < math.inf:
        raise ValueError(ms)
    return ms


def _status(value: object) -> int:
    if not isinstance(value, int) or value not in range(100, 600):
        raise ValueError(value)
    return value


def _optional_text(value: object) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError(value)
    return value


def _end(value: object) -> End:
    for end in get_args(End):
        if value == end:
            return cast(End, end)
    raise ValueError(value)
