"""The server of the tests behaves like one that crashes and comes back."""

import asyncio

import nats
import pytest

from tests.bus.nats_process import NatsProcess


async def _store(url: str, text: bytes) -> None:
    connection = await nats.connect(url, max_reconnect_attempts=0)
    jetstream = connection.jetstream()
    await jetstream.add_stream(name="kept", subjects=["kept"])
    await jetstream.publish("kept", text)
    await connection.close()


async def _stored(url: str) -> bytes | None:
    connection = await nats.connect(url, max_reconnect_attempts=0)
    message = await connection.jetstream().get_last_msg("kept", "kept")
    await connection.close()
    return message.data


def test_a_server_that_was_killed_comes_back_with_what_it_had_stored(nats_process: NatsProcess) -> None:
    asyncio.run(_store(nats_process.url, b"before"))
    nats_process.kill()
    assert not nats_process.is_running
    nats_process.start()
    assert asyncio.run(_stored(nats_process.url)) == b"before"


def test_a_paused_server_answers_when_it_is_resumed(nats_process: NatsProcess) -> None:
    asyncio.run(_store(nats_process.url, b"before"))
    nats_process.pause()

    async def resumed_while_waiting() -> bytes | None:
        asyncio.get_running_loop().call_later(0.05, nats_process.resume)
        return await _stored(nats_process.url)

    assert asyncio.run(resumed_while_waiting()) == b"before"


def test_tests_of_one_process_share_a_server(nats_url: str, namespace: str) -> None:
    async def answer() -> bytes:
        connection = await nats.connect(nats_url)
        subscription = await connection.subscribe(namespace)
        await connection.publish(namespace, b"hello")
        message = await subscription.next_msg(5)
        await connection.close()
        return message.data

    assert asyncio.run(answer()) == b"hello"


def test_a_server_with_wrong_settings_tells_its_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = NatsProcess(tmp_path_factory.mktemp("nats"), sync_interval="never")
    with pytest.raises(pytest.fail.Exception, match="sync_interval"):
        server.start()
    assert not server.is_running
