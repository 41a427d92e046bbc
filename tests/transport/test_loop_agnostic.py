"""A transport of the user's own, carried to all loops and threads."""

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


class Slow(httpx.AsyncBaseTransport):
    """Answers, and cancels in the same moment who has asked."""

    def __init__(self) -> None:
        self.asker: asyncio.Task[None] | None = None
        self.home: asyncio.AbstractEventLoop | None = None
        self.body = Closed()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self.asker is not None
        assert self.home is not None
        self.home.call_soon_threadsafe(self.asker.cancel)
        return httpx.Response(200, stream=self.body, request=request)


class Closed(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.closed = threading.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""

    async def aclose(self) -> None:
        self.closed.set()


def test_an_answer_that_comes_when_it_is_cancelled_is_closed() -> None:
    inner = Slow()

    async def main() -> None:
        carried = LoopBridgeTransport(inner)

        async def ask() -> None:
            response = await carried.handle_async_request(httpx.Request("GET", "http://x/"))
            await response.aclose()  # or it was not cancelled before it came

        inner.home = asyncio.get_running_loop()
        inner.asker = asyncio.create_task(ask())
        with suppress(asyncio.CancelledError):
            await inner.asker
        assert await asyncio.to_thread(inner.body.closed.wait, 10)
        await carried.aclose()

    asyncio.run(main())


def test_it_can_be_closed_and_used_again_from_a_thread() -> None:
    with FakeOllama() as fake:
        client = Client(fake.url, model="echo", transport=httpx.AsyncHTTPTransport())
        for _ in range(2):
            assert client.generate("Hi").run().done
            client.close()
