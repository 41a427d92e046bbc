"""``ollama-rx embedded``: the weights of the embedded model."""

import sys
from pathlib import Path

from ollama_rx.cli.endings import endings
from ollama_rx.cli.notes import say


def fetch() -> None:
    """Fetch the weights unless they are there; write where they are to standard output."""
    with endings():
        say(str(fetch_with_bar()), sys.stdout)


def fetch_with_bar() -> Path:
    """Return the path of the weights, fetching them first if needed; standard error shows the progress."""
    from ollama_rx.embedded import fetch_weights  # noqa: PLC0415 - an extra
    from ollama_rx.embedded.progress_bar import progress_bar  # noqa: PLC0415

    with progress_bar("fetching SmolLM2-135M-Instruct") as report:
        return fetch_weights(report)
