"""What a command reads before it asks the model: the prompt, images, a JSON schema."""

import sys
from typing import Any, Literal, cast

import orjson

from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.user_files import IMAGE_FORMATS, MAX_IMAGE, MAX_TEXT, is_image, read_file, read_up_to


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
        parts.append(_decode(read_up_to(sys.stdin.buffer, "standard input", most=MAX_TEXT), status))
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
        schema: object = orjson.loads(read_file(given, most=MAX_TEXT))
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
    content = read_file(path, most=MAX_IMAGE)
    if not is_image(content):
        raise ValueError(f"{path} is not an image in {IMAGE_FORMATS}")
    return content


def _decode(content: bytes, status: StatusLine) -> str:
    if b"\0" in content:
        raise ValueError("standard input is not text; --image FILE sends an image")
    try:
        return content.decode()
    except UnicodeDecodeError:
        status.echo("the prompt is not UTF-8: bytes that cannot be read are replaced by \ufffd")
        return content.decode(errors="replace")
