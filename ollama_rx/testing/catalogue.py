"""What the fake server has to show besides answers: models, versions, vectors, progress."""

import hashlib
import math
from collections.abc import Iterator
from typing import cast

from ollama_rx.testing.record import Request
from ollama_rx.testing.reply import Reply, json_reply, text_reply

VERSION = "0.33.0"
MODEL = "echo:latest"
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


def look_up(path: str) -> Reply:
    """Answer what is asked with GET."""
    model = {"name": MODEL, "model": MODEL, "size": _SIZE, "digest": _DIGEST, "details": _DETAILS}
    match path:
        case "/api/version":
            return json_reply({"version": VERSION})
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
PROGRESS: dict[str, list[str | dict[str, object]]] = {
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

SHOWN = {
    "license": "MIT",
    "modelfile": "FROM echo",
    "parameters": "temperature 0",
    "template": "{{ .Prompt }}",
    "details": _DETAILS,
    "model_info": {"general.architecture": "echo", "echo.context_length": 4096},
    "capabilities": ["completion"],
    "modified_at": "2026-01-02T03:04:05.123456789Z",
}


def embeddings(request: Request) -> Reply:
    """Answer embed: one vector for each text, always the same for the same text."""
    given = request.json.get("input", "")
    texts = [given] if isinstance(given, str) else [str(text) for text in cast(list[object], given)]
    wanted = request.json.get("dimensions")
    size = wanted if isinstance(wanted, int) and wanted > 0 else 8
    value = {
        "model": request.json.get("model", ""),
        "embeddings": [list(_vector(text, size)) for text in texts],
        "total_duration": 1_000_000,
        "load_duration": 500_000,
        "prompt_eval_count": sum(len(text.split()) for text in texts),
    }
    return json_reply(value)


def _vector(text: str, size: int) -> Iterator[float]:
    """Make a vector of length 1 that depends on the text and nothing else."""
    raw = hashlib.shake_256(text.encode()).digest(size)
    values = [byte - 127.5 for byte in raw]
    length = math.sqrt(sum(value * value for value in values))
    return (value / length for value in values)
