"""The commands and their options; what they do is in the files of the same names."""

from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print prompts and answers
    rich_markup_mode=None,  # rich needs twice the time of everything else in --help
    help="Watch a language model's answer flow: from Ollama, or from a small model inside.",
    epilog="Exit codes: 0 done, 1 error, 2 wrong usage, 130 interrupted.",
)

Host = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The server; else OLLAMA_HOST, else http://127.0.0.1:11434."),
]


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

        try:
            typer.echo(f"ollama-rx {version('ollama-rx')}")
        except PackageNotFoundError:
            typer.echo("ollama-rx, not installed as a package")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Take the options that stand before the command."""


@app.command()
def run(
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="Without it, or for '-', standard input.")
    ] = None,
    *,
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="NAME", help="Else the server's first.")
    ] = None,
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The system prompt, instead of the model's own.")
    ] = None,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="One whole sentence per line, as soon as it is complete.")
    ] = False,
    stop: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="End the answer before this text; may be repeated."),
    ] = None,
    thinking: Annotated[
        bool, typer.Option("--thinking", help="Let the model think first, and show it on standard error.")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="The answer in figures, on standard error.")] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URI", help="Where the text goes, such as console or jsonl:FILE; may be repeated."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", metavar="KEY=VALUE", help="For the model: -o temperature=0 -o num_predict=50."
        ),
    ] = None,
    host: Host = None,
) -> None:
    """Ask a model and print its answer as it comes.

    Without --host, OLLAMA_HOST and a server, the small embedded model answers.
    """
    from ollama_rx.cli.run import Run  # noqa: PLC0415 - keeps --help fast

    Run(
        prompt=prompt,
        model=model,
        system=system,
        sentences=sentences,
        stop=tuple(stop or ()),
        thinking=thinking,
        stats=stats,
        to=tuple(to or ("console",)),
        options=tuple(option or ()),
        host=host,
    ).perform()


@app.command()
def models(host: Host = None) -> None:
    """List the models the server has."""
    from ollama_rx.cli.models import list_models  # noqa: PLC0415 - keeps --help fast

    list_models(host)


@app.command()
def embedded() -> None:
    """Fetch the embedded model's weights once; print where they are."""
    from ollama_rx.cli.embedded import fetch  # noqa: PLC0415 - keeps --help fast

    fetch()
