"""Split a text given one character at a time, so that every rule has to wait for more text."""

from typing import Any

from ollama_rx.operators import split_sentences
from tests.operators.text_pieces import cut, run


def split(text: str, language: str | None = None, **options: Any) -> list[str]:
    return run(split_sentences(language, **options), cut(text, 1))
