"""Who answers: the server that was named, the one on this machine, or the embedded model."""

import os
from typing import TypeVar

from reactivex import Observable

from ollama_rx import Client, Timeouts, UnreachableError, deliver
from ollama_rx.cli.endings import usage
from ollama_rx.cli.notes import say
from ollama_rx.errors import OllamaError
from ollama_rx.sinks import Collector

T = TypeVar("T")

_PROBE = Timeouts(connect=2.0, first_chunk=10.0)


class NoModelError(OllamaError):
    """Nobody named a model and the server has none that talks."""


def fetched(stream: Observable[T]) -> T:
    """Wait for the one item of a stream; Ctrl-C closes the request."""
    found = Collector[T]()
    deliver(stream, found).wait()
    return found.items[0]


def server(host: str | None) -> Client | None:
    """Return the client of a server; None if nobody named one and there is none on this machine.

    A server that was named, by ``--host`` or OLLAMA_HOST, is not tried: the request itself tells.
    """
    with usage("--host" if host is not None else "OLLAMA_HOST"):
        client = Client(host)
    if host is not None or os.environ.get("OLLAMA_HOST", "").strip():
        return client
    with Client(timeouts=_PROBE) as probe:
        try:
            fetched(probe.version())
        except UnreachableError:
            return None
    return client


def embedded_client(model: str | None) -> Client:
    """Return a client of the embedded model, fetching its weights first; says so in one line.

    Raises:
        EmbeddedModelError: it is not installed or its weights can't be had.
    """
    from ollama_rx.cli.embedded import fetch_with_bar  # noqa: PLC0415
    from ollama_rx.embedded import EmbeddedModelError, embedded, find_weights  # noqa: PLC0415 - an extra

    url = Client().url
    try:
        transport = embedded(show_progress=False)
    except EmbeddedModelError as error:
        raise EmbeddedModelError(
            f"no Ollama at {url} (`ollama serve` starts one), and no embedded model: {error}"
        ) from error
    instead = f" instead of {model}" if model else ""
    first = "" if find_weights() else ", after fetching it once (93 MB)"
    say(f"no Ollama at {url}: the small embedded model answers{instead}{first}")
    fetch_with_bar()
    return Client(transport=transport)


def talking_model(client: Client) -> str:
    """Return the server's first model that can answer; models for embeddings can't.

    Raises:
        NoModelError: there is none.
    """
    for model in fetched(client.models()):
        capabilities = fetched(client.show(model.name)).capabilities
        if not capabilities or "completion" in capabilities:  # older servers don't tell
            return model.name
    raise NoModelError(f"{client.url} has no model that can answer; `ollama pull llama3.2` fetches one")
