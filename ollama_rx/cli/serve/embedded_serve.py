"""``ollama-rx embedded serve``: the embedded model on a port, for any client of Ollama."""

import sys
from contextlib import closing
from dataclasses import dataclass

import typer

from ollama_rx.cli.choose_client import fetch_with_progress
from ollama_rx.cli.serve.api_server import api_server
from ollama_rx.cli.serve.port_server import address_of, listen
from ollama_rx.cli.terminal import EXIT_INTERRUPTED, echo, exit_on_error
from ollama_rx.embedded import embedded
from ollama_rx.embedded.model_info import read_model_file


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServeCommand:
    """The arguments of ``ollama-rx embedded serve``."""

    listen: str
    port: int
    allowed_hosts: tuple[str, ...]
    any_name: bool

    def execute(self) -> None:
        """Serve until Ctrl-C or SIGTERM; raises `typer.Exit` on failure."""
        with (
            exit_on_error(),
            closing(embedded(any_name=self.any_name, show_progress=False)) as transport,
            listen(self.listen, self.port) as listening,
        ):
            read_model_file(fetch_with_progress())  # an error now, instead of as each answer
            url = address_of(self.listen, listening)

            def tell() -> None:
                echo(url, sys.stdout)
                name = transport.default_model
                echo(f"{name} answers any Ollama client that has OLLAMA_HOST={url}; Ctrl-C ends it")

            server = api_server(transport, self.listen, on_start=tell, host_names=self.allowed_hosts)
            server.run(sockets=[listening])
            if server.was_interrupted:
                raise typer.Exit(EXIT_INTERRUPTED)
