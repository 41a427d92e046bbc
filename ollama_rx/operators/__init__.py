"""Operators on streams of chunks and text: ``from ollama_rx import operators as op``."""

from ollama_rx.operators.buffers import buffer_tokens
from ollama_rx.operators.context import capture_context
from ollama_rx.operators.json_values import parse_json
from ollama_rx.operators.latest import latest_every
from ollama_rx.operators.lines import split_lines
from ollama_rx.operators.pace import smooth
from ollama_rx.operators.retries import retry_unstarted
from ollama_rx.operators.running import running_text
from ollama_rx.operators.sentences import split_sentences
from ollama_rx.operators.speech import speakable
from ollama_rx.operators.statistics import gather_stats
from ollama_rx.operators.stop_words import stop_at
from ollama_rx.operators.text import chunk_text
from ollama_rx.operators.thinking import split_thinking
from ollama_rx.operators.thoughts import chunk_thinking
from ollama_rx.operators.tool_calls import tool_calls
from ollama_rx.operators.words import split_words

__all__ = [
    "buffer_tokens",
    "capture_context",
    "chunk_text",
    "chunk_thinking",
    "gather_stats",
    "latest_every",
    "parse_json",
    "retry_unstarted",
    "running_text",
    "smooth",
    "speakable",
    "split_lines",
    "split_sentences",
    "split_thinking",
    "split_words",
    "stop_at",
    "tool_calls",
]
