"""What the web needs besides the core."""

import importlib
import sys

import pytest

import ollama_rx.web


def test_without_starlette_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)

    with pytest.raises(ImportError, match=r'pip install "ollama-rx\[web\]"'):
        importlib.reload(ollama_rx.web)
