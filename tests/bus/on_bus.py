"""Run the coroutine of a test with a connection to the bus."""

import asyncio
from collections.abc import Awaitable, Callable

from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions


def on_bus(url: str, work: Callable[[BusConnection], Awaitable[None]]) -> None:
    """Run ``work`` on a new event loop with a connection, and close that; at most for half a minute."""

    async def run() -> None:
        connections = BusConnections(ConnectionOptions.of(url), name="test")
        async with asyncio.timeout(30), connections.lease() as connection:
            await work(connection)
        await connections.aclose()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds that another process or task brings about; `on_bus` limits the time."""
    while not condition():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.005)
