"""Fixtures of the command line tests: a server, a runner, and an environment without settings."""

import importlib
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ollama_rx.cli.app import app
from ollama_rx.testing import FakeOllama

CommandLine = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def command_line() -> CommandLine:
    """Call the command line in this process: `command_line("run", "Hi")`."""
    runner = CliRunner()
    return lambda *words, **more: runner.invoke(app, [str(word) for word in words], **more)


@pytest.fixture
def unused_url() -> Iterator[str]:
    """Return a URL where nothing listens; the port stays reserved during the test."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def no_server(unused_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Change the default address to one where nothing listens."""
    monkeypatch.setattr("ollama_rx.client.host.DEFAULT_PORT", int(unused_url.rpartition(":")[2]))
    return unused_url


@pytest.fixture
def sinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that provides sinks, in addition to those of this package."""
    package = tmp_path / "site"
    about = package / "sinks_for_tests-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: sinks-for-tests\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[ollama_rx.sinks]\n"
        "jsonl = ollama_rx.sinks:JsonLines\n"
        "shout = sinks_for_tests:Shout\n"
        "tell = sinks_for_tests:Teller\n"
        "broken = sinks_for_tests:Broken\n"
        "defect = sink_with_defect:Sink\n"
    )
    (package / "sinks_for_tests.py").write_text(_SINKS)
    monkeypatch.setattr(sys, "path", [str(package), *sys.path])
    importlib.invalidate_caches()


_SINKS = """
from ollama_rx.sinks import Sink


class Shout(Sink[str]):
    def __init__(self, mark):
        self.mark = mark

    @classmethod
    def from_uri(cls, argument):
        return cls(argument)

    def on_next(self, value):
        print(value.upper() + self.mark)


class Teller(Sink[str]):
    takes_sentences = True

    def on_next(self, value):
        print(f"[{value}]")


class Broken(Sink[str]):
    def on_next(self, value):
        raise RuntimeError("out of paper")
"""
