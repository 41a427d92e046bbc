"""Sinks by name, of this package and of other installed packages."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ollama_rx.sinks import Console, JsonLines, Sink, sink_from_uri

ROOT = Path(__file__).parents[2]
OURS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
    "ollama_rx.sinks"
]  # also those of sinks that are added later
Register = Callable[[Mapping[str, str]], None]


class Shout(Sink[str]):
    def on_next(self, value: str) -> None:
        raise NotImplementedError


class RefusesArgument(Shout):
    @classmethod
    def from_uri(cls, argument: str) -> "RefusesArgument":
        raise ValueError(f"not {argument!r}")


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Register:
    """Register names as an installed package does."""

    def write(names: Mapping[str, str]) -> None:
        info = tmp_path / "some_sinks-1.0.dist-info"
        info.mkdir()
        lines = [f"{name} = {value}" for name, value in names.items()]
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-sinks\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(["[ollama_rx.sinks]", *lines]))
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    return write


@pytest.fixture
def ours(register: Register) -> None:
    register(OURS)


@pytest.mark.usefixtures("ours")
def test_console_names_the_console() -> None:
    assert isinstance(sink_from_uri("console"), Console)


@pytest.mark.usefixtures("ours")
def test_jsonl_names_json_lines_and_takes_a_file(tmp_path: Path) -> None:
    with sink_from_uri(f"jsonl:{tmp_path / 'a:b.jsonl'}") as sink:
        assert isinstance(sink, JsonLines)
    assert (tmp_path / "a:b.jsonl").exists()


@pytest.mark.usefixtures("ours")
def test_an_unknown_name_is_refused_with_the_known_names() -> None:
    assert {"console", "jsonl"} <= set(OURS)
    known = ", ".join(sorted(OURS))
    with pytest.raises(ValueError, match=f"^no sink is called 'nowhere'; known sinks: {known}$"):
        sink_from_uri("nowhere:x")


def test_if_no_name_is_known_the_message_gives_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT)])
    with pytest.raises(ValueError, match="known sinks: none, because ollama-rx is not installed"):
        sink_from_uri("console")


@pytest.mark.usefixtures("ours")
def test_an_argument_for_a_sink_without_arguments_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^sink 'console': Console: expected no argument, got 'x'$"):
        sink_from_uri("console:x")


def test_a_sink_may_refuse_its_argument(register: Register) -> None:
    register({"picky": f"{__name__}:RefusesArgument"})
    with pytest.raises(ValueError, match="sink 'picky': not 'x'"):
        sink_from_uri("picky:x")


class NeedsArgument(Shout):
    def __init__(self, mark: str) -> None:
        raise NotImplementedError


class Incomplete(Sink[str]):
    pass


class Fails(Shout):
    @classmethod
    def from_uri(cls, argument: str) -> "Fails":
        errors: dict[str, Exception] = {
            "file": FileNotFoundError(2, "No such file", "a"),
            "device": RuntimeError("no device"),
            "empty": ValueError(),
            "extra": ImportError("Fails needs sounddevice: pip install"),
        }
        raise errors[argument]


class BuildsSomethingElse(Shout):
    @classmethod
    def from_uri(cls, argument: str) -> "BuildsSomethingElse":
        return cast("BuildsSomethingElse", argument)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("needs", "TypeError: NeedsArgument.__init__() missing 1 required positional argument: 'mark'"),
        ("incomplete", "TypeError: Can't instantiate abstract class Incomplete "),
        ("fails:device", "RuntimeError: no device"),
        ("fails:empty", "ValueError"),
        ("fails:extra", "Fails needs sounddevice: pip install"),
    ],
)
def test_a_sink_that_cannot_be_built_is_named_with_the_cause(
    register: Register, uri: str, message: str
) -> None:
    register(
        {
            "needs": f"{__name__}:NeedsArgument",
            "incomplete": f"{__name__}:Incomplete",
            "fails": f"{__name__}:Fails",
        }
    )
    expected = f"sink '{uri.partition(':')[0]}': {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}"):
        sink_from_uri(uri)


def test_a_file_that_a_sink_cannot_open_is_an_os_error(register: Register) -> None:
    register({"fails": f"{__name__}:Fails"})
    with pytest.raises(FileNotFoundError):
        sink_from_uri("fails:file")


def test_a_from_uri_that_does_not_build_a_sink_is_named(register: Register) -> None:
    register({"other": f"{__name__}:BuildsSomethingElse"})
    with pytest.raises(TypeError, match=r"^sink 'other': expected a Sink from from_uri, got str$"):
        sink_from_uri("other:x")


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("no_such_module:Sink", "ModuleNotFoundError: No module named 'no_such_module'"),
        (
            "ollama_rx.sinks:NoSuchSink",
            "AttributeError: module 'ollama_rx.sinks' has no attribute 'NoSuchSink'",
        ),
        ("defect:Sink", "SyntaxError: invalid syntax (defect.py, line 1)"),
        ("leaves:Sink", "SystemExit: 3"),
        ("fails:Sink", "KeyError: 'x'"),
        ("asserts:Sink", "AssertionError"),
    ],
)
def test_an_entry_point_that_cannot_be_loaded_is_named_with_the_cause(
    register: Register, tmp_path: Path, value: str, cause: str
) -> None:
    register({"broken": value})
    defects = {"defect": "def (:", "leaves": "raise SystemExit(3)", "fails": "{}['x']", "asserts": "assert 0"}
    for name, source in defects.items():
        (tmp_path / f"{name}.py").write_text(source)
    expected = f"sink 'broken' is registered as {value}, which can't be loaded ({cause})"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        sink_from_uri("broken")


@pytest.mark.parametrize("value", ["builtins:print", "builtins:str"])
def test_an_entry_point_that_is_not_a_sink_class_is_refused(register: Register, value: str) -> None:
    register({"wrong": value})
    with pytest.raises(TypeError, match=f"^sink 'wrong': expected a Sink class, got {value}$"):
        sink_from_uri("wrong")


def test_a_uri_that_is_not_text_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^uri: expected text, got NoneType$"):
        sink_from_uri(cast(Any, None))


@pytest.mark.usefixtures("ours")
def test_another_package_cannot_take_over_a_name_of_this_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "other" / "a_first-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-first\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ollama_rx.sinks]\njsonl = {__name__}:Shout\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "other"), *sys.path])
    with sink_from_uri(f"jsonl:{tmp_path / 'a.jsonl'}") as sink:
        assert isinstance(sink, JsonLines)


def test_a_name_of_two_packages_is_refused_with_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, sink in (("first", "Shout"), ("second", "Fails")):
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ollama_rx.sinks]\ntwice = {__name__}:{sink}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    expected = f"several packages provide a sink called 'twice': {__name__}:Fails, {__name__}:Shout"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        sink_from_uri("twice")


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "shouting-sink"
version = "1.0"
dependencies = ["ollama-rx"]

[project.entry-points."ollama_rx.sinks"]
shout = "shouting_sink:Shout"
"""

MODULE = """
from ollama_rx.sinks import Sink

class Shout(Sink[str]):
    def __init__(self, mark: str = "!") -> None:
        self.mark = mark

    @classmethod
    def from_uri(cls, argument: str) -> "Shout":
        return cls(argument) if argument else cls()

    def on_next(self, value: str) -> None:
        print(value.upper() + self.mark)
"""

PROGRAM = """
from reactivex import of
from ollama_rx import deliver
from ollama_rx.sinks import sink_from_uri
from ollama_rx.sinks.uri import sink_names

deliver(of("hello"), sink_from_uri("shout"), sink_from_uri("shout:?"), sink_from_uri("console")).wait(5)
print(*sink_names())
"""


@pytest.mark.installs
def test_an_installed_package_adds_a_sink(tmp_path: Path) -> None:
    package, target = tmp_path / "package", tmp_path / "target"
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "shouting_sink.py").write_text(MODULE)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    for project in ROOT, package:
        subprocess.run([*pip, "--target", target, project], check=True)  # noqa: S603 - our own interpreter
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
    )
    names = " ".join(sorted([*OURS, "shout"]))
    assert found.stdout.splitlines() == ["HELLO!", "HELLO?", "hello", names]
