r"""Names of files in a message: ``@notes.txt``, ``@"my notes.txt"``, ``@my\ notes.txt``."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Not inside of a word, such as an address of mail or of the web, nor after a backslash or a quote of code.
_AT = r"""(?<![A-Za-z0-9._%+@/\\"'`-])@"""
_QUOTED = r'"(?P<quoted>(?:[^"\\\n]|\\.)'
_BARE = r'(?P<bare>(?:[^\s\\"]|\\\S|\\ )'
_NAME = re.compile(rf'{_AT}(?:{_QUOTED}+)"|{_BARE}+))')
_UNFINISHED = re.compile(rf"{_AT}(?:{_QUOTED}*)|{_BARE}*))\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'[\\"]|\s')


@dataclass(frozen=True, slots=True)
class FileName:
    """A name of a file, as it stands in a message."""

    name: str
    is_quoted: bool
    begins_line: bool
    """Whether only spaces are before it in its line."""


def find_names(message: str) -> Iterator[FileName]:
    """Yield the names after ``@``; those that are not quoted may end with punctuation of the sentence."""
    for found in _NAME.finditer(message):
        is_quoted = found["quoted"] is not None
        line_begin = message.rfind("\n", 0, found.start()) + 1
        yield FileName(
            name=_plain(found["quoted"] if is_quoted else found["bare"]),
            is_quoted=is_quoted,
            begins_line=not message[line_begin : found.start()].strip(),
        )


def complete_name(before: str) -> tuple[int, list[str]] | None:
    """Return where the unfinished name before the cursor begins, and how it could go on; None without one."""
    found = _UNFINISHED.search(before)
    if found is None:
        return None
    is_quoted = found["quoted"] is not None
    paths = complete_path(_plain(found["quoted"] if is_quoted else found["bare"]))
    return found.start(), [f"@{_quote(path) if is_quoted else _escape(path)}" for path in paths]


def complete_path(begun: str) -> list[str]:
    """Return the paths that begin like this one; folders end with a slash.

    Hidden files are left out unless the name begins with a dot, and so are names that cannot be typed.
    """
    folder, name = begun[: begun.rfind("/") + 1], begun[begun.rfind("/") + 1 :]
    paths: list[str] = []
    with suppress(OSError, RuntimeError, ValueError), os.scandir(Path(folder or ".").expanduser()) as entries:
        for entry in entries:
            is_shown = name or entry.name[0] != "."
            if is_shown and entry.name.startswith(name) and entry.name.isprintable():
                paths.append(folder + entry.name + ("/" if _is_folder(entry) else ""))
    return sorted(paths)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a loop of links, for instance
        return entry.is_dir()
    return False


def _plain(name: str) -> str:
    return _ESCAPED.sub(r"\1", name)


def _quote(path: str) -> str:
    inner = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}' if path.endswith("/") else f'"{inner}"'


def _escape(path: str) -> str:
    return _TO_ESCAPE.sub(r"\\\g<0>", path)
