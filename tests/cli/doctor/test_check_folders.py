"""The doctor tries to write into the folders, and asks for their space."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ollama_rx.cli.doctor.check_folders import check
from ollama_rx.cli.doctor.finding import Target


def free(space: int) -> Callable[[object], object]:
    def usage(_: object) -> object:
        return SimpleNamespace(free=space)

    return usage


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OLLAMA_RX_DATA", str(tmp_path / "data" / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", free(5_000_000_000))
    return tmp_path


def test_folders_that_can_be_made_are_well_and_not_made(folder: Path) -> None:
    data, weights = check(Target())
    assert (data.status, data.text) == ("ok", f"{folder}/data/ours, 5.0 GB free")
    assert data.fields == {"path": f"{folder}/data/ours", "free_bytes": 5_000_000_000}
    assert (weights.status, weights.text) == ("ok", f"{folder}/ollama_rx, 5.0 GB free")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("space", "shown"), [(0, "nothing"), (199_000_000, "199 MB")])
def test_a_disk_that_is_full_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch, space: int, shown: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", free(space))
    data, weights = check(Target())
    assert (data.status, weights.status) == ("problem", "problem")
    assert data.text == f"{folder}/data/ours: only {shown} free; OLLAMA_RX_DATA chooses another folder"


def test_a_folder_that_cannot_be_written_is_a_problem(folder: Path) -> None:
    (folder / "data").touch()
    data, weights = check(Target())
    assert (data.status, weights.status) == ("problem", "ok")
    assert data.text == (
        f"{folder}/data/ours cannot be written (Not a directory); OLLAMA_RX_DATA chooses another folder"
    )


def test_a_user_without_a_home_folder_has_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError(path)

    monkeypatch.setattr(Path, "expanduser", no_home)
    data, weights = check(Target())
    assert (data.status, weights.status) == ("problem", "problem")
    assert data.text == "there is no home folder: set OLLAMA_RX_DATA to the path of a folder"
    assert "XDG_CACHE_HOME" in weights.text
