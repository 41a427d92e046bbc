"""Information about the embedded model, read from the header of its GGUF file: `tags`, `show`, `ps`.

Source: the GGUF specification, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import os
import struct
import time
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

from ollama_rx.embedded.engine import CONTEXT_TOKENS
from ollama_rx.embedded.model_cache import find_model
from ollama_rx.embedded.reply_lines import timestamp
from ollama_rx.embedded.weights import MODEL_VARIABLE, SMOLLM2, find_weights, sha256_of
from ollama_rx.errors import EmbeddedModelError

SMOLLM2_NAME = "smollm2:135m-instruct-q4_1"  # the name of the same model in Ollama's library
_NEVER_SECONDS = 292 * 365 * 86400  # what Ollama reports for a model that is never unloaded
_NANOSECONDS_PER_SECOND = 1_000_000_000
_MILLION, _BILLION = 1e6, 1e9
_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_SCALARS: dict[int, str] = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
# The names of `general.file_type`, from llama.cpp's enum llama_ftype.
_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    32: "BF16",
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The header of a GGUF file; arrays (such as the vocabulary) are skipped, their values are None."""

    metadata: dict[str, object]
    parameters: int

    @property
    def family(self) -> str:
        """The architecture, such as "llama"."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def quantization(self) -> str:
        """The format of the weights, such as "Q4_1"."""
        return _FILE_TYPES.get(cast(int, self.metadata.get("general.file_type", -1)), "unknown")


def read_model_file(path: Path) -> ModelFile:
    """Read the header of a GGUF file.

    Raises:
        EmbeddedModelError: the file is not a GGUF file.
    """
    with path.open("rb") as file:
        try:
            return _read_header(file)
        except (struct.error, KeyError, ValueError) as error:
            raise EmbeddedModelError(f"{path} is not a GGUF model") from error


def _read_header(file: BinaryIO) -> ModelFile:
    if file.read(4) != _MAGIC:
        raise ValueError
    _, tensors, pairs = struct.unpack("<IQQ", file.read(20))
    metadata = {_read_string(file): _read_value(file, _read_scalar(file, "I")) for _ in range(pairs)}
    return ModelFile(metadata, sum(_tensor_size(file) for _ in range(tensors)))


def _tensor_size(file: BinaryIO) -> int:
    _read_string(file)
    dimensions = [_read_scalar(file, "Q") for _ in range(_read_scalar(file, "I"))]
    file.seek(12, 1)  # the type and the offset of its data
    return prod(dimensions)


def _read_value(file: BinaryIO, kind: int) -> object:
    if kind == _STRING:
        return _read_string(file)
    if kind == _ARRAY:
        _skip_array(file)
        return None
    return _read_scalar(file, _SCALARS[kind])


def _skip_array(file: BinaryIO) -> None:
    kind, count = _read_scalar(file, "I"), _read_scalar(file, "Q")
    if kind in _SCALARS:
        file.seek(count * struct.calcsize(f"<{_SCALARS[kind]}"), 1)
        return
    for _ in range(count):
        if kind == _STRING:
            file.seek(_read_scalar(file, "Q"), 1)
        else:
            _skip_array(file)


def _read_scalar(file: BinaryIO, code: str) -> int:
    return cast(int, struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0])


def _read_string(file: BinaryIO) -> str:
    return file.read(_read_scalar(file, "Q")).decode("utf-8", "replace")


def model_name(weights: Path | None) -> str:
    """Return the model's name: the one in Ollama's library, or the file name of the user's own weights."""
    own = str(weights or "") or os.environ.get(MODEL_VARIABLE)
    if not own or Path(own).name == SMOLLM2.file_name:
        return SMOLLM2_NAME
    return f"{Path(own).stem.lower()}:latest"


def model_parameters(name: str) -> dict[str, object]:
    """Return the model's own default options.

    SmolLM2's makers sample at a low temperature: at Ollama's default of 0.8 so small a model becomes
    incoherent. At a low temperature it repeats itself endlessly unless repetition is penalised.
    Source: https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
    """
    return {"temperature": 0.2, "repeat_penalty": 1.1} if name == SMOLLM2_NAME else {}


def list_models(weights: Path | None) -> dict[str, object]:
    """Build the reply to ``/api/tags``: the model, if its weights are on this machine."""
    path = weights or find_weights()
    return {"models": [] if path is None else [_entry(path, weights) | {"modified_at": _modified_at(path)}]}


def list_running(weights: Path | None) -> dict[str, object]:
    """Build the reply to ``/api/ps``: the model, if it is in memory."""
    path = weights or find_weights()
    loaded = find_model(path) if path is not None else None
    if path is None or loaded is None or not loaded.in_memory:
        return {"models": []}
    expires_at = loaded.expires_at or time.time() + _NEVER_SECONDS
    state = {
        "expires_at": timestamp(int(expires_at * _NANOSECONDS_PER_SECOND)),
        "size_vram": 0,
        "context_length": CONTEXT_TOKENS,
    }
    return {"models": [_entry(path, weights) | state]}


def show_model(path: Path, name: str) -> dict[str, object]:
    """Build the reply to ``/api/show`` from the header of the file."""
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
        "modified_at": _modified_at(path),
    }


def _entry(path: Path, weights: Path | None) -> dict[str, object]:
    name, size = model_name(weights), path.stat().st_size
    details = _details(read_model_file(path))
    return {"name": name, "model": name, "size": size, "digest": sha256_of(path), "details": details}


def _details(file: ModelFile) -> dict[str, object]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": file.family,
        "families": [file.family],
        "parameter_size": _parameter_size(file.parameters),
        "quantization_level": file.quantization,
    }


def _parameter_size(count: int) -> str:
    return f"{count / _BILLION:.2f}B" if count >= _BILLION else f"{count / _MILLION:.2f}M"


def _modified_at(path: Path) -> str:
    return timestamp(path.stat().st_mtime_ns)
