"""Operators on streams of chunks and text: ``from ollama_rx import operators as op``."""

from ollama_rx.operators.words import split_words

__all__ = ["split_words"]
