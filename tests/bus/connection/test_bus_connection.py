"""One connection for each event loop, of which nothing is ever left."""

import asyncio
import gc
import threading

import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.client import ServerVersion

from ollama_rx import UnreachableError
from ollama_rx.bus.connection import bus_connection
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.rx.internal_loop import begin_on_thread
from tests.bus.nats_process import NatsProcess, free_port

pytestmark = pytest.mark.usefixtures("no_thread_left")


def connections_to(url: str) -> BusConnections:
    return BusConnections(ConnectionOptions.of(url), name="test")


def other_tasks() -> set["asyncio.Task[object]"]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def until_no_task_is_left() -> None:
    while tasks := other_tasks():
        _, pending = await asyncio.wait(tasks, timeout=5)
        assert not pending


def test_users_on_one_loop_share_a_connection(nats_url: str) -> None:
    async def main() -> None:
        connections = connections_to(nats_url)
        async with connections.lease() as one, connections.lease() as two:
            assert one is two
            assert one.is_connected
            assert one.max_payload == 1024 * 1024
            assert one.url == nats_url
        async with connections.lease() as again:
            assert again is one
        await connections.aclose()
        assert not other_tasks()

    asyncio.run(main())


def test_an_unused_connection_is_closed_after_a_moment(
    nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_connection, "_KEEPALIVE", 0.01)

    async def main() -> None:
        connections = connections_to(nats_url)
        async with connections.lease() as first:
            pass
        await until_no_task_is_left()
        async with connections.lease() as second:
            assert second is not first
        await connections.aclose()

    asyncio.run(main())


def test_a_connection_is_closed_when_its_last_user_leaves_after_close(nats_url: str) -> None:
    async def main() -> None:
        connections = connections_to(nats_url)
        async with connections.lease() as connection:
            connections.close()
            await asyncio.sleep(0)
            assert (await connection.nats.rtt()) > 0
        await until_no_task_is_left()
        await connections.aclose()

    asyncio.run(main())


def test_nothing_is_left_on_a_loop_of_our_own(nats_url: str) -> None:
    connections = connections_to(nats_url)
    used: list[BusConnection] = []
    ended = threading.Event()

    async def use() -> bool:
        async with connections.lease() as connection:
            used.append(connection)
        ended.set()
        return False

    begin_on_thread(lambda loop: loop.create_task(use()), lambda _: None)
    assert ended.wait(10)
    assert len(used) == 1
    connections.close()


def test_nothing_is_left_of_a_loop_that_ends(nats_url: str) -> None:
    connections = connections_to(nats_url)

    async def use() -> None:
        async with connections.lease():
            pass

    asyncio.run(use())  # a socket that is still open would be a warning, and so an error
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use())
    loop.close()
    gc.collect()
    connections.close()


def test_a_server_that_is_missing_is_told_at_once() -> None:
    async def main() -> None:
        url = f"nats://127.0.0.1:{free_port()}"
        connections = connections_to(url)
        for _ in range(2):
            with pytest.raises(UnreachableError, match=url):
                async with connections.lease(None):
                    pass
        await until_no_task_is_left()

    asyncio.run(main())


def test_a_server_that_does_not_answer_is_given_up() -> None:
    async def main() -> None:
        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await ended.wait()
            writer.close()

        ended = asyncio.Event()
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(UnreachableError, match=url):
            async with connections_to(url).lease(0.05):
                pass
        ended.set()
        server.close()
        await server.wait_closed()
        await until_no_task_is_left()

    asyncio.run(main())


def test_a_user_that_gives_up_while_it_is_opened_leaves_nothing(nats_url: str) -> None:
    async def main() -> None:
        connections = connections_to(nats_url)

        async def use() -> None:
            async with connections.lease():
                raise AssertionError

        using = asyncio.create_task(use())
        await asyncio.sleep(0)
        using.cancel()
        await asyncio.wait({using})
        await connections.aclose()
        await until_no_task_is_left()

    asyncio.run(main())


def test_a_lost_server_is_waited_for(nats_process: NatsProcess) -> None:
    async def main() -> None:
        connections = connections_to(nats_process.url)
        async with connections.lease() as connection:
            back = asyncio.Event()
            forget = connection.on_reconnect(back.set)
            nats_process.kill()
            while connection.is_connected:  # noqa: ASYNC110 - another process has been killed
                await asyncio.sleep(0.001)
            waiting = asyncio.create_task(connection.connected())
            await asyncio.to_thread(nats_process.start)
            await waiting
            await back.wait()
            forget()
            await connection.connected()
        await connections.aclose()

    asyncio.run(main())


def test_a_connection_that_ends_for_good_is_replaced(nats_url: str) -> None:
    async def main() -> None:
        connections = connections_to(nats_url)
        async with connections.lease() as connection:
            await connection.nats.close()
            await connection.lost
            with pytest.raises(UnreachableError, match="the connection was closed"):
                await connection.connected()
            async with connections.lease() as other:
                assert other is not connection
        await connections.aclose()
        await until_no_task_is_left()

    asyncio.run(main())


def test_closing_after_a_loop_was_closed_by_hand_is_harmless(nats_url: str) -> None:
    connections = connections_to(nats_url)
    loop = asyncio.new_event_loop()

    async def use() -> None:
        async with connections.lease():
            pass

    loop.run_until_complete(use())
    loop.close()
    connections.close()


def test_closed_connections_are_forgotten_and_closing_one_is_no_loss(
    nats_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    connections = connections_to(nats_url)

    async def use() -> None:
        async with connections.lease():
            assert len(connections._by_loop) == 1

    asyncio.run(use())
    asyncio.run(use())
    assert not connections._by_loop
    assert not caplog.records


def test_a_server_that_is_too_old_is_refused_and_one_of_an_unknown_version_is_not(nats_url: str) -> None:
    def version(text: str) -> property:
        return property(lambda _client: ServerVersion(text))

    async def main() -> None:
        with pytest.raises(UnreachableError, match=r"nats-server 2\.10 is too old, 2\.11 or newer is needed"):
            await use("2.10.26")
        for accepted in ("2.11.0", "3.0.0", "of my own"):
            await use(accepted)

    async def use(text: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(NatsClient, "connected_server_version", version(text))
            connections = connections_to(nats_url)
            try:
                async with connections.lease():
                    pass
            finally:
                await connections.aclose()
                await until_no_task_is_left()

    asyncio.run(main())
