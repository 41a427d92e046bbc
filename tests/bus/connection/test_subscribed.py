"""Messages of a subject are handed over in order, while somebody wants them."""

import asyncio

from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.subscribed import answering, subscribed
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus, until


def test_messages_come_in_order_until_the_block_is_left(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        received: list[bytes] = []
        before = asyncio.all_tasks()
        async with subscribed(connection, f"{namespace}.*", lambda message: received.append(message.data)):
            for number in range(100):
                await connection.nats.publish(f"{namespace}.{number}", b"%d" % number)
            await until(lambda: len(received) == 100)
            assert asyncio.all_tasks() <= before, "there is no task for it"
        await connection.nats.publish(f"{namespace}.more", b"more")
        await connection.nats.flush()
        assert received == [b"%d" % number for number in range(100)]

    on_bus(nats_url, work)


def test_a_subscription_goes_on_after_a_restart_of_the_server(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        received: list[Msg] = []
        async with subscribed(connection, "here", received.append):
            nats_process.kill()
            await until(lambda: not connection.is_connected)
            await asyncio.to_thread(nats_process.start)
            await connection.connected()
            await connection.nats.publish("here", b"again")
            await until(lambda: bool(received))

    on_bus(nats_process.url, work)


def test_a_connection_that_is_closed_meanwhile_does_no_harm(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        received: list[Msg] = []
        async with subscribed(connection, namespace, received.append):
            await connection.close()
        assert not received

    on_bus(nats_url, work)


def test_each_request_is_answered_by_a_task_of_its_own(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        both = asyncio.Barrier(2)

        async def answer(request: Msg) -> None:
            await both.wait()
            await request.respond(request.data)

        async with answering(connection, namespace, answer):
            requests = (connection.request(namespace, each, seconds=5) for each in (b"a", b"b"))
            assert [reply.data for reply in await asyncio.gather(*requests)] == [b"a", b"b"]

    on_bus(nats_url, work)


def test_an_answer_is_given_up_when_the_block_is_left(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        begun, given_up = asyncio.Event(), asyncio.Event()

        async def never(_: Msg) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

        async with answering(connection, namespace, never):
            await connection.nats.publish(namespace)
            await begun.wait()
        assert given_up.is_set()

    on_bus(nats_url, work)


def test_an_answer_over_a_connection_that_was_closed_does_no_harm(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        closed = asyncio.Event()

        async def answer(_: Msg) -> None:
            await connection.close()
            closed.set()
            raise ConnectionClosedError

        async with answering(connection, namespace, answer):
            await connection.nats.publish(namespace)
            await closed.wait()

    on_bus(nats_url, work)
