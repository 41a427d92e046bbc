"""Connections live as long as their loop, in use or idle."""

import asyncio
import gc

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, Gate, answer, line


def test_an_answer_whose_body_has_not_ended_leaves_nothing_behind_its_loop() -> None:
    gate = Gate()

    async def ask(client: Client) -> str:
        chunk = await client.generate("Hi")
        return chunk.text

    with FakeOllama(answer(line({"response": "x", "done": True}), gate, ending="none")) as fake:
        assert asyncio.run(ask(Client(fake.url, model="m"))) == "x"
        gc.collect()  # a socket left open would warn now
        fake.wait_for_connections(0)
        gate.open()


def test_a_stream_under_way_is_told_that_its_loop_ends() -> None:
    errors: list[Exception] = []

    async def leave(client: Client) -> None:
        arrived = asyncio.Event()
        client.generate("Hi").subscribe(lambda _: arrived.set(), errors.append)
        await arrived.wait()

    gate = Gate()
    with FakeOllama(answer("x", gate)) as fake:
        asyncio.run(leave(Client(fake.url, model="m")))
        gc.collect()
        fake.wait_for_connections(0)
        gate.open()
    assert len(errors) == 1
