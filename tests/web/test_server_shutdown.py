"""Responses without an end do not keep a server that shuts down."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ollama_rx.web import server_shutdown
from ollama_rx.web.server_shutdown import ended_by_shutdown
from ollama_rx.web.server_transport import server_transport
from tests.web.in_loop_server import LAST_CHUNK, serving


async def endless(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    ended = asyncio.Event()
    with ended_by_shutdown(server_transport(receive), ended.set):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await ended.wait()
        await send({"type": "http.response.body", "body": b"ended"})


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, "uvloop"])
def test_a_server_that_shuts_down_ends_open_responses(http: str, loop_factory: Any) -> None:
    async def main() -> None:
        async with serving(endless, http=http) as server:
            clients = [await server.connect() for _ in range(3)]
            for client in clients:
                await client.until(b"begun")
            await server.shut_down()
            for client in clients:
                rest = await client.rest()
                assert b"ended" in rest
                assert rest.endswith(LAST_CHUNK)

    if loop_factory == "uvloop":
        loop_factory = pytest.importorskip("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def test_a_server_that_shuts_down_ends_no_response_of_another() -> None:
    async def main() -> None:
        async with serving(endless) as one, serving(endless) as other:
            clients = [await server.connect() for server in (one, other)]
            for client in clients:
                await client.until(b"begun")
            await one.shut_down()
            assert b"ended" in await clients[0].rest()
            assert not clients[1].reader.at_eof()
            await other.shut_down()
            assert b"ended" in await clients[1].rest()

    asyncio.run(main())


def test_servers_of_other_loops_are_not_concerned() -> None:
    ends: list[str] = []

    async def inner() -> None:
        with ended_by_shutdown(None, lambda: ends.append("inner")):
            server_shutdown._end_all([])

    async def outer() -> None:
        with ended_by_shutdown(None, lambda: ends.append("outer")):
            await asyncio.to_thread(asyncio.run, inner())

    asyncio.run(outer())
    assert ends == ["inner"]


def test_the_server_is_extended_once() -> None:
    async def main() -> Callable[..., Any]:
        with ended_by_shutdown(None, list):
            return uvicorn.Server.shutdown

    assert asyncio.run(main()) is asyncio.run(main())
    assert uvicorn.Server.shutdown.__doc__ == uvicorn.Server.shutdown.__wrapped__.__doc__  # type: ignore[attr-defined]


def test_another_server_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with ended_by_shutdown(None, list):
            pass

    monkeypatch.delitem(sys.modules, "uvicorn.server")
    asyncio.run(main())
