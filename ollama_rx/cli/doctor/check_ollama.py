"""The server of Ollama that would be asked: whether it answers, its models, and what is in its memory."""

import shutil
from collections.abc import Iterator
from time import perf_counter

import typer

from ollama_rx import Client, Timeouts
from ollama_rx.cli.choose_client import any_client, first_value, is_bus
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.models.ps import describe_running
from ollama_rx.errors import OllamaError, TimedOutError, UnreachableError

TITLE = "Ollama"
POSITION = 1

_LIMITS = Timeouts(connect=2.0, first_chunk=3.0, idle=3.0, total=4.0)


def check(target: Target) -> Iterator[Finding]:
    """Ask for the version, the models, and the models in memory."""
    if is_bus(target.named):
        return  # which has a check of its own
    try:
        client = any_client(target.host, timeouts=_LIMITS)
    except typer.BadParameter as error:
        yield Finding(name="server", status="problem", text=f"OLLAMA_HOST: {error}")
        return
    with client:
        try:
            yield from _ask(client)
        except OllamaError as error:
            yield _failure(client.url, error, is_named=bool(target.named))


def _ask(client: Client) -> Iterator[Finding]:
    first_value(client.version())  # the first request also opens the connection
    began = perf_counter()
    version = first_value(client.version())
    latency = perf_counter() - began
    yield Finding(
        name="server",
        status="ok",
        text=f"{client.url} answers in {1000 * latency:.0f} ms: Ollama {version or 'without a version'}",
        fields={"url": client.url, "version": version, "latency_seconds": round(latency, 4)},
    )
    names = [model.name for model in first_value(client.models()) if model.name]
    yield models_finding(client.url, names)
    running = [model for model in first_value(client.running()) if model.name]
    for model in running:
        yield Finding(
            name="in memory", status="ok", text=describe_running(model), fields={"model": model.raw}
        )
    if not running:
        yield Finding(name="in memory", status="ok", text="no model; a model is loaded when it is first used")


def models_finding(url: str, names: list[str]) -> Finding:
    """Say how many models a server, or the workers on a bus, have."""
    if not names:
        command = f"ollama-rx worker --bus {url}" if is_bus(url) else "ollama-rx pull llama3.2"
        return Finding(name="models", status="missing", text="none", command=command, fields={"models": []})
    shown = ", ".join(names[:3]) + (", ..." if names[3:] else "")
    return Finding(
        name="models", status="ok", text=f"{len(names)}: {shown}", can_answer=True, fields={"models": names}
    )


def failure_words(url: str, error: OllamaError) -> str:
    """Say what is wrong; the own words of a timeout are for programmers."""
    if isinstance(error, TimedOutError):
        return f"{url} does not answer within {error.seconds:g} s"
    return str(error)


def _failure(url: str, error: OllamaError, *, is_named: bool) -> Finding:
    fields = {"url": url}
    text = failure_words(url, error).partition("; is `")[
        0
    ]  # the question whether it runs is answered by what follows
    if is_named or not isinstance(error, UnreachableError):
        return Finding(name="server", status="problem", text=text, fields=fields)
    if shutil.which("ollama"):
        return Finding(name="server", status="missing", text=text, command="ollama serve", fields=fields)
    text += "; https://ollama.com/download has Ollama"
    return Finding(name="server", status="missing", text=text, fields=fields)
