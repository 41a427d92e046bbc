"""A transport of the user's own, carried to all loops and threads."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from reactivex import operators as rx

from ollama_rx import Client
from ollama_rx import operators as op

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
        chunks = client.generate("Hi").pipe(op.chunk_text()).pipe(rx.to_list()).run()
    assert chunks == ["Hel", "lo"]
