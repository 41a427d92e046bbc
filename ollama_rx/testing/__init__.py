"""Test pipelines without a model: a scripted server, and diagrams in virtual time."""

from ollama_rx.testing.chunking import (
    all_at_once,
    blank_lines,
    byte_by_byte,
    crlf,
    cut_at,
    inside_characters,
    inside_escapes,
    line_by_line,
    lines_per_write,
    pieces_of,
    without_last_newline,
)
from ollama_rx.testing.cuttings import check_any_cutting, cuttings, rechunk
from ollama_rx.testing.fake import FakeOllama
from ollama_rx.testing.marbles import check
from ollama_rx.testing.parts import (
    endless,
    line,
    midstream_error,
    piece,
    raw,
    thinking,
    tool_call,
    tool_calls,
)
from ollama_rx.testing.record import Exchange, Request
from ollama_rx.testing.recordings import recording
from ollama_rx.testing.reply import Reply, error_status, json_reply, text_reply
from ollama_rx.testing.script import answer, loaded, progress
from ollama_rx.testing.steps import Gate, cut, pause

__all__ = [
    "Exchange",
    "FakeOllama",
    "Gate",
    "Reply",
    "Request",
    "all_at_once",
    "answer",
    "blank_lines",
    "byte_by_byte",
    "check",
    "check_any_cutting",
    "crlf",
    "cut",
    "cut_at",
    "cuttings",
    "endless",
    "error_status",
    "inside_characters",
    "inside_escapes",
    "json_reply",
    "line",
    "line_by_line",
    "lines_per_write",
    "loaded",
    "midstream_error",
    "pause",
    "piece",
    "pieces_of",
    "progress",
    "raw",
    "rechunk",
    "recording",
    "text_reply",
    "thinking",
    "tool_call",
    "tool_calls",
    "without_last_newline",
]
