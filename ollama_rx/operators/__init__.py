"""Operators on streams of chunks and text: ``from ollama_rx import operators as op``.

from ollama_rx.operators._split_sentences import split_sentences
from ollama_rx.operators.buffers import buffer_tokens
from ollama_rx.operators.context import capture_context
from ollama_rx.operators.json_values import parse_json
from ollama_rx.operators.latest import latest_every
from ollama_rx.operators.lines import split_lines
from ollama_rx.operators.pace import smooth
from ollama_rx.operators.retries import retry_unstarted
from ollama_rx.operators.running import running_text
from ollama_rx.operators.speech import speakable
from ollama_rx.operators.statistics import gather_stats
from ollama_rx.operators.stop_words import stop_at
from ollama_rx.operators.text import chunk_text
from ollama_rx.operators.thinking import split_thinking
from ollama_rx.operators.thoughts import chunk_thinking
from ollama_rx.operators.tool_calls import tool_calls
from ollama_rx.operators.words import split_words

__all__ = [
    "accumulate_text",
    "buffer_tokens",
    "capture_context",
    "gather_stats",
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
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'ollama_rx.operators' has no attribute {name!r}", name=name)
    operator: object = getattr(import_module(f"ollama_rx.operators._{name}"), name)
    return globals().setdefault(name, operator)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
