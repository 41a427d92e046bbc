"""``ollama-rx models`` and ``ollama-rx embedded``: the server's models, the embedded model's weights."""

import sys

from ollama_rx.cli.choose_client import embedded_client, fetch_with_progress, first_value, server_client
from ollama_rx.cli.terminal import align_columns, echo, exit_on_error

_GIGABYTE, _MEGABYTE = 1e9, 1e6


def print_models(host: str | None) -> None:
    """Write one line for each model: name, size, parameters, quantization."""
    with exit_on_error(), server_client(host) or embedded_client() as client:
        found = first_value(client.models())
        if not found:
            echo(f"{client.url} has no models; `ollama pull llama3.2` fetches one")
            return
        rows = [
            (
                model.name,
                _size(model.size),
                str(model.details.get("parameter_size") or ""),
                str(model.details.get("quantization_level") or ""),
            )
            for model in found
        ]
        echo(align_columns(rows), sys.stdout)


def _size(size_bytes: int) -> str:
    if size_bytes >= _GIGABYTE:
        return f"{size_bytes / _GIGABYTE:.1f} GB"
    return f"{size_bytes / _MEGABYTE:.0f} MB"


def print_weights() -> None:
    """Write the path of the embedded model's weights, fetching them first if needed."""
    with exit_on_error():
        echo(str(fetch_with_progress()), sys.stdout)
