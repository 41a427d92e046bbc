"""Loops we make: uvloop's where it is installed, asyncio's elsewhere."""

import asyncio
import sys

import pytest
from reactivex.scheduler import ImmediateScheduler

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, all_at_once, answer
from ollama_rx.transport import request_stream


def test_without_uvloop_the_loops_are_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    request_stream._loop_factory.cache_clear()
    try:
        assert request_stream._loop_factory() is asyncio.new_event_loop
    finally:
        request_stream._loop_factory.cache_clear()


def test_streams_run_on_asyncios_own_loop_as_on_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_stream, "_loop_factory", lambda: asyncio.new_event_loop)
    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        assert client.generate("Hi").run().done


def test_a_user_may_run_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main(url: str) -> bool:
        async with Client(url, model="echo") as client:
            return all([(await client.generate("Hi")).done for _ in range(3)])

    # The end of the body comes with the last line, so that the connection is free when the answer is.
    reply = answer("Hi").sent(all_at_once, framing="length")
    with FakeOllama(reply) as fake, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main(fake.url))
        assert len({request.connection for request in fake.requests}) == 1


def test_an_immediate_scheduler_blocks_until_the_end() -> None:
    ends: list[bool] = []
    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        client.generate("Hi").subscribe(
            on_completed=lambda: ends.append(True), scheduler=ImmediateScheduler.singleton()
        )
        assert ends == [True]
