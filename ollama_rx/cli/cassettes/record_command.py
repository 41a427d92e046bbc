"""``ollama-rx record``: an address like Ollama's that records all that passes."""

from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ollama_rx.cli.cassettes.cassette_port import listen_for_cassette, serve_cassette
from ollama_rx.cli.cassettes.running_command import check_command
from ollama_rx.cli.cassettes.upstream import find_upstream
from ollama_rx.cli.output.counted import counted
from ollama_rx.cli.terminal import echo, exit_on_error
from ollama_rx.testing import record


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCommand:
    """The arguments of ``ollama-rx record``."""

    file: Path
    command: tuple[str, ...]
    host: str | None
    port: int | None
    texts: bool

    def execute(self) -> None:
        """Record until Ctrl-C or the end of the command; raises `typer.Exit`."""
        with exit_on_error():
            check_command(self.command)
            upstream = find_upstream(self.host, echo)
            with (
                listen_for_cassette(self.port, self.command) as listening,
                closing(record(self.file, upstream.transport, texts=self.texts)) as recording,
            ):
                try:
                    serve_cassette(
                        listening,
                        recording,
                        self.command,
                        url=upstream.url,
                        status=HTTPStatus.INSUFFICIENT_STORAGE,
                        note=f"{self.file} records",
                    )
                finally:
                    echo(f"ollama-rx: {self.file} has {counted(recording.exchange_count, 'exchange')}")
