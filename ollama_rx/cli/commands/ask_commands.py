"""Commands that ask a model: run, speak."""

from typing import Annotated

import typer

from ollama_rx.cli.commands.shared_options import Host, Model, ModelOptions, Prompt, Stop, System, check_text


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


def speak(
    prompt: Prompt = None,
    *,
    model: Model = None,
    system: System = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|URL",
            callback=check_text,
            help="What speaks: hibari (the default), piper, espeak-ng, the URL of a server with OpenAI's "
            "/v1/audio/speech (its key is read from OLLAMA_RX_SPEECH_KEY; OpenAI's own from OPENAI_API_KEY), "
            "or tcp://HOST:PORT of a Wyoming server.",
        ),
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=check_text,
            help="A voice of the engine: a name, a language for espeak-ng, a file for piper.",
        ),
    ] = None,
    speech_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", callback=check_text, help="The speech model of an http server. Default: tts-1."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(metavar="FACTOR", help="How fast the voice speaks; 1 is its own pace.")
    ] = 1.0,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.wav",
            callback=check_text,
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
