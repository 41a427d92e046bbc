"""The program: what stands before a command, and the list of the commands."""

from typing import Annotated

import typer

from ollama_rx.cli.commands.ask_commands import chat, run, speak
from ollama_rx.cli.commands.cassette_commands import record, replay
from ollama_rx.cli.commands.check_commands import bench, doctor
from ollama_rx.cli.commands.model_commands import models, ps, pull, show
from ollama_rx.cli.commands.server_commands import embedded, serve, worker
from ollama_rx.cli.commands.shell_commands import completion
from ollama_rx.cli.usage import EXIT_USAGE, Commands

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,  # they would print prompts and answers
    rich_markup_mode=None,  # importing rich would take twice as long as the rest of --help
    help="Stream a language model's answer, from Ollama or from a small embedded model.",
    epilog="Exit codes: 0 success, 1 error, 2 usage error, 130 interrupted.",
)


def _show_version(requested: bool) -> None:  # noqa: FBT001 - the signature that typer expects
    if requested:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

        try:
            typer.echo(f"ollama-rx {version('ollama-rx')}")
        except PackageNotFoundError:
            typer.echo("ollama-rx, not installed as a package")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback handles it
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options before the command; without a command the help is shown."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(EXIT_USAGE)


_COMMANDS = (run, chat, speak, serve, worker, models, ps, show, pull, record, replay, bench, doctor)

for _command in _COMMANDS:  # as --help lists them
    app.command()(_command)
app.add_typer(embedded, name="embedded")
app.command()(completion)
