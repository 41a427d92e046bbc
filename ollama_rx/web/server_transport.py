"""The transport below an ASGI connection, where the server lets it be found."""

import asyncio
from typing import Any

_MOST_WRAPPERS = 20  # around the server's `receive`, one for each layer of middleware


def server_transport(receive: Any) -> asyncio.WriteTransport | None:
    """Return uvicorn's transport of the connection, or None if the server is another one.

    ASGI cannot abort a connection, and an orderly close waits for a client that takes nothing.
    """
    for _ in range(_MOST_WRAPPERS):
        owner = getattr(receive, "__self__", None)
        transport: asyncio.WriteTransport | None = getattr(owner, "transport", None)
        if transport is not None:
            return transport
        receive = getattr(owner, "_receive", None)  # a Starlette request that middleware has made
    return None
