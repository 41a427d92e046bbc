"""Who reads a body piece by piece makes the server wait, instead of a heap grow."""

import asyncio

import httpx

from ollama_rx.testing import FakeOllama, answer, endless
from ollama_rx.transport.http_transport import HttpTransport


def test_a_slow_reader_pauses_the_server_and_goes_on() -> None:
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
