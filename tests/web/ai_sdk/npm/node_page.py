"""A page with the AI SDK: Node runs `use_chat.mjs` in a folder into which npm has installed the SDK."""

import hashlib
import json
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CACHE = Path(__file__).parents[4] / "build" / "npm"
LONGEST_INSTALL = 300.0  # seconds; it takes five
LONGEST_COMMAND = 120.0  # seconds, so that a command that hangs fails a test and not the whole run
OLDEST_NODE = 18  # the first with `fetch`


def installed_sdk() -> Path:
    """Return the folder that has the SDK."""
    return installed(HERE / "package.json")


def installed(package: Path) -> Path:
    """Return the folder into which npm has installed what a package.json asks for.

    It is installed at the first call; the test is skipped if that is impossible.

    Tests of several processes may install at the same time: each makes a folder of its own, and the first to
    be ready is kept.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node and npm: apt-get install nodejs npm")
    version = subprocess.run(  # noqa: S603 - the user's own Node
        [node, "--version"], capture_output=True, check=True, text=True
    ).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"needs Node {OLDEST_NODE} or newer, this is {version}: apt-get install nodejs npm")
    wanted = package.read_bytes()
    folder = CACHE / hashlib.sha256(wanted).hexdigest()[:12]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, ignore_cleanup_errors=True) as made:
            _install(npm, Path(made), wanted)
            try:
                (Path(made) / "sdk").rename(folder)
            except OSError:  # another process was faster
                assert folder.exists()
    return folder


def _install(npm: str, made: Path, package: bytes) -> None:
    sdk = made / "sdk"
    sdk.mkdir()
    (sdk / "package.json").write_bytes(package)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    options = ["--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=500", *quiet]
    try:
        subprocess.run(  # noqa: S603 - the user's own npm
            [npm, "install", *options],
            cwd=sdk,
            capture_output=True,
            check=True,
            timeout=LONGEST_INSTALL,
            text=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = " ".join(str(error.stderr or error).split())[:300]
        pytest.skip(f"npm cannot install what a test needs; does `npm ping` reach its registry? {said}")


class NodePage:
    """A Node process that uses chats, one command after the other."""

    def __init__(self, sdk_folder: Path) -> None:
        self._folder = sdk_folder
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        script = (HERE / "use_chat.mjs").read_text(encoding="utf-8")
        return subprocess.Popen(  # noqa: S603 - our own code
            ["node", "--input-type=module", "--eval", script],  # noqa: S607 - the user's own Node
            cwd=self._folder,  # where the script's imports are looked up
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, do: str, **command: object) -> Any:
        """Run a command of `use_chat.mjs`, and return its result."""
        if self._process.poll() is not None:  # a test before has failed
            self._process = self._start()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        watchdog = threading.Timer(LONGEST_COMMAND, self._process.kill)
        watchdog.start()
        try:
            stdin.write(json.dumps({"do": do, **command}).encode() + b"\n")
            stdin.flush()
            result = json.loads(stdout.readline())
        finally:
            watchdog.cancel()
        if "failed" in result:
            pytest.fail(result["failed"])
        return result

    def close(self) -> None:
        """End the process."""
        with self._process:
            self._process.kill()
