"""What the bus needs besides the core."""

import importlib
import importlib.util

import pytest

import ollama_rx.bus


def test_without_nats_py_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_: str) -> None: ...

    monkeypatch.setattr(importlib.util, "find_spec", find_nothing)

    with pytest.raises(ImportError, match=r'pip install "ollama-rx\[bus\]"'):
        importlib.reload(ollama_rx.bus)
