"""Commands that measure and check: bench, doctor."""

from typing import Annotated

import typer

from ollama_rx.cli.commands.shared_options import Host, Json, Model, ModelOptions, check_text


def bench(
    prompt: Annotated[
        str | None,
        typer.Argument(
            metavar="PROMPT",
            callback=check_text,
            help="The prompt for all requests; - is standard input. Default: ten built-in prompts in turn.",
        ),
    ] = None,
    *,
    model: Model = None,
    requests: Annotated[
        int | None,
        typer.Option(
            "--requests",
            "-n",
            metavar="NUMBER",
            min=1,
            help="Requests at each level. Default: 10, or the number of streams if that is more.",
        ),
    ] = None,
    streams: Annotated[
        list[str] | None,
        typer.Option(
            "--streams",
            "-c",
            metavar="NUMBER",
            help="How many requests run at once; 1,2,4 measures three levels. Repeatable. Default: 1.",
        ),
    ] = None,
    warm_up: Annotated[bool, typer.Option(help="Load the model with a request that is not counted.")] = True,
    prompts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", callback=check_text, help="Use the lines of a file as prompts, in turn."
        ),
    ] = None,
    option: ModelOptions = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE.svg", callback=check_text, help="Also draw the figures."),
    ] = None,
    json: Json = False,
    host: Host = None,
) -> None:
    """Measure how fast a model answers, alone and with several streams at once.

    Prints the time to the first token, the time per further token, and tokens per second. Answers end
    after 128 tokens unless -o num_predict says otherwise. Ctrl-C prints what was measured so far. The server
    is chosen as for run.
    """
    from ollama_rx.cli.bench.bench_command import BenchCommand  # noqa: PLC0415 - keeps --help fast

    BenchCommand(
        prompt=prompt,
        prompts=prompts,
        model=model,
        host=host,
        requests=requests,
        streams=tuple(streams or ()),
        warm_up=warm_up,
        options=tuple(option or ()),
        json=json,
        plot=plot,
    ).execute()


def doctor(host: Host = None, *, json: Json = False) -> None:
    """Check the server, models, extras, voice and folders; say how to get what is missing.

    A missing optional part is not a failure. The exit code is 1 if nothing can answer a prompt.
    """
    from ollama_rx.cli.doctor.doctor import examine  # noqa: PLC0415 - keeps --help fast

    examine(host, json=json)
