"""The fast transport against a server that says exactly these bytes."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable

import httpx
import pytest

from ollama_rx.testing import silent_url
from ollama_rx.transport.connection import Connection
from ollama_rx.transport.http_transport import HttpTransport
from tests.transport.raw_server import HELLO, OK, raw_server, request, says, says_until_left

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO_1_0 = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CLOSING = OK + b"Connection: Close\r\nContent-Length: 5\r\n\r\nhello"


def run(work: Callable[[httpx.AsyncClient], Awaitable[object]]) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(transport=HttpTransport(), trust_env=False) as client:
            await work(client)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param(HELLO, "hello", id="length"),
        pytest.param(OK + b"\r\nhello", "hello", id="open"),
        pytest.param(HELLO_1_0, "hello", id="HTTP/1.0"),
        pytest.param(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", "hello", id="chunked"),
        pytest.param(CHUNKED + b"5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", "hello", id="trailer"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, "hello", id="100"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + HELLO, "hello", id="103"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", "", id="204"),
        pytest.param(HELLO + b"HTTP/1.1 500 Oops\r\n\r\n", "hello", id="more than was announced"),
    ],
)
def test_a_response_is_read_to_its_end(reply: bytes, text: str) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        assert (await client.get(url)).text == text

    with raw_server(says(reply)) as url:
        run(work)


def test_a_head_request_has_no_body() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        response = await client.head(url)
        assert (response.content, response.headers["content-length"]) == (b"", "5")
        assert (await client.get(url)).text == "hello"

    with raw_server(says(HELLO[:-5], HELLO)) as url:
        run(work)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n\r\n", id="another protocol"),
        pytest.param(OK + b"Content-Le", id="half a head"),
        pytest.param(OK + b"A: " + b"x" * 100_000, id="a head without an end"),
        pytest.param(OK + b"Content-Length: 9\r\n\r\nhello", id="half a body"),
        pytest.param(CHUNKED + b"9\r\nhello", id="half a chunk"),
        pytest.param(CHUNKED + b"5\r\nhelloXX", id="no chunk"),
        pytest.param(OK + b"Content-Length: x\r\n\r\n", id="no length"),
    ],
)
def test_a_response_that_breaks_is_an_error(reply: bytes) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.TransportError):
            await client.get(url)

    with raw_server(says(reply)) as url:
        run(work)


def test_a_connection_serves_many_requests() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(3):
            assert (await client.post(url, content=b"{}")).text == "hello"

    with raw_server(says(HELLO, HELLO, HELLO)) as url:
        run(work)


@pytest.mark.parametrize(
    "reply", [CLOSING, HELLO_1_0, HELLO + b"x"], ids=["Connection: close", "HTTP/1.0", "more bytes"]
)
def test_a_connection_that_may_not_be_used_again_is_closed(reply: bytes) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get(url)).text == "hello"

    with raw_server(says_until_left(reply), says(HELLO)) as url:
        run(work)


def test_a_server_that_hangs_up_in_the_moment_of_a_request_is_asked_again() -> None:
    def hangs_up_when_asked(connection: socket.socket) -> None:
        says(HELLO, b"")(connection)

    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get(url)).text == "hello"

    with raw_server(hangs_up_when_asked, says(HELLO)) as url:
        run(work)


def test_a_used_connection_that_breaks_in_its_answer_is_not_asked_again() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        assert (await client.get(url)).text == "hello"
        with pytest.raises(httpx.TransportError):
            await client.get(url)

    with raw_server(says(HELLO, OK), says(HELLO)) as url:
        run(work)


def test_an_answer_may_come_before_the_request_is_read() -> None:
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nhello"
    answered = threading.Event()

    def refuses(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(refused)
        assert answered.wait(10)

    async def work(client: httpx.AsyncClient) -> None:
        response = await client.post(url, content=b"x" * 20_000_000)
        assert (response.status_code, response.text) == (413, "hello")
        answered.set()
        assert (await client.get(url)).text == "hello"

    with raw_server(refuses, says(HELLO)) as url:
        run(work)


def test_a_request_of_many_megabytes_arrives_whole() -> None:
    sizes: list[int] = []
    image = b"x" * 20_000_000

    def measures(connection: socket.socket) -> None:
        sizes.append(len(request(connection).partition(b"\r\n\r\n")[2]))
        connection.sendall(HELLO)

    async def work(client: httpx.AsyncClient) -> None:
        assert (await client.post(url, content=image)).text == "hello"

    with raw_server(measures) as url:
        run(work)
    assert sizes == [len(image)]


def test_a_request_that_http_cannot_say_leaves_no_connection() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get(url, headers={"a": "b\nc"})
        await asyncio.sleep(0)

    left = threading.Event()

    def notes_the_end(connection: socket.socket) -> None:
        assert request(connection) == b""
        left.set()

    with raw_server(notes_the_end) as url:
        run(work)
        assert left.wait(10)


@pytest.mark.parametrize("reply", [HELLO, HELLO[:-1]], ids=["complete", "incomplete"])
def test_cancelling_after_the_head_has_come_closes_the_connection(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head has woken the task up, and before it runs it is cancelled."""
    tasks: list[asyncio.Task[httpx.Response]] = []
    receive = Connection.data_received

    def receive_and_cancel(connection: Connection, data: bytes) -> None:
        receive(connection, data)
        tasks[0].cancel()

    async def work(client: httpx.AsyncClient) -> None:
        tasks.append(asyncio.create_task(client.get(url)))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    monkeypatch.setattr(Connection, "data_received", receive_and_cancel)
    with raw_server(says_until_left(reply)) as url:
        run(work)


def test_a_server_that_does_not_answer_the_telephone_is_given_up() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ConnectTimeout):
            await client.get(url, timeout=0.05)

    with silent_url() as url:
        run(work)


def test_a_port_where_nobody_listens_is_an_error() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)

    with raw_server() as url:
        pass
    run(work)


def test_who_leaves_a_body_unread_leaves_no_connection() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", url):
            pass
        async with client.stream("GET", url) as response:
            async for _ in response.aiter_raw():
                break
        assert (await client.get(url)).text == "hello"

    with raw_server(says_until_left(HELLO), says_until_left(HELLO[:-1]), says(HELLO)) as url:
        run(work)
