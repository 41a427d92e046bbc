"""Commands that serve: serve, worker, embedded."""

from typing import Annotated

import typer

from ollama_rx.cli.commands.shared_options import (
    AllowHost,
    ApiListen,
    Host,
    Port,
    check_text,
    check_texts,
)
from ollama_rx.cli.completion import complete_model

embedded = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


def serve(
    *,
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="The address to listen on. Any but this machine's own needs a token, which is generated if "
            "none is given; 0.0.0.0 is every address.",
        ),
    ] = "127.0.0.1",
    port: Port = 8000,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            callback=check_text,
            autocompletion=complete_model,
            help="The model that is selected at first.",
        ),
    ] = None,
    host: Host = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            callback=check_text,
            help="What the browser must know; it is part of the address that is printed. Other users of this "
            "machine can see it here, but not in the variable OLLAMA_RX_TOKEN.",
        ),
    ] = None,
    allow_host: AllowHost = None,
    open: Annotated[  # noqa: A002 - the option's name
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    no_voice: Annotated[bool, typer.Option("--no-voice", help="Turn the voice off.")] = False,
) -> None:
    """Serve a page to chat with a model; print its address. Ctrl-C ends it.

    Conversations are kept in the user's data folder, or in the one that OLLAMA_RX_DATA names. The server
    is chosen as for run.
    """
    from ollama_rx.cli.serve.serve import ServeCommand  # noqa: PLC0415 - keeps --help fast

    ServeCommand(
        listen=listen,
        port=port,
        model=model,
        host=host,
        token=token,
        allowed_hosts=tuple(allow_host or ()),
        opens_browser=open,
        voice=not no_voice,
    ).execute()


def worker(
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            callback=check_texts,
            help="An Ollama server that answers. Repeatable. Default: as for run.",
        ),
    ] = None,
    bus: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=check_text,
            help="The NATS server. Default: NATS_URL, else nats://127.0.0.1:4222.",
        ),
    ] = None,
    parallel: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="How many prompts are answered at the same time.")
    ] = 1,
    with_server: Annotated[
        bool,
        typer.Option("--with-server", help="Start a NATS server on this machine, for programs on it only."),
    ] = False,
) -> None:
    """Answer the prompts that other programs send over a NATS server, with the models of this machine.

    They use it with --host nats://... instead of an Ollama server. The first Ctrl-C or SIGTERM lets it finish
    what it has begun, the second one stops it at once.
    """
    from ollama_rx.cli.serve.worker import WorkerCommand  # noqa: PLC0415 - keeps --help fast

    WorkerCommand(hosts=tuple(host or ()), bus=bus, parallel=parallel, with_server=with_server).execute()


@embedded.callback()
def _fetch(context: typer.Context) -> None:
    """Fetch the embedded model's weights; print their path.

    With serve, also let other programs use the model.
    """
    if context.invoked_subcommand is None:
        from ollama_rx.cli.print_weights import print_weights  # noqa: PLC0415 - keeps --help fast

        print_weights()


@embedded.command("serve")
def _serve_embedded(
    *,
    listen: ApiListen = "127.0.0.1",
    port: Port = 11434,
    allow_host: AllowHost = None,
    any_name: Annotated[
        bool,
        typer.Option("--any-name", help="Answer to every model name, so that a program needs no change."),
    ] = False,
) -> None:
    """Serve Ollama's API with the embedded model; print the address. Ctrl-C ends it."""
    from ollama_rx.cli.serve.embedded_serve import EmbeddedServeCommand  # noqa: PLC0415 - keeps --help fast

    EmbeddedServeCommand(
        listen=listen, port=port, allowed_hosts=tuple(allow_host or ()), any_name=any_name
    ).execute()
