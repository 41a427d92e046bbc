"""All messages of a subject are read with one request, however many they are."""

import pytest
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import last_message, stored_messages
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus


async def _make_stream(connection: BusConnection, name: str) -> None:
    await connection.jetstream.add_stream(
        name=name, subjects=[f"{name}.*"], max_msgs_per_subject=1, allow_direct=True
    )


def test_the_last_message_of_each_subject_is_read(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await _make_stream(connection, namespace)
        for key, text in (("a", b"1"), ("b", b"2"), ("a", b"3")):
            await connection.jetstream.publish(f"{namespace}.{key}", text, headers={"Key": key})
        found = await stored_messages(connection, namespace, f"{namespace}.*")
        assert [(one.subject, one.position, one.headers["Key"], one.data) for one in found] == [
            (f"{namespace}.b", 2, "b", b"2"),
            (f"{namespace}.a", 3, "a", b"3"),
        ]

    on_bus(nats_url, work)


def test_a_stream_without_messages_gives_none(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await _make_stream(connection, namespace)
        assert await stored_messages(connection, namespace, f"{namespace}.*") == []

    on_bus(nats_url, work)


def test_more_messages_than_one_answer_may_have_are_read_in_several(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await _make_stream(connection, namespace)
        for number in range(2100):
            await connection.nats.publish(f"{namespace}.{number}", b"%d" % number)
        for letter in "abcdefghi":
            await connection.jetstream.publish(f"{namespace}.{letter}", letter.encode() * 900_000)
        found = await stored_messages(connection, namespace, f"{namespace}.*")
        assert [one.data[:4] for one in found] == [
            *(b"%d" % number for number in range(2100)),
            *(letter.encode() * 4 for letter in "abcdefghi"),
        ]

    on_bus(nats_url, work)


def test_a_missing_stream_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        with pytest.raises(NoRespondersError):
            await stored_messages(connection, namespace, ">")

    on_bus(nats_url, work)


def test_a_refusal_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async def refuse(request: Msg) -> None:
            await connection.nats.publish(
                request.reply, headers={"Status": "408", "Description": "Bad Request"}
            )

        await connection.nats.subscribe(f"$JS.API.DIRECT.GET.{namespace}", cb=refuse)
        with pytest.raises(APIError, match="Bad Request") as caught:
            await stored_messages(connection, namespace, ">")
        assert caught.value.code == 408

    on_bus(nats_url, work)


def test_what_comes_after_the_end_is_dropped(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async def answer(request: Msg) -> None:
            for _ in range(2):
                await connection.nats.publish(request.reply, headers={"Status": "404"})

        await connection.nats.subscribe(f"$JS.API.DIRECT.GET.{namespace}", cb=answer)
        assert await stored_messages(connection, namespace, ">") == []
        await connection.nats.flush()

    on_bus(nats_url, work)


def test_a_silent_server_is_an_error(nats_process: NatsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.bus.connection.direct_get.ANSWER_SECONDS", 0.05)

    async def work(connection: BusConnection) -> None:
        nats_process.pause()
        try:
            with pytest.raises(TimeoutError):
                await stored_messages(connection, "silent", ">")
        finally:
            nats_process.resume()

    on_bus(nats_process.url, work)


def test_closing_the_connection_meanwhile_leaves_the_error_of_the_silence(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.bus.connection.direct_get.ANSWER_SECONDS", 0.05)

    async def work(connection: BusConnection) -> None:
        await _make_stream(connection, namespace)

        async def lose(*_: object, **__: object) -> None:
            await connection.nats.close()

        monkeypatch.setattr(connection.nats, "publish", lose)
        with pytest.raises(TimeoutError):
            await stored_messages(connection, namespace, "none")

    on_bus(nats_url, work)


def test_the_last_message_of_a_subject_is_read(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await connection.jetstream.add_stream(name=namespace, subjects=[f"{namespace}.*"], allow_direct=True)
        assert await last_message(connection, namespace, f"{namespace}.a") is None
        for key, text in (("a", b"1"), ("a", b""), ("b", b"3")):
            await connection.jetstream.publish(f"{namespace}.{key}", text, headers={"Key": key})
        found = await last_message(connection, namespace, f"{namespace}.a")
        assert found is not None
        assert (found.subject, found.position, found.headers["Key"], found.data) == (
            f"{namespace}.a",
            2,
            "a",
            b"",
        )

    on_bus(nats_url, work)


def test_the_last_message_of_a_missing_stream_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        with pytest.raises(NoRespondersError):
            await last_message(connection, namespace, namespace)

    on_bus(nats_url, work)
