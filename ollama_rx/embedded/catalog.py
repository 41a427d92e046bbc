"""What the embedded model says of itself: `tags`, `show`, `ps`."""

import hashlib
import os
import time
from functools import lru_cache
from pathlib import Path

from ollama_rx.embedded.engine import CONTEXT_TOKENS
from ollama_rx.embedded.gguf import ModelFile, read_model_file
from ollama_rx.embedded.replies import timestamp
from ollama_rx.embedded.residence import find_residence
from ollama_rx.embedded.weights import MODEL_VARIABLE, SMOLLM2, find_weights

SMOLLM2_NAME = "smollm2:135m-instruct-q4_1"  # the name of the same model in Ollama's library
_FOR_EVER_SECONDS = 292 * 365 * 86400  # what Ollama says for a model that stays
_NANOSECONDS = 1_000_000_000
_MILLION, _BILLION = 1e6, 1e9


def model_name(weights: Path | None) -> str:
    """Name the model as Ollama would: a file of the user's own by its file name."""
    own = str(weights or "") or os.environ.get(MODEL_VARIABLE)
    if not own or Path(own).name == SMOLLM2.file_name:
        return SMOLLM2_NAME
    return f"{Path(own).stem.lower()}:latest"


def model_parameters(name: str) -> dict[str, object]:
    """Return the options a model has unless a request says otherwise.

    SmolLM2's makers sample at a low temperature: at Ollama's general 0.8 a model this small loses the thread.
    At a low one it repeats itself without end unless repeating costs something.
    Source: https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
    """
    return {"temperature": 0.2, "repeat_penalty": 1.1} if name == SMOLLM2_NAME else {}


def list_models(weights: Path | None) -> dict[str, object]:
    """Answer ``/api/tags``: the model, once its weights are on this machine."""
    path = weights or find_weights()
    return {"models": [] if path is None else [_entry(path, weights) | {"modified_at": _modified(path)}]}


def list_running(weights: Path | None) -> dict[str, object]:
    """Answer ``/api/ps``: the model if it is in memory."""
    path = weights or find_weights()
    residence = find_residence(path) if path is not None else None
    if path is None or residence is None or not residence.loaded:
        return {"models": []}
    until = residence.until or time.time() + _FOR_EVER_SECONDS
    state = {
        "expires_at": timestamp(int(until * _NANOSECONDS)),
        "size_vram": 0,
        "context_length": CONTEXT_TOKENS,
    }
    return {"models": [_entry(path, weights) | state]}


def show_model(path: Path, name: str) -> dict[str, object]:
    """Answer ``/api/show``, from the head of the file."""
    file = read_model_file(path)
    template = file.metadata.get("tokenizer.chat_template", "")
    return {
        "license": file.metadata.get("general.license", ""),
        "modelfile": f"FROM {path}\n",
        "parameters": "\n".join(f"{key:30} {value}" for key, value in model_parameters(name).items()),
        "template": template,
        "details": _details(file),
        "model_info": {
            **{name: value for name, value in file.metadata.items() if name != "tokenizer.chat_template"},
            "general.parameter_count": file.parameters,
        },
        "capabilities": ["completion"],
        "modified_at": _modified(path),
    }


def _entry(path: Path, weights: Path | None) -> dict[str, object]:
    name, size = model_name(weights), path.stat().st_size
    details = _details(read_model_file(path))
    return {"name": name, "model": name, "size": size, "digest": _digest(path, size), "details": details}


def _details(file: ModelFile) -> dict[str, object]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": file.family,
        "families": [file.family],
        "parameter_size": _human(file.parameters),
        "quantization_level": file.quantization,
    }


def _human(count: int) -> str:
    return f"{count / _BILLION:.2f}B" if count >= _BILLION else f"{count / _MILLION:.2f}M"


def _modified(path: Path) -> str:
    return timestamp(path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _digest(path: Path, size: int) -> str:
    if path.name == SMOLLM2.file_name and size == SMOLLM2.bytes:
        return SMOLLM2.sha256  # checked when it was fetched
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
