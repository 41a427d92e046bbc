"""The model is described from the header of its file."""

import hashlib
import struct
from pathlib import Path
from typing import cast

import pytest

from ollama_rx.embedded.model_info import SMOLLM2_NAME, list_models, model_name, read_model_file, show_model
from ollama_rx.embedded.weights import SMOLLM2
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


def header(pairs: list[bytes], tensors: list[bytes]) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs + tensors)


def test_metadata_is_read_and_arrays_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(header(PAIRS, TENSORS))
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


def test_a_model_without_metadata_has_no_family(tmp_path: Path) -> None:
    path = tmp_path / "bare.gguf"
    path.write_bytes(header([], []))
    file = read_model_file(path)
    assert (file.family, file.quantization, file.parameters) == ("", "unknown", 0)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", header(PAIRS, TENSORS)[:60], header([pair("x", 99, b"")], [])]
)
def test_any_other_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(EmbeddedModelError, match=r"other\.gguf is not a GGUF model"):
        read_model_file(path)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Write a header: llama, F16, one tensor of three thousand million parameters."""
    path = tmp_path / "Tiny-3B.gguf"
    pairs = [
        pair("general.architecture", 8, text("llama")),
        pair("general.file_type", 4, struct.pack("<I", 1)),
        pair("tokenizer.chat_template", 8, text("{{ x }}")),
    ]
    path.write_bytes(header(pairs, [text("weights") + struct.pack("<IQQIQ", 2, 1000, 3_000_000, 0, 0)]))
    return path


def test_the_users_own_model_is_listed_under_its_file_name(tiny: Path) -> None:
    (entry,) = cast("list[dict[str, object]]", list_models(tiny)["models"])
    assert entry["name"] == entry["model"] == "tiny-3b:latest"
    assert entry["digest"] == hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert entry["size"] == tiny.stat().st_size
    assert entry["details"] == {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "3.00B",
        "quantization_level": "F16",
    }


def test_a_model_shows_the_metadata_of_its_file(tiny: Path) -> None:
    shown = show_model(tiny, "tiny-3b:latest")
    assert shown["template"] == "{{ x }}"
    assert shown["model_info"] == {
        "general.architecture": "llama",
        "general.file_type": 1,
        "general.parameter_count": 3_000_000_000,
    }
    assert shown["parameters"] == ""
    parameters = str(show_model(tiny, SMOLLM2_NAME)["parameters"])
    assert [line.split() for line in parameters.splitlines()] == [
        ["temperature", "0.2"],
        ["repeat_penalty", "1.1"],
    ]
    assert shown["modelfile"] == f"FROM {tiny}\n"


def test_a_model_has_the_name_of_its_file_or_its_name_in_ollamas_library(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)
    assert model_name(None) == model_name(Path("/cache") / SMOLLM2.file_name) == SMOLLM2_NAME
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(tiny))
    assert model_name(None) == "tiny-3b:latest"
