"""Files that a user names: read up to a limit, and told apart by their first bytes."""

import os
import re
import stat
from pathlib import Path
from typing import BinaryIO, Final

_MEGABYTE = 2**20
MAX_TEXT: Final = 32 * _MEGABYTE  # several times what the largest context takes
MAX_IMAGE: Final = 128 * _MEGABYTE

# The formats that Ollama decodes, by their first bytes.
_IMAGE = re.compile(
    rb"\x89PNG\r\n\x1a\n | \xff\xd8\xff | RIFF.{4}WEBP | GIF8[79]a | BM.{4}\0{4}", re.DOTALL | re.VERBOSE
)
IMAGE_FORMATS: Final = "PNG, JPEG, WebP, GIF or BMP"


def is_image(content: bytes) -> bool:
    """Return whether the bytes begin as an image that Ollama decodes."""
    return _IMAGE.match(content) is not None


def read_file(path: str, *, most: int) -> bytes:
    """Return the content of a file, which may be a pipe or a device.

    Raises:
        ValueError: the file cannot be read, or is longer than ``most`` bytes.
    """
    if not path:
        raise ValueError("the name of the file is empty")
    try:
        with Path(path).open("rb") as file:
            return read_up_to(file, path, most=most)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error


def read_regular_file(path: Path, name: str, *, most: int) -> bytes:
    """Return the content of a file on a disk; never waits for a pipe or a device.

    Raises:
        ValueError: the file cannot be read, is longer than ``most`` bytes, or is a folder, pipe or device.
    """
    try:
        check_regular_file(path, name)
        with open(path, "rb", opener=_open_at_once) as file:
            return read_up_to(file, name, most=most)
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from error


def check_regular_file(path: Path, name: str) -> None:
    """Check that reading a file does not wait, nor goes on for ever.

    Raises:
        OSError: there is no such file, for instance.
        ValueError: it is a folder, pipe or device.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ValueError(f"{name} is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{name} is a pipe or a device, not a file")


def read_up_to(file: BinaryIO, name: str, *, most: int) -> bytes:
    """Return the rest of an open file.

    Raises:
        ValueError: that is longer than ``most`` bytes.
    """
    content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} is longer than {most // _MEGABYTE} MB")
    return content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # the file may just have become a pipe
