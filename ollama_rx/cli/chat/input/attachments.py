"""Files and images that a message names with ``@``."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ollama_rx.cli.chat.input.file_names import FileName, find_names
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.user_files import IMAGE_FORMATS, MAX_IMAGE, MAX_TEXT, is_image, read_regular_file

_SUFFIXES: Final = """
bmp c cc cfg conf cpp cs css csv diff gif go h hpp html ini ipynb java jpeg jpg js json jsonl jsx kt log md
ndjson patch pdf php png py r rb rs rst scala sh sql srt svg swift tex toml ts tsv tsx txt webp xml yaml yml
"""
# A name with one of these suffixes means a file. Any other with a dot may be a person or a Python decorator.
_KNOWN: Final = frozenset(_SUFFIXES.split())
_DECORATOR = re.compile(r"\w+(\.\w+)+(\W|\Z)")
_BACKTICKS = re.compile("`+")


@dataclass(frozen=True, slots=True)
class Attachments:
    """A message with what it names."""

    text: str
    """The message as it was entered, and below it the text files."""
    images: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()
    """Lines for the user: what was attached, and which names are not files."""


def read_attachments(text: str) -> Attachments:
    r"""Read the files that a message names: ``@notes.txt``, ``@"my notes.txt"``, ``@~/my\ notes.txt``.

    Each text is put below the message, as a block of code with the file's name above it. Each file is
    attached once. Punctuation behind a name does not belong to it, unless there is such a file.

    An ``@`` inside a word, after a backslash or after a quote means no file. If there is no file of that
    name, ``@name`` is an error if it is meant as one: in a folder that exists, or with a suffix such as
    ``.txt``. Others are text: people (``@anna``), decorators (``@app.get("/")``), packages
    (``@types/node``).

    Raises:
        ValueError: a file is missing, cannot be read, is too long, is neither an image nor text in UTF-8, or
            is a folder, pipe or device; the message says which.
    """
    texts: dict[str, str] = {}
    images: dict[str, bytes] = {}
    notes: list[str] = []
    for name, path in _files(text, notes):
        content = read_regular_file(path, name, most=MAX_IMAGE)
        if is_image(content):
            images[name] = content
        else:
            texts[name] = _decode(name, content)
        notes.append(f"attached {name}")
    if sum(map(len, texts.values())) > MAX_TEXT:
        raise ValueError(f"the files are longer than {MAX_TEXT // 2**20} MB together")
    blocks = [text, *(_block(name, content) for name, content in texts.items())]
    return Attachments("\n\n".join(blocks), tuple(images.values()), tuple(notes))


def _files(text: str, notes: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield the printable name and the path of each file; add a note about each other name."""
    seen: set[str] = set()
    for found in find_names(text):
        name = _existing(found)
        if name is None:
            _judge_missing(found, notes)
        elif name not in seen:
            seen.add(name)
            yield printable(name), _path(name)


def _existing(found: FileName) -> str | None:
    """Return the name without the punctuation behind it, or None if there is no such file."""
    name = found.name
    while not _exists(name):
        is_punctuated = unicodedata.category(name[-1]).startswith("P") and name[:-1].strip("./")
        if found.is_quoted or not is_punctuated:
            return None
        name = name[:-1]
    return name


def _exists(name: str) -> bool:
    try:
        _path(name).stat()
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
        RuntimeError,
    ):  # of a name with a zero byte, of an unknown user
        return False
    except OSError as error:
        raise ValueError(f"{printable(name)}: {error.strerror}") from error
    return True


def _judge_missing(found: FileName, notes: list[str]) -> None:
    """Raise if the name is certainly meant as a file; add a note if it may be."""
    name = found.name if found.is_quoted else found.name.rstrip(".,;:!?)]}>'")
    folder, slash, last = name.rpartition("/")
    _, dot, suffix = last.rpartition(".")
    is_meant = (
        name.startswith(("./", "../", "~/"))
        or (slash and _exists(folder or "/"))
        or (dot and suffix.lower() in _KNOWN)
    )
    if is_meant:
        raise ValueError(f"{printable(name)}: no such file; write \\@ if none is meant")
    is_decorator = found.begins_line and _DECORATOR.match(name)
    if found.is_quoted or ((slash or dot) and not is_decorator):
        notes.append(f"@{printable(name)} is not the name of a file: sent as text")


def _path(name: str) -> Path:
    return Path(name).expanduser()


def _decode(name: str, content: bytes) -> str:
    try:
        if b"\0" not in content:
            if len(content) > MAX_TEXT:
                raise ValueError(f"{name} is longer than {MAX_TEXT // 2**20} MB")
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise ValueError(f"{name} is neither text in UTF-8 nor an image in {IMAGE_FORMATS}")


def _block(name: str, content: str) -> str:
    """Return the text between fences that are longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(content)), default=0))
    return f"{name}:\n{fence}\n{content.removesuffix(chr(10))}\n{fence}"
