"""``ollama-rx models``: the models on the server's disk."""

import sys

from ollama_rx.cli.choose_client import LOOK_UP, embedded_client, first_value, no_models, server_client
from ollama_rx.cli.output.json_output import print_json
from ollama_rx.cli.output.layout import align_columns
from ollama_rx.cli.output.sizes import format_size
from ollama_rx.cli.terminal import echo, exit_on_error


def print_models(host: str | None, *, json: bool) -> None:
    """Write one line for each model: name, size, parameters, quantization; or all as JSON."""
    with exit_on_error(), server_client(host, timeouts=LOOK_UP) or embedded_client() as client:
        found = [model for model in first_value(client.models()) if model.name]
        if json:
            print_json({"models": [model.raw for model in found]})
        if not found:
            echo(no_models(client.url))
        elif not json:
            rows = [
                (
                    model.name,
                    format_size(model.size),
                    str(model.details.get("parameter_size") or ""),
                    str(model.details.get("quantization_level") or ""),
                )
                for model in found
            ]
            echo(align_columns(rows), sys.stdout)
