"""A cancellation that comes together with a reply is not lost."""

import asyncio

import pytest

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.lost_cancellation import LostCancellation
from ollama_rx.bus.connection.until_answered import until_answered
from tests.bus.on_bus import on_bus


async def as_before_python_3_12(reply: asyncio.Future[str]) -> str:
    """Wait for a reply, as ``asyncio.wait_for`` did."""
    waiter = asyncio.ensure_future(asyncio.wait({reply}))
    try:
        await waiter
    except asyncio.CancelledError:
        if not reply.done():
            raise
    return reply.result()


def test_a_cancellation_that_comes_with_the_reply_ends_the_request(nats_url: str) -> None:
    async def main(connection: BusConnection) -> None:
        reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asked = asyncio.Event()

        async def request() -> str:
            asked.set()
            return await as_before_python_3_12(reply)

        task = asyncio.create_task(until_answered(connection, request))
        await asked.wait()
        reply.set_result("stored")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on_bus(nats_url, main)


def test_a_request_of_a_task_that_was_cancelled_before_is_answered() -> None:
    async def clean_up() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with LostCancellation():
                return "cleaned up"
        return ""

    async def main() -> None:
        task = asyncio.create_task(clean_up())
        asyncio.get_running_loop().call_soon(task.cancel)
        assert await task == "cleaned up"

    asyncio.run(main())


def test_a_cancellation_that_is_not_lost_stays_what_it_is() -> None:
    async def main() -> None:
        async def wait() -> None:
            with LostCancellation():
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        asyncio.get_running_loop().call_soon(task.cancel, "why")
        with pytest.raises(asyncio.CancelledError, match="why"):
            await task

    asyncio.run(main())
