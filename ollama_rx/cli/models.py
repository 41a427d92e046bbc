"""``ollama-rx models`` and ``ollama-rx embedded``: the server's models, the embedded model's weights."""

import sys

from ollama_rx.cli.choose_client import (
    embedded_client,
    fetch_with_progress,
    first_value,
    no_models,
    server_client,
)
from ollama_rx.cli.terminal import align_columns, echo, exit_on_error

_UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))  # bytes, name, decimals
_ALMOST = 0.9995  # so that nothing is rounded to 1000 of the next smaller unit


def print_models(host: str | None) -> None:
    """Write one line for each model: name, size, parameters, quantization."""
    with exit_on_error(), server_client(host) or embedded_client() as client:
        found = [model for model in first_value(client.models()) if model.name]
        if not found:
            echo(no_models(client.url))
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
    """Write a size; nothing for one that a server does not know or cannot mean."""
    for unit, name, decimals in _UNITS:
        if size_bytes >= _ALMOST * unit:
            return f"{size_bytes / unit:.{decimals}f} {name}"
    return f"{size_bytes} bytes" if size_bytes > 0 else ""


def print_weights() -> None:
    """Write the path of the embedded model's weights, fetching them first if needed."""
    with exit_on_error():
        echo(str(fetch_with_progress()), sys.stdout)
