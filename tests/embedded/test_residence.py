"""One copy of a model serves everybody, for as long as somebody wants it."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from ollama_rx.embedded.engine import SLOTS, Engine
from ollama_rx.embedded.residence import Residence, find_residence, move_in, move_out
from ollama_rx.errors import EmbeddedModelError

PATH = Path("tiny.gguf")


class FakeEngine:
    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Loader:
    def __init__(self) -> None:
        self.engines: list[FakeEngine] = []

    def __call__(self, path: Path) -> Engine:
        assert path == PATH
        self.engines.append(FakeEngine())
        return cast(Engine, self.engines[-1])


def staying() -> bool:
    return False


@contextmanager
def threads_running(*works: object) -> Generator[list[threading.Thread]]:
    threads = [threading.Thread(target=cast("None", work)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.join(10)


def test_a_model_is_loaded_once_when_it_is_first_needed() -> None:
    loader = Loader()
    residence = Residence(PATH, loader)
    assert not residence.loaded
    first = residence.enter(staying)
    residence.leave(None)
    assert residence.enter(staying) is first
    assert residence.loaded
    assert len(loader.engines) == 1


def test_only_so_many_compute_at_once_and_the_others_wait_in_line() -> None:
    residence = Residence(PATH, Loader())
    order: list[int] = []

    def work(number: int) -> None:
        assert residence.enter(staying) is not None
        order.append(number)

    for _ in range(SLOTS):
        residence.enter(staying)
    with threads_running(lambda: work(1)):
        while residence.waiting < 1:
            threading.Event().wait(0.001)
        with threads_running(lambda: work(2)):
            while residence.waiting < 2:
                threading.Event().wait(0.001)
            assert order == []
            residence.leave(None)
            residence.leave(None)
    assert sorted(order) == [1, 2]
    assert not residence.waiting


def test_who_gave_up_leaves_the_line() -> None:
    residence = Residence(PATH, Loader())
    for _ in range(SLOTS):
        residence.enter(staying)
    gone = threading.Event()
    found: list[object] = []
    with threads_running(lambda: found.append(residence.enter(gone.is_set))):
        while not residence.waiting:
            threading.Event().wait(0.001)
        gone.set()
        residence.wake()
    assert found == [None]
    residence.leave(None)
    assert residence.enter(staying) is not None


def test_a_model_that_cannot_be_loaded_leaves_its_slot_free() -> None:
    def fail(_: Path) -> Engine:
        raise EmbeddedModelError("broken")

    residence = Residence(PATH, fail)
    for _ in range(SLOTS + 1):
        with pytest.raises(EmbeddedModelError, match="broken"):
            residence.enter(staying)


@pytest.mark.parametrize("keep_alive", [None, -1.0])
def test_a_model_stays_until_it_is_told_to_go(keep_alive: float | None) -> None:
    loader = Loader()
    residence = Residence(PATH, loader)
    residence.enter(staying)
    residence.unload()
    assert residence.loaded
    residence.leave(keep_alive)
    assert residence.until is None
    residence.unload()
    assert not residence.loaded
    assert loader.engines[0].closed.is_set()
    residence.unload()


def test_keep_alive_plans_the_end_and_the_next_request_puts_it_off() -> None:
    loader = Loader()
    residence = Residence(PATH, loader)
    residence.enter(staying)
    residence.leave(60.0)
    assert residence.until == pytest.approx(time.time() + 60, abs=30)
    residence.enter(staying)
    assert residence.until is None
    residence.leave(0.0)
    assert loader.engines[0].closed.wait(10)
    assert not residence.loaded


def test_the_last_of_several_users_decides_when_the_model_goes() -> None:
    residence = Residence(PATH, Loader())
    residence.enter(staying)
    residence.enter(staying)
    residence.leave(0.0)
    assert residence.until is None
    assert residence.loaded
    residence.leave(None)
    assert residence.loaded


def test_tenants_share_a_copy_and_the_last_one_frees_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("shared.gguf")
    first, second = move_in(path), move_in(path)
    assert first is second is find_residence(path)
    engine = FakeEngine()
    monkeypatch.setattr(first, "_engine", engine)
    move_out(first)
    assert not engine.closed.is_set()
    move_out(second)
    assert engine.closed.is_set()
    assert find_residence(path) is None
