"""The fast transport against a server that sends exact bytes."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from ollama_rx.testing import FakeOllama, answer, endless, silent_url
from ollama_rx.transport.connection import Connection
from ollama_rx.transport.http_transport import HttpTransport
from tests.transport.raw_server import HELLO, OK, raw_server, read_request, replies_until_closed, replies_with

DIGEST = f"sha256:{hashlib.sha256(b'hello').hexdigest()}"
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
        pytest.param(OK + b"\r\nhello", "hello", id="until close"),
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

    with raw_server(replies_with(reply)) as url:
        run(work)


def test_a_head_request_has_no_body() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        response = await client.head(url)
        assert (response.content, response.headers["content-length"]) == (b"", "5")
        assert (await client.get(url)).text == "hello"

    with raw_server(replies_with(HELLO[:-5], HELLO)) as url:
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
        pytest.param(CHUNKED + b"5\r\nhelloXX", id="malformed chunk"),
        pytest.param(OK + b"Content-Length: x\r\n\r\n", id="malformed length"),
    ],
)
def test_a_response_that_breaks_is_an_error(reply: bytes) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.TransportError):
            await client.get(url)

    with raw_server(replies_with(reply)) as url:
        run(work)


def test_a_connection_serves_many_requests() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(3):
            assert (await client.get(url)).text == "hello"

    with raw_server(replies_with(HELLO, HELLO, HELLO)) as url:
        run(work)


@pytest.mark.parametrize(
    "reply", [CLOSING, HELLO_1_0, HELLO + b"x"], ids=["Connection: close", "HTTP/1.0", "more bytes"]
)
def test_a_connection_that_may_not_be_used_again_is_closed(reply: bytes) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get(url)).text == "hello"

    with raw_server(replies_until_closed(reply), replies_with(HELLO)) as url:
        run(work)


def test_a_request_on_a_reused_connection_that_is_just_being_closed_is_sent_again() -> None:
    def hangs_up_when_asked(connection: socket.socket) -> None:
        replies_with(HELLO, b"")(connection)

    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.get(url)).text == "hello"

    with raw_server(hangs_up_when_asked, replies_with(HELLO)) as url:
        run(work)


def test_a_request_that_may_change_something_is_sent_on_a_new_connection() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        await client.get(f"{fake.url}/api/version")
        await client.post(f"{fake.url}/api/generate", json={"prompt": "x"})
        await client.get(f"{fake.url}/api/version")
        assert [request.connection for request in fake.requests] == [1, 2, 2]

    with FakeOllama(answer("x").sent(framing="length")) as fake:
        run(work)


def test_a_request_is_not_sent_again_after_a_part_of_the_response_has_arrived() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        assert (await client.get(url)).text == "hello"
        with pytest.raises(httpx.TransportError):
            await client.get(url)

    with raw_server(replies_with(HELLO, OK), replies_with(HELLO)) as url:
        run(work)


def test_a_response_may_arrive_before_the_whole_request_is_sent() -> None:
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

    with raw_server(refuses, replies_with(HELLO)) as url:
        run(work)


def test_a_request_of_many_megabytes_arrives_whole() -> None:
    sizes: list[int] = []
    image = b"x" * 20_000_000

    def measures(connection: socket.socket) -> None:
        sizes.append(len(read_request(connection).partition(b"\r\n\r\n")[2]))
        connection.sendall(HELLO)

    async def work(client: httpx.AsyncClient) -> None:
        assert (await client.post(url, content=image)).text == "hello"

    with raw_server(measures) as url:
        run(work)
    assert sizes == [len(image)]


def test_a_request_with_an_invalid_header_opens_no_connection() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.LocalProtocolError):  # a ConnectError if it had tried to connect
            await client.get(f"http://127.0.0.1:{port}", headers={"a": "b\nc"})

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        run(work)


@pytest.mark.parametrize("reply", [HELLO, HELLO[:-1]], ids=["complete", "incomplete"])
def test_cancelling_after_the_head_has_come_closes_the_connection(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head wakes the waiting task, which is cancelled before it runs."""
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
    with raw_server(replies_until_closed(reply)) as url:
        run(work)


def test_connecting_to_a_server_that_does_not_accept_times_out() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ConnectTimeout):
            await client.get(url, timeout=0.05)

    with silent_url() as url:
        run(work)


def test_a_closed_port_is_an_error() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)

    with raw_server() as url:
        pass
    run(work)


def test_a_body_that_is_not_read_to_its_end_closes_its_connection() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", url):
            pass
        async with client.stream("GET", url) as response:
            async for _ in response.aiter_raw():
                break
        assert (await client.get(url)).text == "hello"

    with raw_server(
        replies_until_closed(HELLO), replies_until_closed(HELLO[:-1]), replies_with(HELLO)
    ) as url:
        run(work)


def test_a_slow_reader_pauses_the_server_and_then_continues() -> None:
    async def read(fake: FakeOllama) -> int:
        async with (
            httpx.AsyncClient(transport=HttpTransport()) as client,
            client.stream("POST", f"{fake.url}/api/generate", json={"model": "m", "prompt": "x"}) as response,
        ):
            pieces = response.aiter_raw()
            size = len(await anext(pieces))
            exchange = await fake.aio.wait_for_pause()
            held = exchange.bytes_written
            while size < held + 100_000:
                size += len(await anext(pieces))
            return exchange.pauses

    with FakeOllama(answer(endless("word " * 50)), send_buffer_bytes=4096) as fake:
        assert asyncio.run(read(fake)) >= 1
        fake.wait_for_disconnect()


# bodies that are not in memory


def post(content: AsyncIterator[bytes], **headers: str) -> FakeOllama:
    async def work(client: httpx.AsyncClient) -> None:
        url = f"{fake.url}/api/blobs/{DIGEST}"
        assert (await client.post(url, content=content, headers=headers)).status_code == 201

    with FakeOllama() as fake:
        run(work)
    return fake


async def hello() -> AsyncIterator[bytes]:
    for piece in (b"he", b"", b"llo"):
        yield piece


def test_a_body_without_a_length_is_sent_in_chunks() -> None:
    fake = post(hello())
    assert fake.blobs == {DIGEST: b"hello"}
    assert fake.requests[0].headers["transfer-encoding"] == "chunked"


def test_a_body_with_a_length_is_sent_as_it_is() -> None:
    fake = post(hello(), **{"content-length": "5"})
    assert fake.blobs == {DIGEST: b"hello"}
    assert "transfer-encoding" not in fake.requests[0].headers


def test_a_body_is_sent_while_it_is_read() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        async def content() -> AsyncIterator[bytes]:
            yield b"he"
            await fake.aio.wait_for_connections(1)
            yield b"llo"

        url = f"{fake.url}/api/blobs/{DIGEST}"
        assert (await client.post(url, content=content())).status_code == 201

    with FakeOllama() as fake:
        run(work)


@pytest.mark.parametrize("length", ["4", "6"])
def test_a_body_of_another_length_than_its_head_says_is_an_error(length: str) -> None:
    with pytest.raises(httpx.LocalProtocolError, match=f"has 5 bytes, its head says {length}"):
        post(hello(), **{"content-length": length})


def test_a_body_of_which_the_head_says_nothing_is_refused() -> None:
    class Body(httpx.AsyncByteStream):
        def __aiter__(self) -> AsyncIterator[bytes]:
            return hello()

    request = httpx.Request("POST", "http://127.0.0.1:1/", headers={"host": "x"}, stream=Body())
    with pytest.raises(httpx.LocalProtocolError, match="Too much data"):
        asyncio.run(HttpTransport().handle_async_request(request))


def test_an_answer_that_comes_before_the_end_of_the_body_ends_its_sending() -> None:
    async def work(client: httpx.AsyncClient) -> None:
        ended = asyncio.Event()

        async def content() -> AsyncIterator[bytes]:
            try:
                yield b"he"
                await asyncio.Event().wait()
            finally:
                ended.set()

        assert (await client.post(url, content=content())).text == "hello"
        await ended.wait()

    with raw_server(replies_with(HELLO)) as url:
        run(work)
