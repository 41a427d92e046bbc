"""Operators on streams of chunks and text: ``from ollama_rx import operators as op``.

An operator's file is ``_`` and its name. It is loaded when the operator is first used. In the docstrings,
"on cancel" means: when the subscriber disposes before the end. Names with a capital are types of
what operators emit.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_rx.operators._accumulate_text import accumulate_text
    from ollama_rx.operators._buffer_tokens import buffer_tokens
    from ollama_rx.operators._capture_context import capture_context
    from ollama_rx.operators._capture_message import capture_message
    from ollama_rx.operators._gather_stats import gather_stats
    from ollama_rx.operators._join_text import join_text
    from ollama_rx.operators._map_async import map_async
    from ollama_rx.operators._markdown_blocks import markdown_blocks
    from ollama_rx.operators._parse_json import parse_json
    from ollama_rx.operators._retry_unstarted import retry_unstarted
    from ollama_rx.operators._smooth import smooth
    from ollama_rx.operators._speakable import Spoken, speakable
    from ollama_rx.operators._split_lines import split_lines
    from ollama_rx.operators._split_sentences import split_sentences
    from ollama_rx.operators._split_thinking import split_thinking
    from ollama_rx.operators._split_words import split_words
    from ollama_rx.operators._stop_at import stop_at
    from ollama_rx.operators._text import text
    from ollama_rx.operators._thinking import thinking
    from ollama_rx.operators._throttle_latest import throttle_latest
    from ollama_rx.operators._tool_calls import tool_calls
    from ollama_rx.operators._whole_answer import whole_answer

__all__ = [
    "Spoken",
    "accumulate_text",
    "buffer_tokens",
    "capture_context",
    "capture_message",
    "gather_stats",
    "join_text",
    "map_async",
    "markdown_blocks",
    "parse_json",
    "retry_unstarted",
    "smooth",
    "speakable",
    "split_lines",
    "split_sentences",
    "split_thinking",
    "split_words",
    "stop_at",
    "text",
    "thinking",
    "throttle_latest",
    "tool_calls",
    "whole_answer",
]

_FILES_OF_TYPES = {"Spoken": "_speakable"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'ollama_rx.operators' has no attribute {name!r}", name=name)
    file = _FILES_OF_TYPES.get(name, f"_{name}")
    public: object = getattr(import_module(f"ollama_rx.operators.{file}"), name)
    return globals().setdefault(name, public)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
