"""Contract 1: one subscription is one request; it is repeated at most once, and only if that does no harm."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from reactivex import Observable

from ollama_rx import Client, IncompleteStreamError, UnreachableError
from ollama_rx.testing import FakeOllama, Gate, all_at_once, answer, cut, raw_reply
from tests.transport.raw_server import ANSWER, raw_server, read_request, replies_with

IDLE = 50

Call = Callable[[Client], Observable[Any]]

CALLS: dict[str, tuple[Call, int]] = {
    "/api/generate": (lambda client: client.generate("x"), 2),
    "/api/chat": (lambda client: client.chat([{"role": "user", "content": "x"}]), 2),
    "/api/embed": (lambda client: client.embed("x"), 2),
    "/api/show": (lambda client: client.show(), 2),
    "/api/tags": (lambda client: client.models(), 2),
    "/api/ps": (lambda client: client.running(), 2),
    "/api/version": (lambda client: client.version(), 2),
    "/api/delete": (lambda client: client.delete("x"), 1),
    "/api/copy": (lambda client: client.copy("x", "y"), 1),
    "/api/create": (lambda client: client.create("x", from_="y"), 1),
    "/api/pull": (lambda client: client.pull(), 1),
    "/api/push": (lambda client: client.push(), 1),
}
"""By path: the call, and how many requests it sends when the server closes a reused connection."""


def run(main: Callable[[FakeOllama], Any], uvloop: object) -> None:
    factory = pytest.importorskip("uvloop").new_event_loop if uvloop else asyncio.new_event_loop
    with FakeOllama() as fake, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(fake))


async def make_idle(client: Client, fake: FakeOllama, count: int) -> None:
    """Leave the client with so many idle connections."""
    gate = Gate()
    fake.play(answer(gate, "x").sent(all_at_once, framing="length"))
    answers = asyncio.gather(*[client.generate("x") for _ in range(count)])
    await fake.aio.wait_for_request(count)
    gate.open()
    await answers
    fake.forget()


@pytest.mark.parametrize("uvloop", [False, True], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_request_is_repeated_once_whatever_the_number_of_idle_connections(
    reset: bool,  # noqa: FBT001 - a parameter of the test
    uvloop: object,
) -> None:
    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="m") as client:
            await make_idle(client, fake, IDLE)
            for path, (call, requests) in CALLS.items():
                fake.play(raw_reply(cut(reset=reset)), path=path)
                with pytest.raises(IncompleteStreamError, match=r"^the .* (hung up|broke) before"):
                    await call(client)
                sent = [exchange.request for exchange in fake.exchanges]
                assert [request.path for request in sent] == [path] * requests
                assert len({request.connection for request in sent}) == requests
                assert sent[-1].connection > IDLE, "the last one was not sent on a new connection"
                fake.forget()

    run(main, uvloop)


@pytest.mark.parametrize("path", CALLS)
def test_on_a_new_connection_nothing_is_repeated(path: str) -> None:
    async def main(fake: FakeOllama) -> None:
        fake.play(raw_reply(), path=path)
        async with Client(fake.url, model="m") as client:
            with pytest.raises(IncompleteStreamError):
                await CALLS[path][0](client)
        assert len(fake.exchanges) == 1

    run(main, uvloop=False)


def test_through_a_transport_of_the_users_nothing_is_repeated() -> None:
    """Whether a byte has arrived, and on which connection, is not known there."""

    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="m", transport=httpx.AsyncHTTPTransport()) as client:
            await make_idle(client, fake, 3)
            for path, (call, _) in CALLS.items():
                fake.play(raw_reply(), path=path)
                with pytest.raises(IncompleteStreamError):
                    await call(client)
                assert [exchange.request.path for exchange in fake.exchanges] == [path]
                fake.forget()

    run(main, uvloop=False)


def test_a_request_that_was_written_in_part_is_repeated_whole() -> None:
    sizes: list[int] = []

    def answers_once_and_closes_within_the_next_request(connection: socket.socket) -> None:
        replies_with(ANSWER)(connection)
        connection.recv(1000)

    def measures(connection: socket.socket) -> None:
        sizes.append(len(read_request(connection)))
        connection.sendall(ANSWER)

    async def main(url: str) -> None:
        async with Client(url, model="m") as client:
            await client.generate("x")
            assert (await client.generate("x", images=[b"x" * 8_000_000])).text == "hello"

    with raw_server(answers_once_and_closes_within_the_next_request, measures) as url:
        asyncio.run(main(url))
    assert sizes[0] > 8_000_000


def test_a_server_that_is_gone_when_the_request_is_repeated_is_unreachable() -> None:
    async def main() -> None:
        requests = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal requests
            for reply in (ANSWER, b""):
                await reader.readuntil(b'"stream":true}')
                requests += 1
                writer.write(reply)
            server.close()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Client(f"http://127.0.0.1:{port}", model="m") as client:
            await client.generate("x")
            with pytest.raises(UnreachableError):
                await client.generate("x")
        assert requests == 2

    asyncio.run(main())


@pytest.mark.parametrize("uvloop", [False, True], ids=["asyncio", "uvloop"])
def test_a_server_that_restarts_between_two_requests_costs_no_request(uvloop: object) -> None:
    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="m") as client:
            for path, (call, _) in CALLS.items():
                await make_idle(client, fake, 3)
                await asyncio.to_thread(fake.hang_up)
                fake.play(answer("x"))
                await call(client)
                assert [exchange.request.path for exchange in fake.exchanges] == [path]

    run(main, uvloop)
