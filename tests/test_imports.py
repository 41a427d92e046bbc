"""The parts of the package import each other in one direction only, from the client down to the values."""

import ast
import inspect
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import ollama_rx
from ollama_rx import operators, sinks

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ollama_rx"
OUTSIDE = ("embedded", "testing", "cli")  # the core must not import them

VALUES = {
    "arguments",
    "block_splitter",
    "blocks",
    "chunks",
    "data_folder",
    "errors",
    "joined_chunks",
    "partial_text",
    "responses",
    "stats",
}
MAY_IMPORT: dict[str, set[str]] = {
    "arguments": {"errors"},
    "block_splitter": set(),
    "blocks": set(),
    "data_folder": set(),
    "errors": set(),
    "partial_text": set(),
    "chunks": {"stats"},
    "joined_chunks": {"chunks"},
    "responses": {"errors", "stats"},
    "stats": set(),
    "rx": VALUES,
    "protocol": VALUES,
    "operators": VALUES | {"rx"},
    "sinks": VALUES | {"rx"},
    "transport": VALUES | {"rx", "protocol"},
    "client": VALUES | {"rx", "protocol", "transport"},
    "conversation": VALUES | {"rx", "operators", "client"},
    "delivery": VALUES | {"rx", "sinks"},
    "speech": VALUES | {"rx", "operators", "sinks"},
    "web": VALUES | {"rx", "operators", "sinks", "delivery", "transport", "client", "conversation", "speech"},
    "bus": VALUES | {"rx", "protocol", "sinks", "transport", "client", "delivery"},
}
# Lenient getters and parser, which the values may import too.
LEAVES = {"ollama_rx.protocol.json_fields", "ollama_rx.protocol.lenient_json"}
PARTS_WITH_NEEDS = {"bus", "web"}  # of an extra each
BUS_NEEDS = {"nats", "httpx", "orjson", "reactivex"}
# Of the extra `web`; the rest of it is imported when used.
WEB_NEEDS = {"starlette", "httpx", "orjson", "reactivex"}
CORE_NEEDS = {"reactivex", "httpx", "h11", "orjson"}


class Import(NamedTuple):
    """One imported name: the importing file, and whether the import runs with the import of that file."""

    file: str
    module: str
    name: str
    eager: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports_in(path: Path) -> Iterator[Import]:
    """Yield the imports of a file; those in functions, under ``try`` or for type checkers are not eager."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Try) or _for_types(outer)
        for inner in ast.walk(outer)
    }
    file = path.relative_to(ROOT).as_posix()
    for node in ast.walk(tree):
        eager = node not in late
        if isinstance(node, ast.Import):
            yield from (Import(file, alias.name, "", eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (Import(file, node.module or "", alias.name, eager) for alias in node.names)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(*folders: str) -> list[Import]:
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    assert files
    return [found for file in files for found in imports_in(file)]


EVERYTHING = imports_of("ollama_rx")
CORE = [found for found in EVERYTHING if found.file.split("/")[1] not in OUTSIDE]


def parts_imported_by(found: Import) -> set[str]:
    """Return the parts of our package that an import names."""
    if found.module == "ollama_rx":
        return {found.name}
    return {found.module.split(".")[1]} if found.top == "ollama_rx" else set()


def part_of(file: str) -> str:
    """Return the part of the package that a file belongs to: a folder, or a file of the top level."""
    return file.split("/")[1].removesuffix(".py")


def test_every_part_of_the_core_has_a_rule() -> None:
    assert {part_of(found.file) for found in CORE} - set(MAY_IMPORT) == {"__init__", "_public"}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_parts_below_it(part: str) -> None:
    allowed = MAY_IMPORT[part] | {part}
    found = [one for one in CORE if part_of(one.file) == part and one.module not in LEAVES]
    assert [one for one in found if parts_imported_by(one) - allowed] == []


def test_the_rules_contain_no_cycle() -> None:
    order = list(MAY_IMPORT)
    done: set[str] = set()
    while order:
        ready = [part for part in order if MAY_IMPORT[part] <= done]
        assert ready, f"a cycle among {order}"
        done.update(ready)
        order = [part for part in order if part not in done]


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_a_leaf_module_imports_nothing_else_of_the_package(leaf: str) -> None:
    path = ROOT.joinpath(*leaf.split(".")).with_suffix(".py")
    ours = {found.module for found in imports_in(path) if found.top == "ollama_rx"}
    assert ours <= LEAVES - {leaf}


def test_the_core_imports_neither_the_embedded_model_nor_the_testing_kit_nor_the_command_line() -> None:
    assert [found for found in CORE if parts_imported_by(found) & set(OUTSIDE)] == []


def test_only_the_transport_imports_network_modules() -> None:
    network = {"httpx", "h11", "httpcore", "socket", "ssl", "http"}
    listening = {
        "ollama_rx/web/live/live_page.py",
        "ollama_rx/web/live/loop_server.py",
        "ollama_rx/web/ollama_api/ollama_api.py",
        "ollama_rx/web/ollama_api/relay.py",
    }  # they open no connection
    http = [found for found in CORE if part_of(found.file) != "bus"]  # which opens connections to NATS
    users = {found.file for found in http if found.top in network} - listening
    elsewhere = {file for file in users if not file.startswith("ollama_rx/transport/")}
    assert elsewhere == {"ollama_rx/client/client.py", "ollama_rx/speech/engines/openai_endpoint.py"}
    assert {found.module for found in CORE if found.file in elsewhere and found.top in network} == {"httpx"}


def test_private_names_of_libraries_are_not_imported() -> None:
    foreign = [found for found in EVERYTHING if found.top in {"httpx", "h11", "reactivex", "orjson"}]
    assert [found for found in foreign if "._" in found.module or found.name.startswith("_")] == []


def test_the_core_uses_neither_subjects_nor_schedulers_that_change_threads() -> None:
    banned = {"Subject", "ReplaySubject", "BehaviorSubject", "AsyncSubject", "observe_on", "subscribe_on"}
    core = [
        found for found in CORE if part_of(found.file) != "speech"
    ]  # its events come from its own threads
    rx = [found for found in core if found.top == "reactivex"]  # the bus has subjects of NATS
    assert [found for found in rx if found.name in banned or "subject" in found.module] == []
    used = {
        (file.name, node.attr)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in banned
    }
    assert used == set()


def test_the_link_at_the_root_is_not_imported() -> None:
    folders = [name for name in ("ollama_rx", "tests", "examples", "benchmarks") if (ROOT / name).exists()]
    assert [found for found in imports_of(*folders) if found.top == "operators"] == []


def test_importing_the_core_needs_three_libraries() -> None:
    needed = {found.top for found in CORE if found.eager and part_of(found.file) not in PARTS_WITH_NEEDS}
    assert needed - set(sys.stdlib_module_names) - {"ollama_rx"} == CORE_NEEDS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {text.partition(">")[0] for text in project["dependencies"]}
    assert declared | {"h11"} == CORE_NEEDS  # h11 comes with httpx


def test_importing_the_bus_needs_nats_py() -> None:
    needed = {found.top for found in CORE if found.eager and part_of(found.file) == "bus"}
    assert needed - set(sys.stdlib_module_names) - {"ollama_rx"} <= BUS_NEEDS


def test_importing_the_web_needs_starlette() -> None:
    late = "ollama_rx/web/page/bare_links.py"  # imported with the parser, when the first text is drawn
    web = [found for found in CORE if part_of(found.file) == "web" and found.file != late]
    needed = {found.top for found in web if found.eager}
    assert needed - set(sys.stdlib_module_names) - {"ollama_rx"} <= WEB_NEEDS


BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError("an extra: " + name)

sys.meta_path.insert(0, Blocker())
import ollama_rx, ollama_rx.operators, ollama_rx.sinks, ollama_rx.client
loaded = [name for name in sys.modules if name.split(".")[:2] in [["ollama_rx", one] for one in {outside!r}]]
assert not loaded, loaded
"""


def test_the_core_can_be_imported_without_any_extra() -> None:
    blocked = {
        "typer",
        "rich",
        "prompt_toolkit",
        "xllamacpp",
        "pip",
        "uvloop",
        "markdown_it",
        "jiter",
        "jsonschema_rs",
        "pydantic",
        "pytest",
        "icu4py",
        "nats",
        "nkeys",
    }
    code = BLOCKER.format(blocked=blocked, outside=OUTSIDE)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def signatures(thing: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield the public callables of a public name with their signatures."""
    if inspect.isclass(thing):
        for attribute, member in inspect.getmembers(thing):
            if callable(member) and (attribute == "__init__" or not attribute.startswith("_")):
                yield from signatures(member, f"{name}.{attribute}")
    elif inspect.isfunction(thing):
        yield name, str(inspect.signature(thing))


def test_httpx_appears_in_one_public_signature_the_transport_of_the_client() -> None:
    found = {
        name: signature
        for module in (ollama_rx, operators, sinks)
        for public in module.__all__
        for name, signature in signatures(getattr(module, public), public)
    }
    assert len(found) > 50
    with_httpx = {name for name, signature in found.items() if "httpx" in signature}
    assert with_httpx == {"Client.__init__"}
    assert found["Client.__init__"].count("httpx") == 1
