"""Connections are closed with their event loop, whether in use or idle."""

import asyncio
import gc

import pytest

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, Gate, answer, line
from ollama_rx.transport.connection import BufferedConnection, Connection
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.pool import Pool
from tests.contracts.conftest import eventually


def new_pool(keepalive: float) -> Pool:
    return Pool(keepalive, ended=lambda: None)


def test_an_answer_whose_body_has_not_ended_is_closed_with_its_loop() -> None:
    gate = Gate()

    async def ask(client: Client) -> str:
        chunk = await client.generate("Hi")
        return chunk.text

    with FakeOllama(answer(line({"response": "x", "done": True}), gate, ending="none")) as fake:
        assert asyncio.run(ask(Client(fake.url, model="m"))) == "x"
        gc.collect()  # an open socket would cause a warning now
        fake.wait_for_connections(0)
        gate.open()


def test_a_stream_under_way_gets_an_error_when_its_loop_ends() -> None:
    errors: list[Exception] = []

    async def subscribe_and_return(client: Client) -> None:
        arrived = asyncio.Event()
        client.generate("Hi").subscribe(lambda _: arrived.set(), errors.append)
        await arrived.wait()

    gate = Gate()
    with FakeOllama(answer("x", gate)) as fake:
        asyncio.run(subscribe_and_return(Client(fake.url, model="m")))
        gc.collect()
        fake.wait_for_connections(0)
        gate.open()
    assert len(errors) == 1


class AbortableTransport(asyncio.Transport):
    """A transport that can only be aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = asyncio.Event()

    def abort(self) -> None:
        self.aborted.set()


def test_connections_on_the_loop_of_asyncio_read_into_one_buffer() -> None:
    async def main() -> None:
        pool = new_pool(5)
        first, second = pool.new_connection("here"), pool.new_connection("there")
        assert isinstance(first, BufferedConnection)
        assert isinstance(second, BufferedConnection)
        assert first.get_buffer(-1) is second.get_buffer(-1)

    asyncio.run(main())


def test_connections_on_other_loops_receive_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(asyncio, "SelectorEventLoop", type("AnotherLoop", (), {}))
        assert type(new_pool(5).new_connection("here")) is Connection

    asyncio.run(main())


def test_a_connection_that_is_idle_for_too_long_is_closed() -> None:
    async def main() -> None:
        pool, transport = new_pool(0.01), AbortableTransport()
        connection = Connection(pool, "here")
        connection.connection_made(transport)
        pool.put_idle("here", connection)
        await asyncio.wait_for(transport.aborted.wait(), 10)
        assert pool.take("here") is None

    asyncio.run(main())


def test_without_keepalive_an_idle_connection_is_closed_at_once() -> None:
    async def main() -> None:
        pool, transport = new_pool(0), AbortableTransport()
        connection = Connection(pool, "here")
        connection.connection_made(transport)
        pool.put_idle("here", connection)
        assert transport.aborted.is_set()

    asyncio.run(main())


def pool_of(client: Client, loop: asyncio.AbstractEventLoop) -> Pool:
    transport = client._session.transport
    assert isinstance(transport, HttpTransport)
    return transport._pools._pools[loop]


def test_a_client_may_be_closed_after_a_loop_that_was_closed_without_a_shutdown() -> None:
    with FakeOllama(answer("x").sent(keep_alive=False)) as fake:
        client = Client(fake.url, model="m")
        loop = asyncio.new_event_loop()

        async def ask() -> str:
            return (await client.generate("Hi")).text

        assert loop.run_until_complete(ask()) == ""
        connections = pool_of(client, loop)._all
        assert loop.run_until_complete(asyncio.to_thread(eventually, lambda: not connections))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        client.close()
        client.close()


def test_a_connection_that_was_closed_while_it_was_idle_is_not_reused() -> None:
    async def main() -> None:
        pool = new_pool(60)
        alive, dead = Connection(pool, "here"), Connection(pool, "here")
        pool.put_idle("here", alive)
        pool.put_idle("here", dead)
        dead.abort()
        assert pool.take("here") is alive
        assert pool.take("here") is None
        pool.put_idle("here", alive)
        pool.close_idle()
        assert alive.closed

    asyncio.run(main())


def test_only_connections_that_have_been_idle_for_long_are_closed() -> None:
    async def main() -> None:
        pool = new_pool(0.02)
        old, young = Connection(pool, "here"), Connection(pool, "here")
        pool.put_idle("here", old)
        pool.put_idle("here", young)
        young.idle_since += 60.0
        assert await asyncio.to_thread(eventually, lambda: old.closed)
        assert pool.take("here") is young
        pool.close_idle()

    asyncio.run(main())
