"""Request bodies, parsed as strictly as Ollama parses them and rejected with Ollama's error texts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import orjson

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.model_options import read_format, read_keep_alive, read_options
from ollama_rx.embedded.same_model import LIBRARY

_MAX_TOP_LOGPROBS = 20
_MAX_TOKEN = 2**31 - 1  # llama.cpp's token ids have 32 bits, and it silently drops larger ones
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\r\n]")
_THINK_LEVELS = ("high", "medium", "low", "max")
_GO_TYPES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "int",
    list: "[]api.Message",
    dict: "map[string]interface {}",
}
_JSON_NAMES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}

Turn = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """A checked request to generate or chat, in the engine's terms.

    ``action`` is set if there is no prompt: the request then only loads or unloads the model.
    """

    kind: Literal["generate", "chat"]
    messages: Sequence[Turn]
    raw_prompt: str | None = None
    context: Sequence[int] | None = None
    action: Literal["load", "unload"] | None
    stream: bool
    keep_alive: float | None
    truncate: bool
    top_logprobs: int | None
    settings: dict[str, object]


def read_generate(body: bytes, model: str, parameters: Mapping[str, object]) -> ParsedRequest:
    """Parse the body of ``POST /api/generate``; ``parameters`` are the model's own defaults."""
    fields = RequestFields(parse_object(body, "GenerateRequest"), "GenerateRequest")
    prompt, system = fields.text("prompt"), fields.text("system")
    context, raw = fields.integers("context"), fields.boolean("raw", default=False)
    if not all(0 <= token <= _MAX_TOKEN for token in context or ()):
        raise ApiError(400, "Prompt contains invalid tokens")
    template = fields.text("template")
    if raw and (template or system or context):
        raise ApiError(400, "raw mode does not support template, system, or context")
    if template:
        raise ApiError(400, "the embedded model does not support `template`: it uses the one in its file")
    if fields.text("suffix"):
        raise _unsupported(model, "insert")
    _reject_images(fields, model)
    turns: list[Turn] = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": prompt})
    raw_prompt = prompt if raw else None
    request = _parsed(fields, model, "generate", turns, parameters, empty=not prompt)
    return replace(request, raw_prompt=raw_prompt, context=context)


def read_chat(body: bytes, model: str, parameters: Mapping[str, object]) -> ParsedRequest:
    """Parse the body of ``POST /api/chat``; ``parameters`` are the model's own defaults."""
    fields = RequestFields(parse_object(body, "ChatRequest"), "ChatRequest")
    if fields.array("tools"):
        raise _unsupported(model, "tools")
    turns = [_turn(fields, message, model) for message in fields.array("messages") or ()]
    return _parsed(fields, model, "chat", turns, parameters, empty=not turns)


def read_model(body: bytes, struct: str) -> str:
    """Read the model's name from any request; older clients send it as `name`."""
    fields = RequestFields(parse_object(body, struct), struct)
    return fields.text("model") or fields.text("name")


def read_pull(body: bytes) -> tuple[str, bool]:
    """Read the name of the model to pull and whether the progress is streamed."""
    fields = RequestFields(parse_object(body, "PullRequest"), "PullRequest")
    return fields.text("model") or fields.text("name"), fields.boolean("stream", default=True)


def read_source(body: bytes) -> str:
    """Read the name of the model to copy."""
    return RequestFields(parse_object(body, "CopyRequest"), "CopyRequest").text("source")


def read_embed(body: bytes) -> tuple[str, bool]:
    """Read the name of the model of ``/api/embed``, and whether there is anything to embed."""
    fields = RequestFields(parse_object(body, "EmbedRequest"), "EmbedRequest")
    given = fields.raw("input")
    is_given = given not in (None, "", [])
    texts = cast("list[object]", given) if isinstance(given, list) else [given]
    if is_given and not all(isinstance(text, str) for text in texts):
        raise ApiError(400, "invalid input type")
    return fields.text("model"), is_given


def read_embeddings(body: bytes) -> tuple[str, bool]:
    """Read the name of the model of ``/api/embeddings``, and whether there is anything to embed."""
    fields = RequestFields(parse_object(body, "EmbeddingRequest"), "EmbeddingRequest")
    return fields.text("model"), bool(fields.text("prompt"))


def _turn(fields: "RequestFields", message: object, model: str) -> Turn:
    if not isinstance(message, dict):
        raise fields.type_error("messages", message, "api.Message")
    parts = RequestFields(cast("dict[str, object]", message), "ChatRequest.messages")
    _reject_images(parts, model)
    return {"role": parts.text("role").lower(), "content": parts.text("content")}


def _reject_images(fields: "RequestFields", model: str) -> None:
    images = fields.array("images")
    for image in images or ():
        wrong = _NOT_BASE64.search(image) if isinstance(image, str) else None
        if wrong is not None:
            raise ApiError(400, f"illegal base64 data at input byte {wrong.start()}")
    if images:
        raise _unsupported(model, "vision")


def _unsupported(model: str, capability: str) -> ApiError:
    """Build Ollama's error for what a model cannot do, with the model's whole name as Ollama writes it."""
    return ApiError(400, f"{LIBRARY}{model} does not support {capability}")


def _parsed(
    fields: "RequestFields",
    model: str,
    kind: Literal["generate", "chat"],
    turns: Sequence[Turn],
    parameters: Mapping[str, object],
    *,
    empty: bool,
) -> ParsedRequest:
    _check_think(fields.raw("think"), model)
    keep_alive = read_keep_alive(fields.raw("keep_alive"))
    return ParsedRequest(
        kind=kind,
        messages=turns,
        action=("unload" if keep_alive == 0 else "load") if empty else None,
        stream=fields.boolean("stream", default=True),
        keep_alive=keep_alive,
        truncate=fields.boolean("truncate", default=True),
        top_logprobs=_top_logprobs(fields),
        settings=read_options(fields.mapping("options"), parameters) | read_format(fields.raw("format")),
    )


def _check_think(think: object, model: str) -> None:
    if think in (None, False):
        return
    if think is not True and think not in _THINK_LEVELS:
        raise ApiError(
            400, f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)'
        )
    raise ApiError(400, f'"{model}" does not support thinking')


def _top_logprobs(fields: "RequestFields") -> int | None:
    top = fields.integer("top_logprobs")
    if not 0 <= top <= _MAX_TOP_LOGPROBS:
        raise ApiError(400, "top_logprobs must be between 0 and 20")
    return top if fields.boolean("logprobs", default=False) else None


def parse_object(body: bytes, struct: str) -> dict[str, object]:
    """Parse a request body that must be a JSON object; ``struct`` is the name of Ollama's Go type for it."""
    if not body.strip():
        raise ApiError(400, "missing request body")
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = body.decode("utf-8", "replace")
        if error.pos >= len(text.rstrip()):
            raise ApiError(400, "unexpected EOF") from error
        shown = text[error.pos]
        raise ApiError(400, f"invalid character '{shown}' looking for beginning of value") from error
    if not isinstance(value, dict):
        raise ApiError(
            400, f"json: cannot unmarshal {_JSON_NAMES[type(value)]} into Go value of type api.{struct}"
        )
    return cast("dict[str, object]", value)


class RequestFields:
    """Typed access to the fields of one JSON object; a null field counts as absent."""

    def __init__(self, values: Mapping[str, object], struct: str) -> None:
        self._values = values
        self._struct = struct

    def raw(self, name: str) -> object:
        """Return a field unchecked."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a string, by default empty."""
        return cast(str, self._typed(name, str) or "")

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._typed(name, bool)
        return default if value is None else cast(bool, value)

    def integer(self, name: str) -> int:
        """Return an integer, by default 0."""
        return cast(int, self._typed(name, int) or 0)

    def mapping(self, name: str) -> dict[str, object]:
        """Return an object, by default empty."""
        return cast("dict[str, object]", self._typed(name, dict) or {})

    def array(self, name: str) -> list[object] | None:
        """Return an array, or None."""
        return cast("list[object] | None", self._typed(name, list))

    def integers(self, name: str) -> list[int] | None:
        """Return an array of integers, or None."""
        values = self.array(name)
        for value in values or ():
            if type(value) is not int:
                raise self.type_error(name, value, "int")
        return cast("list[int] | None", values)

    def type_error(self, name: str, value: object, go_type: str) -> ApiError:
        """Build the error for a value of the wrong type."""
        return ApiError(
            400,
            f"json: cannot unmarshal {_JSON_NAMES[type(value)]} into Go struct field "
            f"{self._struct}.{name} of type {go_type}",
        )

    def _typed(self, name: str, kind: type) -> object:
        value = self._values.get(name)
        if value is not None and type(value) is not kind:
            raise self.type_error(name, value, _GO_TYPES[kind])
        return value
