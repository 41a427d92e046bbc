"""Fixtures and settings for all tests."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

from ollama_rx.speech.engines import hibari

settings.register_profile("busy", deadline=None)  # a test must not fail because the machine is busy
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of the garbage collections that hundreds of tests run."""
    gc.collect()
    gc.freeze()


_load_voice = cache(hibari._LoadedVoice)


@pytest.fixture
def one_hibari(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all programs of a test run speak with one voice, which takes a second to load."""
    monkeypatch.setattr(hibari, "_LoadedVoice", _load_voice)


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    """Fail if a thread of ours is still alive soon after the test."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("ollama-rx"):
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} is left"


@pytest.fixture
def no_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to make an internal event loop fail for want of file descriptors."""

    def new_loop() -> asyncio.AbstractEventLoop:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("ollama_rx.rx.internal_loop._loop_factory", lambda: new_loop)
