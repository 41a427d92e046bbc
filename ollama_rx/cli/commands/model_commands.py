"""Commands about the models of a server: models, ps, show."""

from typing import Annotated

import typer

from ollama_rx.cli.commands.shared_options import Host, Json, check_text
from ollama_rx.cli.completion import complete_model

ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        callback=check_text,
        autocompletion=complete_model,
        help="The model. Default: the server's first.",
    ),
]


def models(host: Host = None, *, json: Json = False) -> None:
    """List the server's models."""
    from ollama_rx.cli.models.models import print_models  # noqa: PLC0415 - keeps --help fast

    print_models(host, json=json)


def ps(host: Host = None, *, json: Json = False) -> None:
    """List the models in the server's memory, and until when they stay."""
    from ollama_rx.cli.models.ps import print_running  # noqa: PLC0415 - keeps --help fast

    print_running(host, json=json)


def show(
    model: ModelArgument = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Show the template, the system prompt and the license whole.")
    ] = False,
    host: Host = None,
    json: Json = False,
) -> None:
    """Show what a model is and can do: size, context, capabilities, options, template, license."""
    from ollama_rx.cli.models.show import print_model  # noqa: PLC0415 - keeps --help fast

    print_model(model, host, full=full, json=json)


def pull(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            callback=check_text,
            autocompletion=complete_model,
            help="The model, such as llama3.2.",
        ),
    ],
    *,
    host: Host = None,
    json: Json = False,
) -> None:
    """Let the server fetch a model from its library. After Ctrl-C, the next pull resumes."""
    from ollama_rx.cli.models.pull import pull_model  # noqa: PLC0415 - keeps --help fast

    pull_model(model, host, json=json)
