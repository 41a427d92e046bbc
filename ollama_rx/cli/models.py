"""``ollama-rx models``: what the server has."""

import sys

from ollama_rx.cli.endings import endings
from ollama_rx.cli.notes import columns, say
from ollama_rx.cli.server import embedded_client, fetched, server

_GIGABYTE, _MEGABYTE = 1e9, 1e6


def list_models(host: str | None) -> None:
    """Write one line for each model: name, size, parameters, quantisation."""
    with endings(), server(host) or embedded_client(None) as client:
        found = fetched(client.models())
        if not found:
            say(f"{client.url} has no models; `ollama pull llama3.2` fetches one")
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
        say(columns(rows), sys.stdout)


def _size(size_bytes: int) -> str:
    if size_bytes >= _GIGABYTE:
        return f"{size_bytes / _GIGABYTE:.1f} GB"
    return f"{size_bytes / _MEGABYTE:.0f} MB"
