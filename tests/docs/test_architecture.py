"""docs/architecture.md names real modules and functions, in the order in which they are called."""

import ast
import io
import re
import sys
from asyncio import Transport
from collections.abc import Callable, Iterator
from threading import Event
from types import FrameType

import pytest
from reactivex import abc

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console
from ollama_rx.testing import FakeOllama, Gate, answer, pause
from ollama_rx.transport import connection
from tests.docs.pages import PAGES, ROOT, blocks, prose, section
from tests.test_imports import MAY_IMPORT, VALUES

PAGE = PAGES["docs/architecture.md"]
PACKAGE = ROOT / "ollama_rx"
DOTTED = re.compile(r"\b(_?[A-Z]\w*)\.(\w+)")


def members(node: ast.ClassDef) -> Iterator[str]:
    """Yield the names of the methods and attributes of a class."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inner.name
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield inner.attr
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            yield inner.target.id


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
CLASSES = {
    node.name: {*members(node)}
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.ClassDef)
}
FUNCTIONS = {
    node.name
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}
MODULES = {part for path in TREES for part in path.relative_to(PACKAGE).with_suffix("").parts}


def test_every_method_that_is_named_exists() -> None:
    named = set(DOTTED.findall(PAGE))
    assert len(named) > 30
    assert [f"{kind}.{name}" for kind, name in named if name not in CLASSES.get(kind, ())] == []


def test_every_other_name_exists() -> None:
    named = set(re.findall(r"`(\w+)(?:\(\))?`", prose(PAGE)))
    known = CLASSES.keys() | FUNCTIONS | MODULES | {name for names in CLASSES.values() for name in names}
    assert named - known == set()


def test_every_file_beside_a_function_defines_it() -> None:
    lines = re.findall(r"^(\w+/\w+\.py) +(_?\w+)\.(\w+)", PAGE, re.MULTILINE)
    assert len(lines) > 8
    for file, kind, _ in lines:
        defined = {node.name for node in TREES[PACKAGE / file].body if isinstance(node, ast.ClassDef)}
        assert kind in defined, f"{kind} is not in {file}"


def test_the_map_has_the_rules_of_the_imports() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", section(PAGE, "The map"), re.MULTILINE)
    rules = {
        part: {word.strip("`") for word in allowed.split(", ")} - {"values"} | VALUES
        for part, allowed in rows
        if "values" in allowed
    }
    assert rules == {part: allowed for part, allowed in MAY_IMPORT.items() if part not in VALUES}


def stack() -> list[str]:
    """Return the functions of the package that this thread is in, the outermost first."""
    names: list[str] = []
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("ollama_rx."):
            names.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return names[::-1]


class StackRecorder(io.StringIO):
    """A file that records which functions are under way when each text is written to it."""

    def __init__(self, on_write: Callable[[], object]) -> None:
        super().__init__()
        self.stacks: dict[str, list[str]] = {}
        self._on_write = on_write

    def write(self, text: str) -> int:
        self.stacks[text] = stack()
        self._on_write()
        return super().write(text)


def names_in(diagram: str) -> list[str]:
    return [".".join(pair) for pair in DOTTED.findall(diagram)]


def test_a_chunk_takes_the_documented_path() -> None:
    (diagram,) = blocks(section(PAGE, "One chunk, from the socket to a sink"), "")
    named = names_in(diagram)
    returned = {
        "ChunkedDecoder.feed",
        "ChunkReader.read",
        "LineBuffer.complete_lines",
    }  # before the sink is called
    gate = Gate()  # the first chunk may arrive together with the head of the response
    recorder = StackRecorder(gate.open)
    with FakeOllama(answer("Hello", gate, " you")) as fake, Client(fake.url, model="any") as client:
        deliver(client.generate("Hi").pipe(op.text(), op.stop_at("END")), Console(recorder)).wait()
    assert returned < set(named)
    way = [name for name in recorder.stacks[" you"] if name in named]
    assert way == [name for name in named if name not in returned]


def record_ways_to_shut_down(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record the stack of each call that shuts a socket down."""
    ways: list[list[str]] = []
    shut_down = connection._shut_down

    def record(transport: Transport) -> None:
        ways.append(stack())
        shut_down(transport)

    monkeypatch.setattr(connection, "_shut_down", record)
    return ways


def columns_of_dispose() -> list[list[str]]:
    """Return the names in the left and in the right column of the diagram of `dispose()`."""
    (diagram,) = blocks(section(PAGE, "One `dispose()`, back to the socket"), "")
    common, sides = diagram.split("\n\n")
    begin = re.search(r"Call\.stop.*(?=Call\.stop)", sides)
    assert begin
    border = begin.end()
    first = names_in(common)[0]
    lines = sides.splitlines()
    return [
        [first, *names_in("\n".join(line[:border] for line in lines))],
        [first, *names_in("\n".join(line[border:] for line in lines if "on the left" not in line))],
    ]


@pytest.mark.parametrize(("column", "thread"), [(0, "stream"), (1, "another")])
def test_a_dispose_takes_the_documented_path(
    column: int, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = columns_of_dispose()[column]
    ways = record_ways_to_shut_down(monkeypatch)
    subscriptions: list[abc.DisposableBase] = []
    subscribed, received = Event(), Event()

    def on_next(_: object) -> None:
        received.set()
        subscribed.wait()
        if thread == "stream":
            subscriptions[0].dispose()

    with FakeOllama(answer("Hel", pause(60))) as fake, Client(fake.url, model="any") as client:
        subscriptions.append(client.generate("Hi").pipe(op.text()).subscribe(on_next))
        received.wait()
        if thread == "another":
            subscriptions[0].dispose()
        subscribed.set()
        fake.wait_for_disconnect()
    assert len(named) > 3
    assert named in [[name for name in way if name in named] for way in ways]
