"""Build the sink that is named on the command line: ``console``, ``jsonl:answer.jsonl``."""

from typing import TYPE_CHECKING, Any, TypeGuard

from ollama_rx.arguments import check_text
from ollama_rx.sinks._sink import Sink

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "ollama_rx.sinks"


def sink_names() -> list[str]:
    """Return the names that a URI can begin with, of this package and of other installed packages."""
    return sorted({entry.name for entry in _entry_points()})


def sink_from_uri(uri: str) -> Sink[Any]:
    """Build the sink of ``name`` or ``name:argument``.

    Other packages add names with entry points in the group ``ollama_rx.sinks``.

    Raises:
        ValueError: the name is unknown, its package cannot be loaded, or the sink refuses the argument.
        TypeError: a package has registered something that is not a `Sink` class.
    """
    check_text("uri", uri)
    name, _, argument = uri.partition(":")
    found = _entry_points().select(name=name)
    if not found:
        known = ", ".join(sink_names()) or "none, because ollama-rx is not installed as a package"
        raise ValueError(f"no sink is called {name!r}; known sinks: {known}")
    entry = next(iter(found))
    sink_class = _load(entry)
    try:
        return sink_class.from_uri(argument)
    except ValueError as error:
        raise ValueError(f"sink {name!r}: {error}") from error


def _entry_points() -> "EntryPoints":
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only the command line needs it

    return entry_points(group=GROUP)


def _load(entry: "EntryPoint") -> type[Sink[Any]]:
    try:
        sink_class = entry.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"sink {entry.name!r} is registered as {entry.value}, which can't be loaded"
        ) from error
    if not _is_sink(sink_class):
        raise TypeError(f"sink {entry.name!r}: expected a Sink class, got {entry.value}")
    return sink_class


def _is_sink(sink_class: object) -> TypeGuard[type[Sink[Any]]]:
    return isinstance(sink_class, type) and issubclass(sink_class, Sink)
