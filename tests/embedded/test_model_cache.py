"""One copy of a model serves all transports and is freed after the last one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from ollama_rx.embedded import model_cache
from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import SLOTS, Engine
from ollama_rx.embedded.model_cache import (
    LoadedModel,
    ModelLease,
    RequestCancelledError,
    acquire_model,
    find_model,
    release_model,
)
from ollama_rx.errors import EmbeddedModelError

PATH = Path("tiny.gguf")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is missing on this platform")
PROGRAM = """
import os
from ollama_rx import Client, EmbeddedModelError
from ollama_rx.embedded import embedded

with Client(transport=embedded()) as client:
    client.load().run()
    child = os.fork()
    if child == 0:
        try:
            client.generate("Hi").run()
        except EmbeddedModelError as error:
            print(error, flush=True)
        client.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(client.generate("Hi", options={"num_predict": 1}).run().done_reason)
"""


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


def not_cancelled() -> bool:
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
    model = LoadedModel(PATH, loader)
    assert not model.in_memory
    first = model.acquire_slot(not_cancelled)
    model.release_slot(None)
    assert model.acquire_slot(not_cancelled) is first
    assert model.in_memory
    assert len(loader.engines) == 1


def test_requests_beyond_the_number_of_slots_wait() -> None:
    model = LoadedModel(PATH, Loader())
    order: list[int] = []

    def work(number: int) -> None:
        assert model.acquire_slot(not_cancelled) is not None
        order.append(number)

    for _ in range(SLOTS):
        model.acquire_slot(not_cancelled)
    with threads_running(lambda: work(1)):
        while model.waiting < 1:
            threading.Event().wait(0.001)
        with threads_running(lambda: work(2)):
            while model.waiting < 2:
                threading.Event().wait(0.001)
            assert order == []
            model.release_slot(None)
            model.release_slot(None)
    assert sorted(order) == [1, 2]
    assert not model.waiting


def test_a_cancelled_caller_leaves_the_queue() -> None:
    model = LoadedModel(PATH, Loader())
    for _ in range(SLOTS):
        model.acquire_slot(not_cancelled)
    gone = threading.Event()
    found: list[object] = []
    with threads_running(lambda: found.append(model.acquire_slot(gone.is_set))):
        while not model.waiting:
            threading.Event().wait(0.001)
        gone.set()
        model.wake()
    assert found == [None]
    model.release_slot(None)
    assert model.acquire_slot(not_cancelled) is not None


def test_a_model_that_cannot_be_loaded_leaves_its_slot_free() -> None:
    def fail(_: Path) -> Engine:
        raise EmbeddedModelError("broken")

    model = LoadedModel(PATH, fail)
    for _ in range(SLOTS + 1):
        with pytest.raises(EmbeddedModelError, match="broken"):
            model.acquire_slot(not_cancelled)


@pytest.mark.parametrize("keep_alive", [None, -1.0])
def test_without_keep_alive_a_model_stays_until_it_is_unloaded(keep_alive: float | None) -> None:
    loader = Loader()
    model = LoadedModel(PATH, loader)
    model.acquire_slot(not_cancelled)
    model.unload()
    assert model.in_memory
    model.release_slot(keep_alive)
    assert model.expires_at is None
    model.unload()
    assert not model.in_memory
    assert loader.engines[0].closed.is_set()
    model.unload()


def test_keep_alive_schedules_the_unload_and_the_next_request_postpones_it() -> None:
    loader = Loader()
    model = LoadedModel(PATH, loader)
    model.acquire_slot(not_cancelled)
    model.release_slot(60.0)
    assert model.expires_at == pytest.approx(time.time() + 60, abs=30)
    model.acquire_slot(not_cancelled)
    assert model.expires_at is None
    model.release_slot(0.0)
    assert loader.engines[0].closed.wait(10)
    assert not model.in_memory


def test_the_last_release_decides_when_the_model_is_unloaded() -> None:
    model = LoadedModel(PATH, Loader())
    model.acquire_slot(not_cancelled)
    model.acquire_slot(not_cancelled)
    model.release_slot(0.0)
    assert model.expires_at is None
    assert model.in_memory
    model.release_slot(None)
    assert model.in_memory


def test_leases_share_a_copy_and_the_last_release_frees_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("shared.gguf")
    first, second = acquire_model(path), acquire_model(path)
    assert first is second is find_model(path)
    engine = FakeEngine()
    monkeypatch.setattr(first, "_engine", engine)
    release_model(first)
    assert not engine.closed.is_set()
    release_model(second)
    assert engine.closed.is_set()
    assert find_model(path) is None


@needs_fork
def test_a_forked_process_gets_an_error_and_frees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader()
    model = LoadedModel(PATH, loader)
    model.acquire_slot(not_cancelled)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(EmbeddedModelError, match="before this process was forked"):
        model.acquire_slot(not_cancelled)
    model.release_slot(0)
    model.unload()
    assert not loader.engines[0].closed.is_set()
    assert model.in_memory


@needs_fork
def test_a_model_loaded_after_the_fork_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LoadedModel(PATH, Loader())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert model.acquire_slot(not_cancelled) is model.acquire_slot(not_cancelled)
    model.release_slot(None)
    model.release_slot(None)
    model.unload()
    assert not model.in_memory


@needs_fork
@pytest.mark.embedded
@pytest.mark.usefixtures("loaded_model")
def test_a_real_fork_does_not_hang() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True
    )
    error, answered = done.stdout.splitlines()
    assert "before this process was forked" in error
    assert answered == "length"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path("fetched.gguf")

    def fetch(report: Callable[[int, int], None]) -> Path:
        report(1_000_000, 2_000_000)
        return path

    monkeypatch.setattr(model_cache, "fetch_weights", fetch)
    return path


@pytest.mark.parametrize("show", [True, False])
def test_weights_are_fetched_with_a_progress_bar_unless_it_is_off(
    *, show: bool, fetched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ModelLease(None, show_progress=show).path(not_cancelled) == fetched
    assert ("1.0 of 2.0 MB" in capsys.readouterr().err) is show


@pytest.mark.usefixtures("fetched")
def test_a_cancelled_request_ends_the_download() -> None:
    with pytest.raises(RequestCancelledError):
        ModelLease(None, show_progress=False).path(lambda: True)


def test_a_lease_acquires_its_model_on_first_use_and_again_after_a_release() -> None:
    path = Path("own.gguf")
    lease = ModelLease(path, show_progress=True)
    lease.wake()
    lease.release()
    assert find_model(path) is None
    for _ in range(2):
        model = lease.model(not_cancelled)
        assert lease.model(not_cancelled) is model is find_model(path)
        assert model.ref_count == 1
        lease.wake()
        lease.release()
        assert find_model(path) is None


def test_too_many_waiting_requests_are_refused_as_ollama_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "MAX_WAITING", 0)
    with pytest.raises(ApiError, match="server busy, please try again") as caught:
        LoadedModel(PATH, Loader()).acquire_slot(not_cancelled)
    assert caught.value.status == 503
