"""The measured clients by name; each is imported only by the worker process that runs it."""

from importlib import import_module
from typing import cast

from benchmarks.clients.contract import AsyncReader, Reader

SYNC = {
    "floor": "floor:FloorReader",
    "httpx_sync": "bare_httpx:HttpxReader",
    "ollama_sync": "official:OfficialReader",
    "ours_threads": "ours:ThreadReader",
}
ASYNC = {
    "floor_async": "floor:AsyncFloorReader",
    "httpx_async": "bare_httpx:HttpxAsyncReader",
    "ollama_async": "official:OfficialAsyncReader",
    "ours": "ours:LoopReader",
}


def make_reader(name: str) -> Reader:
    """Build a client that reads one answer after the other."""
    return cast(type[Reader], _find(SYNC[name]))()


def make_async_reader(name: str) -> AsyncReader:
    """Build a client that reads any number of answers on one event loop."""
    return cast(type[AsyncReader], _find(ASYNC[name]))()


def _find(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(f"benchmarks.clients.{module}"), name)
