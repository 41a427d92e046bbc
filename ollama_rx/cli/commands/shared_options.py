"""Options that several commands have."""

from typing import Annotated

import typer

from ollama_rx.cli.completion import complete_model


def check_text(value: str | None) -> str | None:
    """Refuse bytes that are not UTF-8, which JSON cannot represent; typer names the option."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        shown = (value or "")[:40]
        raise typer.BadParameter(f"expected text in UTF-8, got other bytes: {shown!r}") from error
    return value


def check_texts(values: list[str] | None) -> list[str]:
    """Refuse bytes that are not UTF-8 in any of the values."""
    for value in values or ():
        check_text(value)
    return values or []  # typer 0.16 cannot take back None


Prompt = Annotated[
    str | None,
    typer.Argument(
        metavar="PROMPT",
        callback=check_text,
        help="The prompt. Text that is piped in goes below it, or is the prompt if none is given.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        callback=check_text,
        autocompletion=complete_model,
        help="The model. Default: the server's first.",
    ),
]
System = Annotated[
    str | None,
    typer.Option(metavar="TEXT", callback=check_text, help="Replace the model's system prompt."),
]
Stop = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", callback=check_texts, help="End the answer before this text. Repeatable."),
]
ModelOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        callback=check_texts,
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
Port = Annotated[int, typer.Option(metavar="NUMBER", min=0, max=65535, help="The port; 0 is any free one.")]
ApiListen = Annotated[
    str,
    typer.Option(
        "--listen",
        metavar="ADDRESS",
        help="The address to listen on. Everybody who reaches it can use the server, which has no password; "
        "0.0.0.0 is every address.",
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        callback=check_texts,
        help="Another name of this server, such as the name of a proxy. Repeatable.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Engine = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|URL",
        callback=check_text,
        help="What speaks: hibari (the default), piper, espeak-ng, the URL of a server with OpenAI's "
        "/v1/audio/speech (its key is read from OLLAMA_RX_SPEECH_KEY; OpenAI's own from OPENAI_API_KEY), "
        "or tcp://HOST:PORT of a Wyoming server.",
    ),
]
VoiceName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=check_text,
        help="A voice of the engine: a name, a language for espeak-ng, a file for piper.",
    ),
]
SpeechModel = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", callback=check_text, help="The speech model of an http server. Default: tts-1."
    ),
]
Speed = Annotated[float, typer.Option(metavar="FACTOR", help="How fast the voice speaks; 1 is its own pace.")]
