"""Commands that ask a model: run, chat, speak."""

from typing import Annotated

import typer

from ollama_rx.cli.commands.shared_options import (
    Engine,
    Host,
    Model,
    ModelOptions,
    Prompt,
    SpeechModel,
    Speed,
    Stop,
    System,
    VoiceName,
    check_text,
)


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
    from ollama_rx.cli.ask.question import Question  # noqa: PLC0415 - keeps --help fast
    from ollama_rx.cli.ask.run import RunCommand  # noqa: PLC0415

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


def chat(
    *,
    model: Model = None,
    system: System = None,
    think: Annotated[
        bool,
        typer.Option(
            "--think", "--thinking", help="Let the model think first; show its thinking above the answer."
        ),
    ] = False,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Print answers as the model writes them, without formatting their Markdown."
        ),
    ] = False,
    load: Annotated[
        str | None, typer.Option(metavar="FILE", help="Continue a conversation that /save has written.")
    ] = None,
    voice: Annotated[
        bool, typer.Option("--voice", help="Speak the answers; any key interrupts the voice.")
    ] = False,
    engine: Engine = None,
    voice_name: VoiceName = None,
    speech_model: SpeechModel = None,
    speed: Speed = 1.0,
    option: ModelOptions = None,
    host: Host = None,
) -> None:
    """Chat with a model in the terminal; it remembers the conversation. /help lists the commands.

    Ctrl-C stops an answer, Ctrl-D ends the chat. Lines that are piped in are answered one after another.
    The server is chosen as for run.
    """
    from ollama_rx.cli.ask.choose_voice import VoiceOptions  # noqa: PLC0415
    from ollama_rx.cli.chat.chat import ChatCommand  # noqa: PLC0415 - keeps --help fast

    options = VoiceOptions(engine=engine, voice=voice_name, speed=speed, model=speech_model)
    speaks = voice or options != VoiceOptions(engine=None, voice=None, speed=1.0, model=None)
    ChatCommand(
        model=model,
        system=system,
        host=host,
        options=tuple(option or ()),
        thinking=think,
        plain=plain,
        load=load,
        voice=options if speaks else None,
    ).execute()


def speak(
    prompt: Prompt = None,
    *,
    model: Model = None,
    system: System = None,
    engine: Engine = None,
    voice: VoiceName = None,
    speech_model: SpeechModel = None,
    speed: Speed = 1.0,
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

    The figures are on standard error. The server is chosen as for run.
    """
    from ollama_rx.cli.ask.choose_voice import VoiceOptions  # noqa: PLC0415 - keeps --help fast
    from ollama_rx.cli.ask.question import Question  # noqa: PLC0415
    from ollama_rx.cli.ask.speak import SpeakCommand  # noqa: PLC0415

    SpeakCommand(
        question=Question(prompt=prompt, model=model, system=system, options=tuple(option or ()), host=host),
        voice=VoiceOptions(engine=engine, voice=voice, speed=speed, model=speech_model),
        out=out,
        stop=tuple(stop or ()),
    ).execute()
