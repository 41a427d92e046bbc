"""The head of a model file says what the model is."""

import struct
from pathlib import Path

import pytest

from ollama_rx.embedded.gguf import read_model_file
from ollama_rx.errors import EmbeddedModelError


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(name: str, kind: int, packed: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + packed


PAIRS = [
    pair("general.architecture", 8, text("llama")),
    pair("general.file_type", 4, struct.pack("<I", 15)),
    pair("numbers", 9, struct.pack("<IQ3h", 3, 3, 1, 2, 3)),
    pair("words", 9, struct.pack("<IQ", 8, 2) + text("a") + text("bc")),
    pair("nested", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ2B", 0, 2, 7, 8)),
    pair("flag", 7, b"\x01"),
    pair("big", 10, struct.pack("<Q", 2**40)),
    pair("rate", 12, struct.pack("<d", 0.25)),
]
TENSORS = [
    text("a") + struct.pack("<IQQIQ", 2, 10, 20, 0, 0),
    text("b") + struct.pack("<IQIQ", 1, 5, 0, 0),
]


def head(pairs: list[bytes], tensors: list[bytes]) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs + tensors)


def test_metadata_is_read_and_arrays_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(head(PAIRS, TENSORS))
    file = read_model_file(path)
    assert file.metadata == {
        "general.architecture": "llama",
        "general.file_type": 15,
        "numbers": None,
        "words": None,
        "nested": None,
        "flag": True,
        "big": 2**40,
        "rate": 0.25,
    }
    assert (file.family, file.quantization, file.parameters) == ("llama", "Q4_K_M", 205)


def test_a_model_that_says_nothing_of_itself_has_no_family(tmp_path: Path) -> None:
    path = tmp_path / "mute.gguf"
    path.write_bytes(head([], []))
    file = read_model_file(path)
    assert (file.family, file.quantization, file.parameters) == ("", "unknown", 0)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", head(PAIRS, TENSORS)[:60], head([pair("x", 99, b"")], [])]
)
def test_any_other_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(EmbeddedModelError, match=r"other\.gguf is no GGUF model"):
        read_model_file(path)
