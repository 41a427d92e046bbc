"""Connections of nats-py end in time, whatever the server does, and say nothing that is not encrypted."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from nats.aio.client import Client as NatsClient
from nats.errors import NoServersError

from ollama_rx.bus.connection import nats_transport
from ollama_rx.bus.connection.nats_transport import NatsTransport, new_client
from tests.bus.conftest import StartServer
from tests.bus.nats_process import NatsProcess
from tests.contracts.conftest import eventually

Run = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine on a loop of asyncio or uvloop, for half a minute at most."""
    factory = (
        asyncio.new_event_loop if request.param == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    )

    async def bounded(main: Coroutine[None, None, None]) -> None:
        async with asyncio.timeout(30):
            await main

    def run(main: Coroutine[None, None, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(bounded(main))

    return run


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(ca: trustme.CA, tmp_path: Path) -> Iterator[NatsProcess]:
    """Yield a server with TLS."""
    file = tmp_path / "server.pem"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    server = NatsProcess(tmp_path, settings=f'tls {{ cert_file: "{file}", key_file: "{file}" }}')
    yield server.start()
    server.kill()


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def transport_of(client: NatsClient) -> NatsTransport:
    transport = client._transport
    assert isinstance(transport, NatsTransport)
    return transport


async def connect(client: NatsClient, url: str, tls: ssl.SSLContext | None = None) -> list[Exception]:
    """Connect, and return what went wrong."""
    problems: list[Exception] = []

    async def failed(error: Exception) -> None:
        problems.append(error)

    try:
        await client.connect(url, tls=tls, error_cb=failed, max_reconnect_attempts=1, reconnect_time_wait=0)
    except NoServersError:
        assert problems
    return problems


def test_with_tls_nothing_is_logged_when_a_connection_ends(
    run: Run, server: NatsProcess, ca: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        client = new_client(demands_tls=True)
        assert await connect(client, server.url, trusting(ca)) == []
        assert (await client.request("$JS.API.INFO", timeout=10)).data
        await client.close()

    run(main())
    assert caplog.text == ""


def test_a_connection_with_tls_reconnects(run: Run, server: NatsProcess, ca: trustme.CA) -> None:
    async def main() -> None:
        back = asyncio.Event()

        async def reconnected() -> None:
            back.set()

        client = new_client(demands_tls=True)
        await client.connect(
            server.url, tls=trusting(ca), reconnected_cb=reconnected, error_cb=ignore, reconnect_time_wait=0
        )
        server.kill()
        server.start()
        await back.wait()
        assert (await client.request("$JS.API.INFO", timeout=10)).data
        await client.close()

    async def ignore(_: Exception) -> None: ...

    run(main())


def test_a_subject_that_is_not_utf_8_is_read_all_the_same() -> None:
    message = new_client(demands_tls=False)._build_message(1, b"strange.\xff", b"\xfe", b"Hi", None)
    assert (message.subject, message.reply, message.data) == ("strange.\ufffd", "\ufffd", b"Hi")


@pytest.mark.parametrize("headers", [b"", b"x", b"\r\n\r\n", b"NATS/1.0 \xff\r\n\r\n"])
def test_headers_that_nobody_can_read_count_as_none(headers: bytes) -> None:
    assert asyncio.run(new_client(demands_tls=False)._process_headers(headers)) is None


def test_a_fault_while_a_message_is_handled_is_like_a_lost_connection(
    run: Run, nats_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty:
        def cancelled(self) -> bool:
            return False

        def set_result(self, _: object) -> None:
            raise RuntimeError("a fault")

    async def main() -> None:
        back = asyncio.Event()

        async def reconnected() -> None:
            back.set()

        async def ignore(_: Exception) -> None: ...

        client = new_client(demands_tls=False)
        await client.connect(nats_url, reconnected_cb=reconnected, error_cb=ignore, reconnect_time_wait=0)
        await client.subscribe("faulty", future=cast("asyncio.Future[Any]", Faulty()))
        await client.publish("faulty", b"Hi")
        await back.wait()
        assert (await client.request("$JS.API.INFO", timeout=10)).data
        await client.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())
    assert "a fault" in caplog.text


def test_a_failed_handshake_is_told_at_once_and_leaves_nothing(run: Run, server: NatsProcess) -> None:
    async def main() -> None:
        client = new_client(demands_tls=True)
        problems = await connect(client, server.url)
        assert {type(problem) for problem in problems} == {ssl.SSLCertVerificationError}
        assert len(problems) == 2  # one for each attempt
        await client.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_login_is_not_sent_without_tls_and_neither_is_what_waits_to_be_sent(
    run: Run, server: NatsProcess, ca: trustme.CA
) -> None:
    """A server with TLS is replaced by one without while the client is connected."""

    async def main() -> None:
        problems: list[str] = []
        refused = asyncio.Event()

        async def failed(error: Exception) -> None:
            problems.append(str(error))
            if "does not use TLS" in str(error):
                refused.set()

        client = new_client(demands_tls=True)
        await client.connect(server.url, tls=trusting(ca), error_cb=failed, reconnect_time_wait=0)
        server.kill()
        server.settings = "debug: true\ntrace: true"
        server.start()
        await refused.wait()
        await client.publish("subject", b"a secret")
        await client.close()
        assert eventually(
            lambda: server.log.count("connection created") == server.log.count("onnection closed")
        )
        assert "[CONNECT" not in server.log
        assert "a secret" not in server.log

    run(main())


@pytest.mark.parametrize("waits_to_be_sent", [False, True])
def test_closing_does_not_wait_for_a_server_that_reads_nothing(
    run: Run, nats_process: NatsProcess, monkeypatch: pytest.MonkeyPatch, *, waits_to_be_sent: bool
) -> None:
    monkeypatch.setattr(nats_transport, "_CLOSING", 0.05)

    async def main() -> None:
        client = new_client(demands_tls=False)
        await connect(client, nats_process.url)
        nats_process.pause()
        for _ in range(64):  # more than the system takes for a process that does not read
            transport_of(client).write(b"PUB subject 1048575\r\n" + bytes(1048575) + b"\r\n")
        for _ in range(2 * waits_to_be_sent):  # nats-py holds back what follows the first one
            await client.publish("subject", b"")
            await asyncio.sleep(0)
        await client.close()

    run(main())


def test_a_transport_that_was_never_connected_is_closed_at_once(run: Run) -> None:
    async def main() -> None:
        transport = NatsTransport(demands_tls=False)
        assert transport
        transport.writelines([b"nothing"])
        await transport.drain()
        transport.abort()
        transport.close()  # type: ignore[no-untyped-call]
        await transport.wait_closed()

    run(main())


def test_a_loop_that_ends_while_a_connection_is_closed_loses_neither_that_nor_the_last_message(
    run: Run, nats_url: str
) -> None:
    async def say_and_close(client: NatsClient) -> None:
        await client.publish("farewell", b"bye")
        await client.close()

    async def main() -> None:
        listener, client = (new_client(demands_tls=False) for _ in range(2))
        await connect(listener, nats_url)
        heard = await listener.subscribe("farewell")
        await listener.flush()
        before = asyncio.all_tasks()
        await connect(client, nats_url)
        closing = asyncio.create_task(say_and_close(client))
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - before:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert (await heard.next_msg(timeout=10)).data == b"bye"
        await listener.close()

    run(main())


def test_closing_a_connection_that_was_just_lost_leaves_no_task(run: Run, nats_process: NatsProcess) -> None:
    async def main() -> None:
        async def taken(_: object) -> None: ...

        client = new_client(demands_tls=False)
        await connect(client, nats_process.url)
        await client.subscribe("subject", cb=taken)
        transport_of(client).abort()
        transport_of(client).write(b"PING\r\n")
        await client.publish("subject", b"text")
        await client.close()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    run(main())


def test_a_permission_that_is_missing_does_not_end_the_connection(
    run: Run, start_server: StartServer
) -> None:
    user = '{ user: "ada", password: "secret", permissions: { publish: "allowed" } }'
    server = start_server(f"authorization {{ users: [ {user} ] }}")

    async def main() -> None:
        denied: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

        async def failed(error: Exception) -> None:
            denied.set_result(error)

        client = new_client(demands_tls=False)
        await client.connect(server.url, user="ada", password="secret", error_cb=failed)
        await client.publish("forbidden", b"")
        assert "permissions violation" in str(await denied)
        await client.publish("allowed", b"")
        await client.flush()
        await client.close()

    run(main())
