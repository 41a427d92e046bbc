"""Choose the client: the named server, else one on this machine, else the embedded model."""

import os
from pathlib import Path
from typing import TypeVar

from reactivex import Observable

from ollama_rx import Client, Timeouts, UnreachableError, deliver
from ollama_rx.cli.terminal import echo, usage_error
from ollama_rx.errors import OllamaError
from ollama_rx.sinks import Collector

T = TypeVar("T")

_PROBE = Timeouts(connect=2.0, first_chunk=10.0)


class NoModelError(OllamaError):
    """No model was named and the server has none that can answer."""


def first_value(stream: Observable[T]) -> T:
    """Wait for the first item of a stream; Ctrl-C closes the request."""
    found = Collector[T]()
    deliver(stream, found).wait()
    return found.items[0]


def server_client(host: str | None) -> Client | None:
    """Return a client for a server; None if no server was named and there is none on this machine.

    A server named by ``--host`` or OLLAMA_HOST is not probed: the request itself will fail if it is missing.
    """
    with usage_error("--host" if host is not None else "OLLAMA_HOST", argument="host:"):
        client = Client(host)
    if host is not None or os.environ.get("OLLAMA_HOST", "").strip():
        return client
    with Client(timeouts=_PROBE) as probe:
        try:
            first_value(probe.version())
        except UnreachableError:
            return None
    return client


def embedded_client(model: str | None) -> Client:
    """Return a client for the embedded model, after a line that says so; fetches the weights first if needed.

    Raises:
        EmbeddedModelError: the extra is not installed or the weights cannot be fetched.
    """
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
    echo(f"no Ollama at {url}: the small embedded model answers{instead}{first}")
    fetch_with_progress()
    return Client(transport=transport)


def fetch_with_progress() -> Path:
    """Return the path of the weights, fetching them first if needed; standard error shows the progress."""
    from ollama_rx.embedded import fetch_weights  # noqa: PLC0415 - an extra
    from ollama_rx.embedded.progress_bar import progress_bar  # noqa: PLC0415

    with progress_bar("fetching SmolLM2-135M-Instruct") as report:
        return fetch_weights(report)


def completion_model(client: Client) -> str:
    """Return the server's first model that can answer; embedding models cannot.

    Raises:
        NoModelError: the server has no such model.
    """
    for model in first_value(client.models()):
        if not model.name:
            continue  # a server that is not Ollama
        capabilities = first_value(client.show(model.name)).capabilities
        if not capabilities or "completion" in capabilities:  # older servers do not list capabilities
            return model.name
    raise NoModelError(f"{client.url} has no model that can answer; `ollama pull llama3.2` fetches one")
