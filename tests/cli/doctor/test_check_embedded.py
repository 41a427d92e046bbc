"""The doctor loads the engine of the embedded model and finds its weights."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from ollama_rx.cli.doctor.check_embedded import check
from ollama_rx.cli.doctor.finding import Target


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"12345")
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(path))
    monkeypatch.setitem(sys.modules, "xllamacpp", ModuleType("xllamacpp"))
    monkeypatch.setattr("ollama_rx.cli.doctor.check_embedded.require_engine", lambda: None)
    return path


def test_with_its_engine_and_its_weights_it_can_answer(weights: Path) -> None:
    engine, file = check(Target())
    assert (engine.status, file.status, file.can_answer) == ("ok", "ok", True)
    assert file.text == f"{weights}, 5 bytes, checked"


def test_it_does_not_answer_for_a_server_that_is_named(weights: Path) -> None:
    _, file = check(Target(named="http://gpu"))
    assert (file.text.startswith(str(weights)), file.can_answer) == (True, False)


@pytest.mark.usefixtures("weights")
def test_without_the_engine_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("ollama_rx.embedded.engine.find_spec", lambda _: None)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    engine, *_ = check(Target())
    assert (engine.status, engine.command) == ("missing", 'pip install "ollama-rx[embedded]"')


@pytest.mark.usefixtures("weights")
def test_an_engine_that_cannot_be_loaded_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    engine, file = check(Target())
    assert engine.status == "problem"
    assert engine.text.startswith("xllamacpp cannot be loaded: ")
    assert not file.can_answer


def test_without_weights_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _, file = check(Target())
    assert (file.status, file.command, file.can_answer) == ("missing", "ollama-rx embedded", False)


def test_weights_that_are_not_where_they_should_be_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_RX_MODEL", "/nowhere.gguf")
    _, file = check(Target())
    assert (file.status, file.text) == ("problem", "OLLAMA_RX_MODEL: no such file: /nowhere.gguf")
