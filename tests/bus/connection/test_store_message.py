"""A message is stored when the server says so."""

import pytest
from nats.errors import NoRespondersError
from nats.js.api import StreamConfig
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.store_message import WRONG_POSITION, Stored, store_message
from ollama_rx.bus.subjects import EXPECTED_POSITION, MESSAGE_ID
from tests.bus.on_bus import on_bus


def test_a_message_is_stored_once_wherever_its_id_comes_again(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await connection.jetstream.add_stream(StreamConfig(name=namespace, subjects=[f"{namespace}.*"]))
        subject = f"{namespace}.a"
        assert await store_message(connection, subject, b"1") == Stored(1, is_duplicate=False)
        headers = {MESSAGE_ID: "x"}
        assert await store_message(connection, subject, b"2", headers) == Stored(2, is_duplicate=False)
        assert await store_message(connection, subject, b"2", headers) == Stored(2, is_duplicate=True)

    on_bus(nats_url, work)


def test_a_message_after_another_than_the_expected_one_is_refused(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await connection.jetstream.add_stream(StreamConfig(name=namespace, subjects=[f"{namespace}.*"]))
        await store_message(connection, f"{namespace}.a", b"1")
        with pytest.raises(APIError) as refused:
            await store_message(connection, f"{namespace}.a", b"2", {EXPECTED_POSITION: "0"})
        assert refused.value.err_code == WRONG_POSITION

    on_bus(nats_url, work)


def test_a_message_for_which_there_is_no_stream_has_no_responder(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        with pytest.raises(NoRespondersError):
            await store_message(connection, namespace, b"1")

    on_bus(nats_url, work)
