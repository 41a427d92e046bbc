"""The head of a GGUF file: what the model says of itself, without loading it.

Source: the GGUF specification, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

from ollama_rx.errors import EmbeddedModelError

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
    """What the head of a GGUF file says; arrays (the vocabulary) are passed over and are None."""

    metadata: dict[str, object]
    parameters: int

    @property
    def family(self) -> str:
        """The architecture, such as "llama"."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def quantization(self) -> str:
        """How the weights are stored, such as "Q4_1"."""
        return _FILE_TYPES.get(cast(int, self.metadata.get("general.file_type", -1)), "unknown")


def read_model_file(path: Path) -> ModelFile:
    """Read the head of a GGUF file.

    Raises:
        EmbeddedModelError: it is no GGUF file.
    """
    with path.open("rb") as file:
        try:
            return _read(file)
        except (struct.error, KeyError, ValueError) as error:
            raise EmbeddedModelError(f"{path} is no GGUF model") from error


def _read(file: BinaryIO) -> ModelFile:
    if file.read(4) != _MAGIC:
        raise ValueError
    _, tensors, pairs = struct.unpack("<IQQ", file.read(20))
    metadata = {_string(file): _value(file, _scalar(file, "I")) for _ in range(pairs)}
    return ModelFile(metadata, sum(_tensor(file) for _ in range(tensors)))


def _tensor(file: BinaryIO) -> int:
    _string(file)
    dimensions = [_scalar(file, "Q") for _ in range(_scalar(file, "I"))]
    file.seek(12, 1)  # its type and where it begins
    return prod(dimensions)


def _value(file: BinaryIO, kind: int) -> object:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        _pass_array(file)
        return None
    return _scalar(file, _SCALARS[kind])


def _pass_array(file: BinaryIO) -> None:
    kind, count = _scalar(file, "I"), _scalar(file, "Q")
    if kind in _SCALARS:
        file.seek(count * struct.calcsize(f"<{_SCALARS[kind]}"), 1)
        return
    for _ in range(count):
        if kind == _STRING:
            file.seek(_scalar(file, "Q"), 1)
        else:
            _pass_array(file)


def _scalar(file: BinaryIO, code: str) -> int:
    return cast(int, struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0])


def _string(file: BinaryIO) -> str:
    return file.read(_scalar(file, "Q")).decode("utf-8", "replace")
