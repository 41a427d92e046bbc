"""Build the sink that is named on the command line: ``console``, ``jsonl:answer.jsonl``."""

from typing import TYPE_CHECKING, Any, TypeGuard

from ollama_rx.arguments import check_text, wrong_type
from ollama_rx.sinks._sink import Sink

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "ollama_rx.sinks"
_OUR_MODULES = "ollama_rx."  # as in the entry point ``jsonl = ollama_rx.sinks:JsonLines``


def sink_names() -> list[str]:
    """Return the names that a URI can begin with, of this package and of other installed packages."""
    return sorted({entry.name for entry in _entry_points()})


def sink_from_uri(uri: str) -> Sink[Any]:
    """Build the sink of ``name`` or ``name:argument``.

    Other packages add names with entry points in the group ``ollama_rx.sinks``. They cannot replace the sinks
    of this package.

    Raises:
        ValueError: the name is unknown, several packages provide it, its package cannot be loaded, or the
            sink refuses the argument.
        TypeError: a package has registered something that is not a `Sink` class or does not build a `Sink`.
        OSError: the sink cannot open what the argument names.
    """
    check_text("uri", uri)
    name, _, argument = uri.partition(":")
    sink_class = _load(_entry_point(name))
    try:
        sink: object = sink_class.from_uri(argument)
    except OSError:
        raise  # it names the file
    except Exception as error:  # of a package that this one does not know
        raise ValueError(f"sink {name!r}: {_explain(error)}") from error
    if not isinstance(sink, Sink):
        raise wrong_type(f"sink {name!r}", "a Sink from from_uri", sink)
    return sink  # pyright: ignore[reportUnknownVariableType]


def _entry_point(name: str) -> "EntryPoint":
    found = {entry.value: entry for entry in _entry_points().select(name=name)}
    if not found:
        known = ", ".join(sink_names()) or "none, because ollama-rx is not installed as a package"
        raise ValueError(f"no sink is called {name!r}; known sinks: {known}")
    ours = next((entry for entry in found.values() if entry.module.startswith(_OUR_MODULES)), None)
    if ours is None and len(found) > 1:
        raise ValueError(f"several packages provide a sink called {name!r}: {', '.join(sorted(found))}")
    return ours or next(iter(found.values()))


def _entry_points() -> "EntryPoints":
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only the command line needs it

    return entry_points(group=GROUP)


def _load(entry: "EntryPoint") -> type[Sink[Any]]:
    try:
        sink_class = entry.load()
    except (Exception, SystemExit) as error:  # a package that this one does not know: it may raise anything
        raise ValueError(
            f"sink {entry.name!r} is registered as {entry.value}, which can't be loaded ({_explain(error)})"
        ) from error
    if not _is_sink(sink_class):
        raise TypeError(f"sink {entry.name!r}: expected a Sink class, got {entry.value}")
    return sink_class


def _explain(error: BaseException) -> str:
    """Return the message of an exception, after its type unless the message says all.

    That of a `ValueError` does, and that of an `ImportError`, which names the extra that is missing.
    """
    message = str(error)
    if type(error) in {ValueError, ImportError} and message:
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _is_sink(sink_class: object) -> TypeGuard[type[Sink[Any]]]:
    return isinstance(sink_class, type) and issubclass(sink_class, Sink)
