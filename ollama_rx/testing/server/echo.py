"""The fake server without a script: repeat the prompt, and answer the other endpoints of /api plausibly."""

import hashlib
import math
import re
from collections.abc import Iterator
from typing import cast

from ollama_rx.testing.server.answer import answer, loaded, progress
from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.reply import Reply, error_status, json_reply, text_reply


def echo(request: Request) -> Reply:
    """Return the reply to a request without a script."""
    methods = _METHODS.get(request.path)
    if methods is None:
        return text_reply("404 page not found", status=404)
    if request.method not in methods:
        return text_reply("405 method not allowed", status=405)
    if request.method in ("GET", "HEAD"):
        return _reply_to_get(request.path)
    problem = _problem(request)
    return _reply_to_post(request) if problem is None else error_status(400, problem)


def _problem(request: Request) -> str | None:
    """Return what Ollama says about a body that it cannot read."""
    if not request.json:
        return "invalid character in request body" if request.body else "missing request body"
    stream = request.json.get("stream")
    if not isinstance(stream, bool | None):
        struct = f"{request.path.rpartition('/')[2].title()}Request"
        kind = _GO_KINDS[type(stream)]
        return f"json: cannot unmarshal {kind} into Go struct field {struct}.stream of type bool"
    return None


_GO_KINDS: dict[type, str] = {str: "string", int: "number", float: "number", list: "array", dict: "object"}

_METHODS = {
    "/": ("GET", "HEAD"),
    "/api/version": ("GET", "HEAD"),
    "/api/tags": ("GET", "HEAD"),
    "/api/ps": ("GET",),
    "/api/copy": ("POST",),
    "/api/delete": ("DELETE",),
} | dict.fromkeys(
    [
        f"/api/{name}"
        for name in ("generate", "chat", "show", "embed", "embeddings", "pull", "push", "create")
    ],
    ("POST",),
)


def _reply_to_post(request: Request) -> Reply:
    match request.path:
        case "/api/generate" | "/api/chat":
            return _repeat_prompt(request)
        case "/api/embed":
            return _embeddings(request)
        case "/api/embeddings":
            prompt = str(request.json.get("prompt") or "")
            return json_reply({"embedding": list(_vector(prompt, _DIMENSIONS)) if prompt else []})
        case "/api/show":
            return json_reply(_MODEL_INFO)
        case "/api/copy" | "/api/delete":
            return text_reply("")
        case _:
            return progress(*_PROGRESS[request.path])


def _repeat_prompt(request: Request) -> Reply:
    """Stream the prompt, or the last message, word by word, up to `num_predict`; extend the context."""
    chat = request.path == "/api/chat"
    prompt = _last_message(request) if chat else request.json.get("prompt", "")
    if not request.json.get("model"):
        return error_status(400, "model is required") if chat else error_status(404)
    if not prompt:
        return loaded("unload" if request.json.get("keep_alive") == 0 else "load")
    is_raw = request.json.get("raw") is True  # then Ollama sends no context
    words = re.findall(r"\s*\S+|\s+$", str(prompt))
    limit = _as_object(request.json.get("options")).get("num_predict")
    sent = words[:limit] if isinstance(limit, int) and limit >= 0 else words
    context = [*_as_list(request.json.get("context")), *map(len, words)]
    return answer(
        *sent,
        context=None if is_raw else [number for number in context if isinstance(number, int)],
        done_reason="length" if len(sent) < len(words) else "stop",
    )


_VERSION = "0.33.0"
_DIMENSIONS = 8
_MODEL = "echo:latest"
_DIGEST = "e0" * 32
_SIZE = 1_000_000_000
_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "echo",
    "families": ["echo"],
    "parameter_size": "1B",
    "quantization_level": "Q4_0",
}


def _reply_to_get(path: str) -> Reply:
    model = {"name": _MODEL, "model": _MODEL, "size": _SIZE, "digest": _DIGEST, "details": _DETAILS}
    match path:
        case "/api/version":
            return json_reply({"version": _VERSION})
        case "/api/tags":
            return json_reply({"models": [{**model, "modified_at": "2026-01-02T03:04:05.123456789Z"}]})
        case "/api/ps":
            running = {"expires_at": "2318-01-02T03:04:05Z", "size_vram": _SIZE, "context_length": 4096}
            return json_reply({"models": [{**model, **running}]})
        case _:
            return text_reply("Ollama is running")


def _layer(status: str, completed: int | None = None) -> dict[str, object]:
    layer: dict[str, object] = {"status": status, "digest": f"sha256:{_DIGEST}", "total": _SIZE}
    return layer if completed is None else {**layer, "completed": completed}


_PULLING = f"pulling {_DIGEST[:12]}"
_PUSHING = f"pushing {_DIGEST[:12]}"
_PROGRESS: dict[str, list[str | dict[str, object]]] = {
    "/api/pull": [
        "pulling manifest",
        _layer(_PULLING),
        _layer(_PULLING, _SIZE // 2),
        _layer(_PULLING, _SIZE),
        "verifying sha256 digest",
        "writing manifest",
    ],
    "/api/push": ["retrieving manifest", _layer(_PUSHING), _layer(_PUSHING, _SIZE), "pushing manifest"],
    "/api/create": [f"using existing layer sha256:{_DIGEST}", "writing manifest"],
}

_MODEL_INFO = {
    "license": "MIT",
    "modelfile": "FROM echo",
    "parameters": "temperature 0",
    "template": "{{ .Prompt }}",
    "details": _DETAILS,
    "model_info": {"general.architecture": "echo", "echo.context_length": 4096},
    "capabilities": ["completion"],
    "modified_at": "2026-01-02T03:04:05.123456789Z",
}


def _embeddings(request: Request) -> Reply:
    """Return one vector for each text, always the same for the same text."""
    texts = _as_texts(request.json.get("input"))
    if texts is None:
        return error_status(400, "invalid input type")
    dimensions = request.json.get("dimensions")
    size = dimensions if isinstance(dimensions, int) and dimensions > 0 else _DIMENSIONS
    value = {
        "model": request.json.get("model", ""),
        "embeddings": [list(_vector(text, size)) for text in texts],
        "total_duration": 1_000_000,
        "load_duration": 500_000,
        "prompt_eval_count": sum(len(text.split()) for text in texts),
    }
    return json_reply(value)


def _as_texts(value: object) -> list[str] | None:
    """Return the texts to embed, none for an empty text; None if the value holds anything but texts."""
    if value is None or isinstance(value, str):
        return [value] if value else []
    texts = [text for text in _as_list(value) if isinstance(text, str)]
    return texts if texts == value else None


def _vector(text: str, size: int) -> Iterator[float]:
    """Yield a vector of length 1 that depends on the text and nothing else."""
    raw = hashlib.shake_256(text.encode()).digest(size)
    values = [byte - 127.5 for byte in raw]
    length = math.sqrt(sum(value * value for value in values))
    return (value / length for value in values)


def _last_message(request: Request) -> object:
    messages = _as_list(request.json.get("messages"))
    return _as_object(messages[-1]).get("content", "") if messages else ""


def _as_object(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _as_list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []
