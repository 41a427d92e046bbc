"""Requests whose replies come to one subscription."""

import asyncio

import pytest
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, NoRespondersError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.reply_inbox import ReplyInbox
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus


async def answer(connection: BusConnection, subject: str) -> None:
    async def reply(request: Msg) -> None:
        await connection.nats.publish(request.reply, b"re: " + request.data, headers=request.headers)

    await connection.nats.subscribe(subject, cb=reply)


def test_each_request_gets_its_own_reply(nats_url: str, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        await answer(connection, namespace)
        payloads = [b"%d" % number for number in range(20)]
        replies = await asyncio.gather(*[connection.request(namespace, each, seconds=5) for each in payloads])
        assert [reply.data for reply in replies] == [b"re: " + each for each in payloads]

    on_bus(nats_url, main)


def test_headers_go_with_a_request(nats_url: str, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        await answer(connection, namespace)
        reply = await connection.request(namespace, b"", seconds=5, headers={"Kind": "x"})
        assert reply.headers == {"Kind": "x"}

    on_bus(nats_url, main)


def test_a_request_to_nobody_fails_at_once(nats_url: str, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        with pytest.raises(NoRespondersError):
            await connection.request(namespace, b"", seconds=60)

    on_bus(nats_url, main)


def test_a_request_is_given_up_in_time_and_its_late_reply_is_dropped(nats_url: str, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        requests = await connection.nats.subscribe(namespace)
        with pytest.raises(TimeoutError, match=f"no reply from {namespace}"):
            await connection.request(namespace, b"late", seconds=0.01)
        late = await requests.next_msg()
        await connection.nats.publish(late.reply, b"too late")
        waiting = asyncio.create_task(connection.request(namespace, b"in time", seconds=5))
        in_time = await requests.next_msg()
        await connection.nats.publish(in_time.reply, b"yes")
        await connection.nats.publish(in_time.reply, b"once more")
        assert (await waiting).data == b"yes"

    on_bus(nats_url, main)


def test_the_end_of_the_connection_ends_its_requests(nats_url: str, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        requests = await connection.nats.subscribe(namespace)
        waiting = asyncio.create_task(connection.request(namespace, b"", seconds=60))
        await requests.next_msg()
        await connection.close()
        with pytest.raises(ConnectionClosedError):
            await waiting

    on_bus(nats_url, main)


def test_replies_come_again_after_a_lost_connection(nats_process: NatsProcess, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        back = asyncio.Event()
        connection.on_reconnect(back.set)
        await answer(connection, namespace)
        nats_process.kill()
        await asyncio.to_thread(nats_process.start)
        await back.wait()
        assert (await connection.request(namespace, b"x", seconds=5)).data == b"re: x"

    on_bus(nats_process.url, main)


def test_a_reply_that_came_before_the_end_counts(nats_url: str, namespace: str) -> None:
    async def main(connection: BusConnection) -> None:
        requests = await connection.nats.subscribe(namespace)
        inbox = ReplyInbox(connection.nats)
        waiting = asyncio.create_task(inbox.request(namespace, b"", seconds=60))
        request = await requests.next_msg()
        inbox.set_result(Msg(connection.nats, subject=request.reply, data=b"yes"))
        inbox.set_result(Msg(connection.nats, subject=request.reply, data=b"once more"))
        inbox.close()
        assert (await waiting).data == b"yes"

    on_bus(nats_url, main)
