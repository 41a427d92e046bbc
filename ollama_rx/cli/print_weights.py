"""``ollama-rx embedded``: the embedded model's weights."""

import sys

from ollama_rx.cli.choose_client import fetch_with_progress
from ollama_rx.cli.terminal import echo, exit_on_error


def print_weights() -> None:
    """Write the path of the embedded model's weights, fetching them first if needed."""
    with exit_on_error():
        echo(str(fetch_with_progress()), sys.stdout)
