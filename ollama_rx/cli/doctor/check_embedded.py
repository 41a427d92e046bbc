"""The embedded model: its engine, and its weights."""

from collections.abc import Iterator
from importlib import import_module

from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.output.sizes import format_size
from ollama_rx.embedded import EmbeddedModelError, find_weights
from ollama_rx.embedded.engine import require_engine

TITLE = "Embedded model"
POSITION = 3


def check(target: Target) -> Iterator[Finding]:
    """Load the engine; find the weights, whose SHA-256 is checked thereby."""
    engine = _engine()
    yield engine
    try:
        path = find_weights()
    except EmbeddedModelError as error:
        yield Finding(name="weights", status="problem", text=str(error))
        return
    if path is None:
        command = "ollama-rx embedded"
        yield Finding(name="weights", status="missing", text="not fetched yet (93 MB)", command=command)
        return
    size = path.stat().st_size
    yield Finding(
        name="weights",
        status="ok",
        text=f"{path}, {format_size(size)}, checked",
        can_answer=engine.status == "ok" and not target.named,  # it does not replace a server that is named
        fields={"path": str(path), "size_bytes": size},
    )


def _engine() -> Finding:
    try:
        require_engine()
        import_module("xllamacpp")
    except EmbeddedModelError:
        command = 'pip install "ollama-rx[embedded]"'
        return Finding(name="engine", status="missing", text="xllamacpp is not installed", command=command)
    except (ImportError, OSError) as error:
        return Finding(name="engine", status="problem", text=f"xllamacpp cannot be loaded: {error}")
    return Finding(name="engine", status="ok", text="xllamacpp can be loaded")
