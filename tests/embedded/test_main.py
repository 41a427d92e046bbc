"""The weights can be fetched ahead of time."""

import runpy
from pathlib import Path

import pytest


def run() -> int:
    with pytest.raises(SystemExit) as left:
        runpy.run_module("ollama_rx.embedded", run_name="__main__")
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_path_of_the_weights_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.gguf"
    mine.touch()
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(mine))
    assert run() == 0
    assert capsys.readouterr() == (f"{mine}\n", "")


def test_ctrl_c_ends_it_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("ollama_rx.embedded.weights.fetch_weights", interrupted)
    assert run() == 130
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_RX_MODEL", "/nowhere.gguf")
    assert run() == 1
    assert capsys.readouterr() == ("", "OLLAMA_RX_MODEL: no such file: /nowhere.gguf\n")
