"""Choose the client: the named server, else one on this machine, else the embedded model."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from reactivex import Observable

from ollama_rx import Client, Timeouts, UnreachableError, deliver
from ollama_rx.cli.terminal import echo, usage_error
from ollama_rx.errors import OllamaError
from ollama_rx.sinks import Collector
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport

T = TypeVar("T")

Capability = Literal["completion", "vision"]

_BUS_SCHEMES = ("nats://", "tls://")
_TIMEOUTS = Timeouts()
LOOK_UP = Timeouts(first_chunk=30.0)
"""For requests that load no model."""
_PROBE = Timeouts(connect=2.0, first_chunk=10.0)
_ADVICE: dict[Capability, str] = {
    "completion": "that can answer; `ollama pull llama3.2` fetches one",
    "vision": "that can see images; `ollama pull gemma3` fetches one",
}


class NoModelError(OllamaError):
    """No model was named and the server has none that can do what is asked for."""


def first_value(stream: Observable[T]) -> T:
    """Wait for the first item of a stream; Ctrl-C closes the request."""
    found = Collector[T]()
    deliver(stream, found).wait()
    return found.items[0]


def server_client(
    host: str | None, model: str | None = None, *, timeouts: Timeouts = _TIMEOUTS
) -> Client | None:
    """Return a client for a server; None if neither it nor a model was named and this machine has none.

    What ``--host``, OLLAMA_HOST or ``--model`` name is not replaced by anything else, so no server is probed:
    the request itself will fail if it is missing.
    """
    client = any_client(host, timeouts=timeouts)
    if named_server(host) or host is not None or not _is_embedded(model):
        return client
    with Client(timeouts=_PROBE) as probe:
        try:
            first_value(probe.version())
        except UnreachableError:
            return None
    return client


def any_client(host: str | None, *, timeouts: Timeouts = _TIMEOUTS) -> Client:
    """Return a client for the server that is named, or else for one on this machine, which may not be there.

    A server of NATS stands for all models of the workers on its bus.
    """
    if is_bus(named_server(host)):
        return Client(transport=bus_transport(host))
    with usage_error(_host_option(host), argument="host"):
        return Client(host, timeouts=timeouts)


def named_server(host: str | None) -> str:
    """Return the address that ``--host`` or OLLAMA_HOST names, or ""."""
    return (os.environ.get("OLLAMA_HOST", "") if host is None else host).strip().strip("\"'")


def is_bus(url: str) -> bool:
    """Tell whether an address belongs to a bus."""
    return url.lower().startswith(_BUS_SCHEMES)


def _host_option(host: str | None) -> str:
    return "--host" if host is not None else "OLLAMA_HOST"


def bus_transport(host: str | None) -> LoopAgnosticTransport:
    """Return a transport over the server of NATS that ``--host`` or OLLAMA_HOST names."""
    with usage_error(_host_option(host), argument="servers"):
        try:
            from ollama_rx.bus import jetstream  # noqa: PLC0415 - an extra
        except ImportError as missing:
            raise ValueError(f"servers: {missing}") from missing
        return jetstream(named_server(host))


def _is_embedded(model: str | None) -> bool:
    """Check whether the embedded model may answer: it is named itself, or no model is."""
    if model is None:
        return True
    from ollama_rx.embedded.model_info import model_name  # noqa: PLC0415 - rarely needed

    return model == model_name(None)


def embedded_client(note: Callable[[str], object] = echo, *, any_name: bool = True) -> Client:
    """Return a client for the embedded model, after a note that says so; fetches the weights first if needed.

    With ``any_name=False`` it knows no other model.

    Raises:
        EmbeddedModelError: the extra is not installed or the weights cannot be fetched.
    """
    return Client(transport=embedded_transport(note, any_name=any_name))


def embedded_transport(
    note: Callable[[str], object] = echo, *, any_name: bool = True
) -> LoopAgnosticTransport:
    """Return a transport to the embedded model, after a note, as `embedded_client` does.

    Raises:
        EmbeddedModelError: the extra is not installed or the weights cannot be fetched.
    """
    from ollama_rx.embedded import EmbeddedModelError, embedded, find_weights  # noqa: PLC0415 - an extra

    url = Client().url
    try:
        transport = embedded(any_name=any_name, show_progress=False)
    except EmbeddedModelError as error:
        raise EmbeddedModelError(
            f"no Ollama at {url} (`ollama serve` starts one), and no embedded model: {error}"
        ) from error
    first = "" if find_weights() else ", after fetching it once (93 MB)"
    note(f"no Ollama at {url}: the small embedded model answers{first}")
    fetch_with_progress()
    return transport


def fetch_with_progress() -> Path:
    """Return the path of the weights, fetching them first if needed; standard error shows the progress."""
    from ollama_rx.embedded import fetch_weights  # noqa: PLC0415 - an extra
    from ollama_rx.embedded.progress_bar import progress_bar  # noqa: PLC0415

    with progress_bar("fetching SmolLM2-135M-Instruct") as report:
        return fetch_weights(report)


def first_model(client: Client, capability: Capability) -> str:
    """Return the server's first model that can answer, which embedding models cannot, or that sees images.

    Raises:
        NoModelError: the server has no such model.
    """
    for model in first_value(client.models()):
        if model.name and _can(client, model.name, capability):  # without a name it is not from Ollama
            return model.name
    if is_bus(client.url):
        raise NoModelError(_no_worker(client.url))
    raise NoModelError(f"{client.url} has no model {_ADVICE[capability]}")


def no_models(url: str) -> str:
    """Say that a server, or the workers on a bus, have no models, and what to do."""
    return _no_worker(url) if is_bus(url) else f"{url} has no models; `ollama pull llama3.2` fetches one"


def _no_worker(url: str) -> str:
    return f"no worker at {url} has a model for this; `ollama-rx worker --bus {url}` starts one beside Ollama"


def _can(client: Client, model: str, capability: Capability) -> bool:
    capabilities = first_value(client.show(model)).capabilities
    return not capabilities or capability in capabilities  # older servers do not list them


def warn_if_blind(client: Client, model: str, warn: Callable[[str], object]) -> None:
    """Say that a model cannot see images, which some servers ignore without an error."""
    if not _can(client, model, "vision"):
        warn(f"{model} cannot see images")
