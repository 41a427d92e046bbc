"""The commands and their options. Their code is elsewhere, imported when a command runs."""

from typing import Annotated

import typer

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


def _check_text(value: str | None) -> str | None:
    """Refuse bytes that are not UTF-8, which JSON cannot represent; typer names the option."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        shown = (value or "")[:40]
        raise typer.BadParameter(f"expected text in UTF-8, got other bytes: {shown!r}") from error
    return value


def _check_texts(values: list[str] | None) -> list[str]:
    for value in values or ():
        _check_text(value)
    return values or []  # typer 0.16 cannot take back None


Prompt = Annotated[
    str | None,
    typer.Argument(
        metavar="PROMPT",
        callback=_check_text,
        help="The prompt. Text that is piped in goes below it, or is the prompt if none is given.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME", callback=_check_text, help="The model. Default: the server's first."
    ),
]
System = Annotated[
    str | None,
    typer.Option(metavar="TEXT", callback=_check_text, help="Replace the model's system prompt."),
]
Stop = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", callback=_check_texts, help="End the answer before this text. Repeatable."),
]
ModelOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        callback=_check_texts,
        help="A model option: -o temperature=0 -o num_predict=50.",
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The server, or nats://... for a bus. Default: OLLAMA_HOST, else http://127.0.0.1:11434.",
    ),
]


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


@app.command()
def run(
    prompt: Prompt = None,
    *,
    model: Model = None,
    system: System = None,
    format: Annotated[  # noqa: A002 - the option's name
        str | None,
        typer.Option(metavar="json|FILE", help="Answer in JSON, or in JSON that fits the schema in a file."),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Show the model an image. Repeatable."),
    ] = None,
    sentences: Annotated[
        bool,
        typer.Option("--sentences", help="Print each sentence on its own line, as soon as it is complete."),
    ] = False,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Show the answer's Markdown on a terminal, with colours and tables."),
    ] = False,
    stop: Stop = None,
    thinking: Annotated[
        bool,
        typer.Option("--thinking", help="Let the model think first; show its thinking on standard error."),
    ] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Print statistics of the answer on standard error.")
    ] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URI",
            help="Send the text to a sink, such as console, jsonl:FILE or speech:FILE.wav. Repeatable.",
        ),
    ] = None,
    option: ModelOptions = None,
    host: Host = None,
) -> None:
    """Ask a model and print its answer as it arrives.

    If neither a model nor a server is named and this machine has no server, a small embedded model answers.
    """
    from ollama_rx.cli.question import Question  # noqa: PLC0415 - keeps --help fast
    from ollama_rx.cli.run import RunCommand  # noqa: PLC0415

    question = Question(
        prompt=prompt,
        model=model,
        system=system,
        format=format,
        images=tuple(image or ()),
        thinking=thinking,
        options=tuple(option or ()),
        host=host,
    )
    RunCommand(
        question=question,
        sentences=sentences,
        markdown=markdown,
        stop=tuple(stop or ()),
        stats=stats,
        to=tuple(to or ("console",)),
    ).execute()


@app.command()
def speak(
    prompt: Prompt = None,
    *,
    model: Model = None,
    system: System = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|URL",
            callback=_check_text,
            help="What speaks: hibari (the default), piper, espeak-ng, the URL of a server with OpenAI's "
            "/v1/audio/speech (its key is read from OLLAMA_RX_SPEECH_KEY; OpenAI's own from OPENAI_API_KEY), "
            "or tcp://HOST:PORT of a Wyoming server.",
        ),
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=_check_text,
            help="A voice of the engine: a name, a language for espeak-ng, a file for piper.",
        ),
    ] = None,
    speech_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", callback=_check_text, help="The speech model of an http server. Default: tts-1."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(metavar="FACTOR", help="How fast the voice speaks; 1 is its own pace.")
    ] = 1.0,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.wav",
            callback=_check_text,
            help="Write a WAV file; - is standard output. Default: the loudspeaker; a new file without one.",
        ),
    ] = None,
    stop: Stop = None,
    option: ModelOptions = None,
    host: Host = None,
) -> None:
    """Ask a model and speak its answer; print the words as they are spoken, and figures at the end.

    The figures are on standard error. Who answers is chosen as for run.
    """
    from ollama_rx.cli.choose_voice import VoiceOptions  # noqa: PLC0415 - keeps --help fast
    from ollama_rx.cli.question import Question  # noqa: PLC0415
    from ollama_rx.cli.speak import SpeakCommand  # noqa: PLC0415

    SpeakCommand(
        question=Question(prompt=prompt, model=model, system=system, options=tuple(option or ()), host=host),
        voice=VoiceOptions(engine=engine, voice=voice, speed=speed, model=speech_model),
        out=out,
        stop=tuple(stop or ()),
    ).execute()


@app.command()
def serve(
    *,
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="The address to listen on. Others than this machine's own need a token, which is made up if "
            "none is given; 0.0.0.0 is every address.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="The port; 0 is any free one.")
    ] = 8000,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="NAME", callback=_check_text, help="The model that is chosen at first."
        ),
    ] = None,
    host: Host = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            callback=_check_text,
            help="What the browser must know; it is part of the address that is printed. Other users of this "
            "machine can see it here, but not in the variable OLLAMA_RX_TOKEN.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=_check_texts,
            help="Another name of this server, as of a proxy. Repeatable.",
        ),
    ] = None,
    open: Annotated[  # noqa: A002 - the option's name
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    no_voice: Annotated[bool, typer.Option("--no-voice", help="Offer no voice.")] = False,
) -> None:
    """Serve a page for chats with a model; print its address. Ctrl-C ends it.

    Conversations are kept in the user's folder for data, or in that which OLLAMA_RX_DATA names. Who answers
    is chosen as for run.
    """
    from ollama_rx.cli.serve import ServeCommand  # noqa: PLC0415 - keeps --help fast

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


@app.command()
def worker(
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            callback=_check_texts,
            help="A server of Ollama that answers. Repeatable. Default: as for run.",
        ),
    ] = None,
    bus: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=_check_text,
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

    They use it with --host nats://... in the place of a server of Ollama. The first Ctrl-C or SIGTERM lets it
    finish what it has begun, the second one stops it at once.
    """
    from ollama_rx.cli.worker import WorkerCommand  # noqa: PLC0415 - keeps --help fast

    WorkerCommand(hosts=tuple(host or ()), bus=bus, parallel=parallel, with_server=with_server).execute()


@app.command()
def models(host: Host = None) -> None:
    """List the server's models."""
    from ollama_rx.cli.models import print_models  # noqa: PLC0415 - keeps --help fast

    print_models(host)


@app.command()
def embedded() -> None:
    """Fetch the embedded model's weights; print their path."""
    from ollama_rx.cli.models import print_weights  # noqa: PLC0415 - keeps --help fast

    print_weights()
