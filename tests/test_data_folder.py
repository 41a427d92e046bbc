"""A user's files are where the system keeps such files."""

import sys
from pathlib import Path

import pytest

from ollama_rx.data_folder import data_folder


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "/home/ada/.local/share/ollama_rx"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/ollama_rx"),
        ("linux", {"XDG_DATA_HOME": "data"}, "/home/ada/.local/share/ollama_rx"),
        ("darwin", {}, "/home/ada/Library/Application Support/ollama_rx"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/ollama_rx/Data"),
        ("win32", {}, "/home/ada/AppData/Local/ollama_rx/Data"),
        ("darwin", {"OLLAMA_RX_DATA": "~/mine", "XDG_DATA_HOME": "/data"}, "/home/ada/mine"),
    ],
)
def test_each_system_has_its_folder(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("OLLAMA_RX_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {"HOME": "/home/ada"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert data_folder() == Path(expected)


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError(path)

    monkeypatch.setenv("OLLAMA_RX_DATA", "~/x")
    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(FileNotFoundError, match="set OLLAMA_RX_DATA to the path of a folder"):
        data_folder()
