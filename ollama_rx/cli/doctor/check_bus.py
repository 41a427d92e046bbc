"""The bus, if a server of NATS is named."""

import os
from collections.abc import Iterator

from ollama_rx import Client, Timeouts
from ollama_rx.cli.choose_client import first_value, is_bus
from ollama_rx.cli.doctor.check_ollama import failure_words, models_finding
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.errors import OllamaError

TITLE = "Bus"
POSITION = 2

_LIMITS = Timeouts(connect=2.0, first_chunk=3.0, idle=3.0, total=4.0)


def check(target: Target) -> Iterator[Finding]:
    """Connect, and ask the workers for their models."""
    named = target.named if is_bus(target.named) else os.environ.get("NATS_URL", "")
    if not named:
        yield Finding(
            name="bus", status="ok", text="not used: neither --host nor OLLAMA_HOST nor NATS_URL names one"
        )
        return
    try:
        from ollama_rx.bus import jetstream  # noqa: PLC0415 - an extra

        client = Client(transport=jetstream(named), timeouts=_LIMITS)
    except ImportError:
        yield Finding(
            name="server",
            status="problem",
            text="a NATS server is named, but nats-py is missing",
            command='pip install "ollama-rx[bus]"',
        )
        return
    except ValueError as error:
        yield Finding(name="server", status="problem", text=str(error))
        return
    with client:
        try:
            names = [model.name for model in first_value(client.models()) if model.name]
        except OllamaError as error:
            yield Finding(
                name="server",
                status="problem",
                text=failure_words(client.url, error),
                fields={"url": client.url},
            )
            return
        yield Finding(name="server", status="ok", text=f"{client.url} answers", fields={"url": client.url})
        yield models_finding(client.url, names)
