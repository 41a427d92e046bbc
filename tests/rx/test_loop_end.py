"""What lives on an event loop ends with it, also when the loop is closed by hand."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable

import httpx
import pytest

from ollama_rx import Client, IncompleteStreamError
from ollama_rx.rx import loop_end
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.rx.loop_end import LoopEnd
from ollama_rx.testing import FakeOllama, Gate, all_at_once, answer, endless, silent_url
from ollama_rx.transport.http_transport import HttpTransport

NewLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    if request.param == "asyncio":
        return asyncio.new_event_loop
    factory: NewLoop = pytest.importorskip("uvloop").new_event_loop
    return factory


async def get_answer(client: Client) -> str:
    return (await client.generate("x")).text


async def begin(client: Client) -> list[Exception]:
    """Subscribe, return when the answer has begun; the list gets the stream's error."""
    begun = asyncio.Event()
    errors: list[Exception] = []
    client.generate("x").subscribe(lambda _: begun.set(), errors.append)
    await begun.wait()
    return errors


def pools_of(client: Client) -> int:
    transport = client._session.transport
    assert isinstance(transport, HttpTransport)
    return len(transport._pools._pools)


def ask_on_a_loop_closed_by_hand(
    client: Client, new_loop: NewLoop
) -> "weakref.ref[asyncio.AbstractEventLoop]":
    loop = new_loop()
    loop.run_until_complete(get_answer(client))
    loop.close()
    return weakref.ref(loop)


def test_loops_that_are_closed_by_hand_leave_no_connection(new_loop: NewLoop) -> None:
    with FakeOllama(answer("x").sent(all_at_once, framing="length")) as fake:
        client = Client(fake.url, model="m")
        loops = [ask_on_a_loop_closed_by_hand(client, new_loop) for _ in range(20)]
        gc.collect()  # an open socket would cause a warning now
        fake.wait_for_connections(0)
        assert [found for reference in loops if (found := reference())] == []
        assert pools_of(client) == 0


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["ours", "httpx"])
def test_a_stream_gets_an_error_when_its_loop_is_closed_by_hand(
    transport: Callable[[], httpx.AsyncBaseTransport | None], new_loop: NewLoop
) -> None:
    with FakeOllama(answer(endless(every=0.001))) as fake:
        client = Client(fake.url, model="m", transport=transport())
        loop = new_loop()
        errors = loop.run_until_complete(begin(client))
        loop.close()
        assert [type(error) for error in errors] == [IncompleteStreamError]
        fake.wait_for_disconnect()
        client.close()


def test_a_request_without_a_head_gets_an_error_when_its_loop_is_closed_by_hand(new_loop: NewLoop) -> None:
    async def send(client: Client, fake: FakeOllama) -> None:
        client.generate("x").subscribe(on_error=errors.append)
        await fake.aio.wait_for_request()

    errors: list[Exception] = []
    gate = Gate()
    with FakeOllama(answer(gate, "x")) as fake:
        loop = new_loop()
        loop.run_until_complete(send(Client(fake.url, model="m"), fake))
        loop.close()
        assert [type(error) for error in errors] == [IncompleteStreamError]
        assert len(fake.exchanges) == 1
        fake.wait_for_connections(0)
        gate.open()


def test_connecting_ends_when_the_loop_is_closed_by_hand(new_loop: NewLoop) -> None:
    async def connect(client: Client) -> None:
        client.generate("x").subscribe(on_error=errors.append)
        await asyncio.sleep(0)

    errors: list[Exception] = []
    with silent_url() as url:
        loop = new_loop()
        loop.run_until_complete(connect(Client(url, model="m")))
        loop.close()
    gc.collect()
    assert [type(error) for error in errors] == [IncompleteStreamError]


def test_a_loop_may_be_closed_inside_another(new_loop: NewLoop) -> None:
    async def close(loop: asyncio.AbstractEventLoop) -> None:
        loop.close()

    with FakeOllama(answer(endless(every=0.001))) as fake:
        loop = new_loop()
        errors = loop.run_until_complete(begin(Client(fake.url, model="m")))
        asyncio.run(close(loop))
        assert len(errors) == 1
        fake.wait_for_disconnect()


def test_a_loop_may_be_stopped_before_it_is_closed(new_loop: NewLoop) -> None:
    with FakeOllama(answer(endless(every=0.001))) as fake:
        loop = new_loop()
        errors = loop.run_until_complete(begin(Client(fake.url, model="m")))
        loop.stop()
        loop.close()
        assert len(errors) == 1
        fake.wait_for_disconnect()


def test_a_stream_that_begins_again_when_its_loop_is_closed_is_ended_again(new_loop: NewLoop) -> None:
    async def begin_again_and_again() -> None:
        begun = asyncio.Event()

        def failed(error: Exception) -> None:
            errors.append(error)
            if len(errors) < 5:
                client.generate("x").subscribe(lambda _: None, failed)

        client.generate("x").subscribe(lambda _: begun.set(), failed)
        await begun.wait()

    errors: list[Exception] = []
    with FakeOllama(answer(endless(every=0.001))) as fake:
        client = Client(fake.url, model="m")
        loop = new_loop()
        loop.run_until_complete(begin_again_and_again())
        loop.close()
        assert [type(error) for error in errors] == [IncompleteStreamError] * 5
        assert asyncio.all_tasks(loop) == set()
        fake.wait_for_connections(0)
        assert pools_of(client) == 0


def test_a_running_loop_refuses_to_close_and_its_streams_go_on(new_loop: NewLoop) -> None:
    async def main(client: Client) -> tuple[str, list[Exception]]:
        errors = await begin(client)
        with pytest.raises(RuntimeError, match="running"):
            asyncio.get_running_loop().close()
        return await get_answer(client), errors

    with FakeOllama(answer(endless(every=0.001)), answer("x")) as fake:
        loop = new_loop()
        assert loop.run_until_complete(main(Client(fake.url, model="m"))) == ("", [])
        loop.close()


def test_a_loop_may_be_closed_twice(new_loop: NewLoop) -> None:
    with FakeOllama() as fake:
        loop = new_loop()
        loop.run_until_complete(get_answer(Client(fake.url, model="m")))
        close = loop.close
        close()
        close()
        loop.close()
        assert loop.is_closed()


def test_a_loop_may_be_used_after_its_asynchronous_generators_were_shut_down(new_loop: NewLoop) -> None:
    with FakeOllama(answer("x").sent(all_at_once, framing="length")) as fake:
        client = Client(fake.url, model="m")
        loop = new_loop()
        for _ in range(2):
            assert loop.run_until_complete(get_answer(client)) == ""
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        fake.wait_for_connections(0)
        assert pools_of(client) == 0


def test_a_loop_whose_close_cannot_be_extended_ends_what_it_has_in_order() -> None:
    class Sealed(asyncio.SelectorEventLoop):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "close":
                raise AttributeError(name)
            super().__setattr__(name, value)

    with FakeOllama(answer("x").sent(all_at_once, framing="length")) as fake:
        client = Client(fake.url, model="m")
        with asyncio.Runner(loop_factory=Sealed) as runner:
            for _ in range(2):
                assert runner.run(get_answer(client)) == ""
                gc.collect()
        assert not loop_end._SEALED
        fake.wait_for_connections(0)
        assert pools_of(client) == 0


def test_closing_a_loop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_end, "_PATIENCE", 0.01)
    release = threading.Event()

    async def stubborn() -> None:
        await LoopEnd.of_running_loop()
        while not release.is_set():
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                continue

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(stubborn(), name=TASK_NAME)
        await asyncio.sleep(0)
        return task

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(start())
    closing = threading.Thread(target=loop.close)
    closing.start()
    closing.join(10)
    assert loop.is_closed()
    assert not task.done()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_client_that_is_dropped_is_not_kept_by_its_loop(new_loop: NewLoop) -> None:
    async def use_and_drop() -> weakref.ref[object]:
        client = Client(fake.url, model="m")
        await client.generate("x")
        await client.aclose()
        await fake.aio.wait_for_connections(0)
        await asyncio.sleep(0)
        transport = client._session.transport
        assert isinstance(transport, HttpTransport)
        [pool] = transport._pools._pools.values()
        return weakref.ref(pool)

    with FakeOllama(answer("x").sent(all_at_once, framing="length")) as fake:
        loop = new_loop()
        pool = loop.run_until_complete(use_and_drop())
        gc.collect()
        assert pool() is None
        loop.close()
