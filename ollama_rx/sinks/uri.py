"""Make the sink that a command line names: ``console``, ``jsonl:answer.jsonl``."""

from typing import TYPE_CHECKING, Any, TypeGuard

from ollama_rx.sinks._sink import Sink

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "ollama_rx.sinks"


def sink_names() -> list[str]:
    """Return the names that a URI can begin with: those of this package and of installed ones."""
    return sorted({entry.name for entry in _registered()})


def sink_from_uri(uri: str) -> Sink[Any]:
    """Make a sink of ``name`` or ``name:argument``; installed packages add names to the group.

    Raises:
        ValueError: no such name, or the sink refuses the argument.
        TypeError: a package has registered something that is no `Sink` class.
    """
    name, _, argument = uri.partition(":")
    found = _registered().select(name=name)
    if not found:
        there = ", ".join(sink_names()) or "none, because ollama-rx is not installed as a package"
        raise ValueError(f"no sink is called {name!r}; there are: {there}")
    entry = next(iter(found))
    kind = _load(entry)
    try:
        return kind.from_uri(argument)
    except ValueError as error:
        raise ValueError(f"sink {name!r}: {error}") from error


def _registered() -> "EntryPoints":
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only the command line needs it

    return entry_points(group=GROUP)


def _load(entry: "EntryPoint") -> type[Sink[Any]]:
    try:
        kind = entry.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"sink {entry.name!r} is registered as {entry.value} but can't be loaded") from error
    if not _is_sink(kind):
        raise TypeError(f"sink {entry.name!r}: {entry.value} is no Sink class")
    return kind


def _is_sink(kind: object) -> TypeGuard[type[Sink[Any]]]:
    return isinstance(kind, type) and issubclass(kind, Sink)
