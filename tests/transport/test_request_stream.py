"""When a request is built, and on which event loop or thread it runs."""

import asyncio
import threading
from contextvars import ContextVar

import pytest
from reactivex.scheduler import ImmediateScheduler

from ollama_rx import Client
from ollama_rx.rx import internal_loop
from ollama_rx.testing import FakeOllama, Gate, all_at_once, answer


def test_a_request_that_cannot_be_built_is_an_error_of_the_stream() -> None:
    class Unreadable:
        broken = False

        @property
        def value(self) -> tuple[int, ...] | None:
            if self.broken:
                raise LookupError
            return None

    errors: list[Exception] = []
    with FakeOllama() as fake:
        box = Unreadable()
        stream = Client(fake.url, model="m").generate("x", context=box)
        box.broken = True
        stream.subscribe(on_error=errors.append)
        assert [type(error) for error in errors] == [LookupError]
        assert fake.requests == ()


def test_a_stream_can_run_on_a_loop_of_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internal_loop, "_loop_factory", lambda: asyncio.new_event_loop)
    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        assert client.generate("Hi").run().done


def test_a_stream_can_run_on_a_users_loop_of_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main(url: str) -> bool:
        async with Client(url, model="echo") as client:
            return all([(await client.generate("Hi")).done for _ in range(3)])

    # The body ends with its last line, so the connection is idle as soon as the answer is complete.
    reply = answer("Hi").sent(all_at_once, framing="length")
    with FakeOllama(reply) as fake, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main(fake.url))
        assert len({request.connection for request in fake.requests}) == 1


def test_an_immediate_scheduler_does_not_block() -> None:
    ended = threading.Event()
    release = Gate()
    with FakeOllama(answer("Hi", release)) as fake, Client(fake.url, model="echo") as client:
        client.generate("Hi").subscribe(on_completed=ended.set, scheduler=ImmediateScheduler.singleton())
        assert not ended.is_set()
        release.open()
        assert ended.wait(5)


def test_callbacks_see_the_context_variables_of_the_subscriber() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    seen: list[str] = []
    ended = threading.Event()
    variable.set("here")
    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        client.generate("Hi").subscribe(lambda _: seen.append(variable.get()), on_completed=ended.set)
        assert ended.wait(5)
    assert set(seen) == {"here"}
