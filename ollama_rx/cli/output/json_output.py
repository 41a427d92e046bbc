"""What a command prints with ``--json``: JSON on standard output, one object a line, and nothing else there.

A field has Ollama's name where Ollama has one; any other name is in snake_case and ends with its unit, as in
``latency_seconds`` and ``free_bytes``.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress

from ollama_rx.sinks import JsonLines, StopSink


def json_lines() -> JsonLines:
    """Return the sink for objects that a command prints one after another."""
    return JsonLines(sys.stdout.buffer)


def print_json(value: Mapping[str, object]) -> None:
    """Print one object on a line of its own; a closed pipe is ignored."""
    with suppress(StopSink), json_lines() as lines:
        lines.on_next(value)
