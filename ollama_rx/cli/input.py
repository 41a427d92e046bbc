"""What a command reads before it asks the model: the prompt, images, a JSON schema."""

import re
import sys
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import orjson

from ollama_rx.cli.status_line import StatusLine

_MEGABYTE = 2**20
_MAX_TEXT = 32 * _MEGABYTE  # several times what the largest context takes
_MAX_IMAGE = 128 * _MEGABYTE

# The formats that Ollama decodes, by their first bytes.
_IMAGE = re.compile(
    rb"\x89PNG\r\n\x1a\n | \xff\xd8\xff | RIFF.{4}WEBP | GIF8[79]a | BM.{4}\0{4}", re.DOTALL | re.VERBOSE
)


def read_prompt(given: str | None, status: StatusLine) -> str:
    """Return the prompt, and below it what is piped in.

    Standard input is read if it is not a terminal, or if ``-`` is given. Bytes in it that are not UTF-8 are
    replaced, after a warning.

    Raises:
        ValueError: the prompt is missing or empty, or standard input is not text or too long.
    """
    parts = [] if given in {None, "-"} else [str(given)]
    is_typed = sys.stdin.isatty()
    if given == "-" or not is_typed:
        if not is_typed:
            status.show("reading standard input")
        parts.append(_decode(_read(sys.stdin.buffer, "standard input", most=_MAX_TEXT), status))
        status.erase()
    if not parts:
        raise ValueError("give a prompt, or pipe one in")
    prompt = "\n\n".join(part for part in parts if part.strip())
    if not prompt:
        raise ValueError(
            "the prompt is empty" if given not in {None, "-"} else "give a prompt: standard input is empty"
        )
    return prompt


def read_format(given: str | None) -> Literal["json"] | dict[str, Any] | None:
    """Return ``json``, or the JSON schema in a file.

    Raises:
        ValueError: the file cannot be read, or is not a JSON schema.
    """
    if given is None:
        return None
    if given == "json":
        return "json"
    try:
        schema: object = orjson.loads(_read_file(given, most=_MAX_TEXT))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{given} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ValueError(f"{given}: expected a JSON schema, which is an object, got {type(schema).__name__}")  # noqa: TRY004 - of a file
    return cast("dict[str, Any]", schema)


def read_image(path: str) -> bytes:
    """Return the bytes of an image.

    Raises:
        ValueError: the file cannot be read, or is not an image.
    """
    content = _read_file(path, most=_MAX_IMAGE)
    if not _IMAGE.match(content):
        raise ValueError(f"{path} is not an image in PNG, JPEG, WebP, GIF or BMP")
    return content


def _read_file(path: str, *, most: int) -> bytes:
    if not path:
        raise ValueError("the name of the file is empty")
    try:
        with Path(path).open("rb") as file:
            return _read(file, path, most=most)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error


def _read(file: BinaryIO, name: str, *, most: int) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} is longer than {most // _MEGABYTE} MB")
    return content


def _decode(content: bytes, status: StatusLine) -> str:
    if b"\0" in content:
        raise ValueError("standard input is not text; --image FILE sends an image")
    try:
        return content.decode()
    except UnicodeDecodeError:
        status.echo("the prompt is not UTF-8: bytes that cannot be read are replaced by \ufffd")
        return content.decode(errors="replace")
