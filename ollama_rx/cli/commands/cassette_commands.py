"""Commands about cassettes: record, replay."""

from pathlib import Path
from typing import Annotated

import typer

from ollama_rx.cli.commands.shared_options import Host

_Command = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="COMMAND",
        help="After --: a command to run with OLLAMA_HOST set to the address. Its exit code is returned.",
    ),
]
_Port = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        min=0,
        max=65535,
        help="The port of this machine; 0 is any free one. Default: 11435, or a free one with a COMMAND.",
    ),
]


def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new cassette.")],
    command: _Command = None,
    *,
    host: Host = None,
    port: _Port = None,
    without_texts: Annotated[
        bool,
        typer.Option("--without-texts", help="Leave out prompts and answers: each letter becomes an x."),
    ] = False,
) -> None:
    """Serve Ollama's API in front of a server, and record every exchange in a cassette. Ctrl-C ends it.

    Headers, and so keys, are never recorded. The server is chosen as for run.
    """
    from ollama_rx.cli.cassettes.record_command import RecordCommand  # noqa: PLC0415 - keeps --help fast

    RecordCommand(
        file=file, command=tuple(command or ()), host=host, port=port, texts=not without_texts
    ).execute()


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The cassette.")],
    command: _Command = None,
    *,
    speed: Annotated[
        float | None,
        typer.Option(metavar="FACTOR", help="How fast it is played. Default: 1, the recorded pace."),
    ] = None,
    at_once: Annotated[bool, typer.Option("--at-once", help="Play it without pauses.")] = False,
    port: _Port = None,
) -> None:
    """Serve Ollama's API from a cassette. Ctrl-C ends it.

    A request gets the response recorded for an equal one; any other gets HTTP 501, which says what differs.
    """
    from ollama_rx.cli.cassettes.replay_command import ReplayCommand  # noqa: PLC0415 - keeps --help fast

    if at_once and speed is not None:
        raise typer.BadParameter("give a factor or --at-once, not both", param_hint="--speed")
    pace = 1.0 if speed is None else speed
    ReplayCommand(
        file=file, command=tuple(command or ()), speed=None if at_once else pace, port=port
    ).execute()
