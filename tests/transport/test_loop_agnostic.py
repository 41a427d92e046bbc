"""A transport of the user's own, used from any event loop and any thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx
import pytest
from reactivex import operators as rx

from ollama_rx import Client
from ollama_rx import operators as op
from ollama_rx.testing import FakeOllama
from ollama_rx.transport import loop_agnostic
from ollama_rx.transport.loop_agnostic import LoopBridgeTransport

_LINES = [b'{"response":"Hel","done":false}\n', b'{"response":"lo","done":false}\n', b'{"done":true}\n']


class Generated(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for line in _LINES:
            yield line


class Counted(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self._left = list(_LINES)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)


@pytest.mark.parametrize(
    "reply",
    [
        lambda: httpx.Response(200, content=b"".join(_LINES)),
        lambda: httpx.Response(200, stream=Generated()),
        lambda: httpx.Response(200, stream=Counted()),
    ],
    ids=["read already", "a generator", "an iterator"],
)
def test_a_mock_transport_may_give_its_body_in_any_form(reply: Callable[[], httpx.Response]) -> None:
    with Client("http://x", model="m", transport=httpx.MockTransport(lambda _: reply())) as client:
        chunks = client.generate("Hi").pipe(op.text()).pipe(rx.to_list()).run()
    assert chunks == ["Hel", "lo"]


class Cancelling(httpx.AsyncBaseTransport):
    """Cancels the task that sent the request, and answers at the same time."""

    def __init__(self) -> None:
        self.sender: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.body = Closable()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self.sender is not None
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.sender.cancel)
        return httpx.Response(200, stream=self.body, request=request)


class Closable(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.closed = threading.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""

    async def aclose(self) -> None:
        self.closed.set()


def test_a_response_that_arrives_as_its_request_is_cancelled_is_closed() -> None:
    inner = Cancelling()

    async def main() -> None:
        transport = LoopBridgeTransport(inner)

        async def send() -> None:
            response = await transport.handle_async_request(httpx.Request("GET", "http://x/"))
            await response.aclose()  # the response came first

        inner.loop = asyncio.get_running_loop()
        inner.sender = asyncio.create_task(send())
        with suppress(asyncio.CancelledError):
            await inner.sender
        assert await asyncio.to_thread(inner.body.closed.wait, 10)
        await transport.aclose()

    asyncio.run(main())


class Chained(httpx.AsyncByteStream):
    """A body whose generators each drop the next one as they end; the loop closes them one by one."""

    LENGTH = 300

    def __init__(self) -> None:
        self.ended = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        first: AsyncIterator[bytes] | None = None
        for _ in range(self.LENGTH):
            first = self._link(first)
            await anext(first)
        for line in _LINES:
            yield line

    async def _link(self, _next: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
        try:
            yield b""
        finally:
            self.ended += 1


@pytest.mark.parametrize("closing", [False, True], ids=["the thread ends", "the transport is closed"])
def test_generators_dropped_half_way_are_closed_before_the_loop_stops(closing: object) -> None:
    """Python 3.13 warns of a generator whose `aclose` was never awaited; each version would leave it open."""
    body = Chained()
    inner = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    client = Client("http://x", model="m", transport=inner)
    assert client.generate("Hi").run().done
    if closing:
        client.close()
    for thread in threading.enumerate():
        if thread.name == "ollama-rx-transport":
            thread.join(10)
    assert body.ended == Chained.LENGTH
    client.close()


def test_the_transport_can_be_closed_and_used_again_from_a_thread() -> None:
    with FakeOllama() as fake:
        transport = LoopBridgeTransport(httpx.AsyncHTTPTransport())
        for _ in range(2):
            client = Client(fake.url, model="echo", transport=transport)
            assert client.generate("Hi").run().done
            client.close()


class Connecting(httpx.AsyncBaseTransport):
    """Connects until it is cancelled, and then takes a moment to give up; never answers."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.connecting = threading.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.connecting.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.events.append("gave up")
        raise httpx.ConnectError("never", request=request)

    async def aclose(self) -> None:
        self.events.append("closed")


def test_the_transport_is_closed_when_the_requests_under_way_have_given_up() -> None:
    inner = Connecting()
    client = Client("http://x", model="m", transport=inner)
    client.generate("Hi").subscribe(on_error=lambda _: None)
    assert inner.connecting.wait(5)
    client.close()
    assert inner.events == ["gave up", "closed"]


def test_a_request_that_does_not_give_up_delays_the_end_of_the_transport_only_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop_agnostic, "_PATIENCE", 0.01)
    inner = Connecting()
    transport = LoopBridgeTransport(inner)

    async def main() -> None:
        request = asyncio.create_task(transport.handle_async_request(httpx.Request("GET", "http://x")))
        await asyncio.to_thread(inner.connecting.wait, 5)
        await transport.aclose()
        assert inner.events == ["closed"]
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request

    asyncio.run(main())
