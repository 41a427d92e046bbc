"""The model is described from its file."""

import hashlib
import struct
from pathlib import Path
from typing import cast

import pytest

from ollama_rx.embedded.catalog import SMOLLM2_NAME, list_models, model_name, show_model
from ollama_rx.embedded.weights import SMOLLM2


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A head that says: llama, F16, one tensor of three thousand million parameters."""
    path = tmp_path / "Tiny-3B.gguf"
    path.write_bytes(
        b"GGUF"
        + struct.pack("<IQQ", 3, 1, 3)
        + text("general.architecture")
        + struct.pack("<I", 8)
        + text("llama")
        + text("general.file_type")
        + struct.pack("<II", 4, 1)
        + text("tokenizer.chat_template")
        + struct.pack("<I", 8)
        + text("{{ x }}")
        + text("weights")
        + struct.pack("<IQQIQ", 2, 1000, 3_000_000, 0, 0)
    )
    return path


def test_a_model_of_the_users_own_is_listed_by_its_file(tiny: Path) -> None:
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


def test_a_model_shows_what_its_file_says(tiny: Path) -> None:
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
