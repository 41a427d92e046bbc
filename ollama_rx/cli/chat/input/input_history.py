"""What was entered in earlier chats, in a file."""

import os
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import Final

import orjson

from ollama_rx.cli.output.counted import counted

MOST_ENTRIES: Final = 1_000
MOST_BYTES: Final = 2**16
"""Longer messages, such as pasted files, are not kept."""
_MOST_READ = MOST_ENTRIES * MOST_BYTES


class InputHistory:
    """Messages as they were entered, the newest last.

    The file has a JSON string in each line, so that a message of several lines stays one. It can be read by
    its owner only, and every terminal adds to it under a lock. It is cut to the newest `MOST_ENTRIES` when a
    chat starts. Lines that are not of a history are moved to a file beside it. If the file cannot be read or
    written, ``note`` is called once with the reason, and the chat goes on with what there is.

    As in a shell, a message that begins with a space is not kept; nor is one that repeats the one before.
    """

    def __init__(self, path: Path, note: Callable[[str], object]) -> None:
        self._path = Path(os.path.realpath(path))
        self._note = note
        self._is_kept = True
        self.entries: list[str] = []
        try:
            self._read()
        except OSError as error:
            self._stop_keeping(error)
            if not self.entries:
                with suppress(OSError):
                    self.entries, _ = _parse(_read_only(self._path))

    def add(self, entry: str) -> bool:
        """Add what was entered; return whether it is in the history now."""
        if not entry.strip() or entry[0] == " " or self.entries[-1:] == [entry]:
            return False
        self.entries.append(entry)
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        if self._is_kept and len(line) <= MOST_BYTES:
            try:
                with _locked(self._path) as file:
                    _append(file, line)
            except OSError as error:
                self._stop_keeping(error)
        return True

    def _stop_keeping(self, error: OSError) -> None:
        self._is_kept = False
        self._note(f"the input history is not saved: {error.filename or self._path}: {error.strerror}")

    def _read(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._path) as file:
            self.entries, broken = _parse(_content(file))
            if broken:
                self._set_aside(broken)
            if broken or len(self.entries) > MOST_ENTRIES:
                self.entries = self.entries[-MOST_ENTRIES:]
                _replace(self._path, self.entries)

    def _set_aside(self, broken: list[bytes]) -> None:
        aside = self._path.with_name(f"{self._path.name}.broken")
        with _locked(aside) as file:
            _append(file, b"".join(line + b"\n" for line in broken))
        self._note(f"{self._path}: {counted(len(broken), 'line')} could not be read; moved to {aside.name}")


def _parse(content: bytes) -> tuple[list[str], list[bytes]]:
    """Return the entries, and the lines that are not entries."""
    entries: list[str] = []
    broken: list[bytes] = []
    for line in content.split(b"\n"):
        try:
            entry: object = orjson.loads(line) if line.strip() else ""
        except orjson.JSONDecodeError:
            entry = None
        if not isinstance(entry, str):
            broken.append(line)
        elif entry and entries[-1:] != [entry]:
            entries.append(entry)
    return entries, broken


@contextmanager
def _locked(path: Path) -> Generator[int]:
    """Open a private file, which may be new, and lock it against other terminals."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _AT_ONCE, 0o600)
        try:
            _check(file)
            _make_private(file)
            _lock(file)
            if _is_same_file(file, path):
                yield file
                return
        finally:
            os.close(file)  # which unlocks it


def _read_only(path: Path) -> bytes:
    file = os.open(path, os.O_RDONLY | _AT_ONCE)
    try:
        _check(file)
        return _content(file)
    finally:
        os.close(file)


def _check(file: int) -> None:
    status = os.fstat(file)
    if not S_ISREG(status.st_mode):
        raise OSError(0, "Not a file")
    if status.st_size > _MOST_READ:
        raise OSError(0, "Too long for a history")


def _content(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as content:
        content.seek(0)
        return content.read(_MOST_READ)


def _append(file: int, lines: bytes) -> None:
    """Add lines, below one that was not written to its end."""
    if os.lseek(file, 0, os.SEEK_END):
        os.lseek(file, -1, os.SEEK_END)
        if os.read(file, 1) != b"\n":
            lines = b"\n" + lines
    os.write(file, lines)


def _replace(path: Path, entries: list[str]) -> None:
    """Write the whole file, or leave it unchanged."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".ollama-rx-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _is_same_file(file: int, path: Path) -> bool:
    """Return whether the open file is still at this path: another terminal may have replaced it."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
    _AT_ONCE = os.O_BINARY

    def _lock(file: int) -> None:
        """Do nothing: two terminals that start at the same moment may lose an entry."""

    def _make_private(file: int) -> None:
        """Do nothing: the user's folder is private."""

else:
    import fcntl

    _AT_ONCE = os.O_NONBLOCK | os.O_NOCTTY  # if the path is a pipe, do not wait for a writer

    def _lock(file: int) -> None:
        with suppress(OSError):  # some network folders have no locks
            fcntl.flock(file, fcntl.LOCK_EX)

    def _make_private(file: int) -> None:
        with suppress(OSError):  # of another user
            os.fchmod(file, 0o600)
