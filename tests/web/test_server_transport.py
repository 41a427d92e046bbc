"""uvicorn's transport, from what an application is given."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive

from ollama_rx.web.server_transport import server_transport


class Cycle:
    """uvicorn's side of one request."""

    transport = asyncio.WriteTransport()

    async def receive(self) -> Message:
        return {}


class Wrapped:
    """The request of a middleware, as Starlette makes it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def receive(self) -> Message:
        return await self._receive()


def wrapped(times: int) -> Receive:
    receive = Cycle().receive
    for _ in range(times):
        receive = Wrapped(receive).receive
    return receive


@pytest.mark.parametrize("times", [0, 1, 2, 10])
def test_the_transport_is_found_behind_middleware(times: int) -> None:
    assert server_transport(wrapped(times)) is Cycle.transport


def test_another_server_has_none() -> None:
    async def receive() -> Message:
        return {}

    assert server_transport(receive) is None
    assert server_transport(Wrapped(receive).receive) is None


def test_the_search_has_an_end() -> None:
    owner: Any = Wrapped(Cycle().receive)
    owner._receive = owner.receive

    assert server_transport(owner.receive) is None
