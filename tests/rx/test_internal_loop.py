"""Which kind of loop an internal loop is."""

import asyncio
import sys

import pytest

from ollama_rx.rx import internal_loop


def test_without_uvloop_internal_loops_are_of_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    internal_loop._loop_factory.cache_clear()
    try:
        assert internal_loop._loop_factory() is asyncio.new_event_loop
    finally:
        internal_loop._loop_factory.cache_clear()
