"""``ollama-rx replay``: an address like Ollama's that answers from a cassette."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ollama_rx.cli.cassettes.cassette_port import listen_for_cassette, serve_cassette
from ollama_rx.cli.cassettes.running_command import check_command
from ollama_rx.cli.terminal import exit_on_error, usage_error
from ollama_rx.testing import replay

_RECORDED = "http://recorded.server"  # in messages about a stream that broke


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCommand:
    """The arguments of ``ollama-rx replay``."""

    file: Path
    command: tuple[str, ...]
    speed: float | None
    port: int | None

    def execute(self) -> None:
        """Replay until Ctrl-C or the end of the command; raises `typer.Exit`."""
        with exit_on_error():
            check_command(self.command)
            with usage_error("--speed", argument="speed"):
                transport = replay(self.file, self.speed)
            with listen_for_cassette(self.port, self.command) as listening:
                serve_cassette(
                    listening,
                    transport,
                    self.command,
                    url=_RECORDED,
                    status=HTTPStatus.NOT_IMPLEMENTED,
                    note=f"{self.file} answers",
                )
