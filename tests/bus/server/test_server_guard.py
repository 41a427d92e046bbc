"""A server lives as long as the process that wants it, and comes back if it dies before."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx.bus.server import server_guard
from ollama_rx.bus.server.server_guard import LOCKED, ServerGuard, main
from tests.contracts.conftest import eventually

# Servers write a line into a file whenever they start.
STARTED = "import os, signal, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')"
WAITS = f"{STARTED}; time.sleep(100)"
IS_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


class GuardThread:
    """A guard on a thread, with a pipe as from the process that wants the server."""

    def __init__(self, folder: Path, server: str) -> None:
        self._starts = folder / "starts"
        self._parent, self._pipe = os.pipe()
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        self._guard = ServerGuard([sys.executable, "-c", server, str(self._starts)], self._lock)
        self._codes: list[int] = []
        self._thread = threading.Thread(target=lambda: self._codes.append(self._guard.run(self._parent)))
        self._thread.start()

    @property
    def pids(self) -> list[int]:
        """The processes of the server so far."""
        return [int(line) for line in self._starts.read_text().split()] if self._starts.exists() else []

    def started(self, times: int) -> bool:
        return eventually(lambda: len(self.pids) == times, 20)

    def say_that_it_answers(self) -> None:
        os.write(self._pipe, b".")
        assert eventually(lambda: self._guard._has_answered)

    def close_pipe(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def code(self) -> int:
        """Wait for the end."""
        self._thread.join(20)
        return self._codes[0]

    def close(self) -> None:
        self.close_pipe()
        self._thread.join(20)
        os.close(self._parent)
        os.close(self._lock)


@pytest.fixture
def guards() -> Iterator[list[GuardThread]]:
    guards: list[GuardThread] = []
    yield guards
    for guard in guards:
        guard.close()


def start(guards: list[GuardThread], folder: Path, server: str) -> GuardThread:
    guards.append(GuardThread(folder, server))
    return guards[-1]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_server_ends_with_the_pipe(guards: list[GuardThread], tmp_path: Path) -> None:
    guard = start(guards, tmp_path, WAITS)
    assert guard.started(1)
    assert is_alive(guard.pids[0])
    guard.close_pipe()
    assert guard.code() == 0
    assert not is_alive(guard.pids[0])


def test_a_server_that_does_not_stop_is_killed(
    guards: list[GuardThread], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_guard, "_STOP_SECONDS", 0.05)
    guard = start(guards, tmp_path, IS_DEAF)
    assert guard.started(1)
    guard.close_pipe()
    assert guard.code() == 0
    assert not is_alive(guard.pids[0])


def test_a_server_that_ends_before_it_answers_is_not_started_again(
    guards: list[GuardThread], tmp_path: Path
) -> None:
    assert start(guards, tmp_path, f"{STARTED}; sys.exit(7)").code() == 7
    assert start(guards, tmp_path, STARTED).code() == 1  # there is no server, whatever it says
    assert len(guards[0].pids) == 2


def test_a_server_that_dies_after_it_has_answered_is_started_again(
    guards: list[GuardThread], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_guard, "_PAUSE_SECONDS", 0)
    guard = start(guards, tmp_path, WAITS)
    assert guard.started(1)
    guard.say_that_it_answers()
    for times in (2, 3):
        os.kill(guard.pids[-1], 9)
        assert guard.started(times)
    guard.close_pipe()
    assert guard.code() == 0
    assert not any(map(is_alive, guard.pids))


def test_a_folder_has_one_server_and_its_lock_lasts_as_long_as_that(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    lock = str(tmp_path / "lock")
    config = tmp_path / "config"
    parent, pipe = os.pipe()
    other_parent, other_pipe = os.pipe()
    codes: list[int] = []
    command = [sys.executable, "-c", WAITS, str(starts)]
    first = threading.Thread(
        target=lambda: codes.append(main([lock, "1", str(config), "first", *command], parent))
    )
    first.start()
    assert eventually(starts.exists, 20)
    assert main([lock, "0.05", str(config), "second", *command]) == LOCKED
    assert config.read_text() == "first"
    os.close(pipe)
    ends = [sys.executable, "-c", "import sys; sys.exit(7)"]
    assert main([lock, "20", str(config), "third", *ends], other_parent) == 7
    assert config.read_text() == "third"
    first.join()
    assert codes == [0]
    for end in (parent, other_parent, other_pipe):
        os.close(end)
    assert len(starts.read_text().split()) == 1
