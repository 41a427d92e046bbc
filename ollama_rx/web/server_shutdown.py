"""Ends open responses when the server shuts down.

ASGI has no message for it: uvicorn waits for all responses first, and tells the application afterwards, so
that a response without an end keeps it waiting until it is killed. Therefore `uvicorn.Server.shutdown` is
extended here. Servers that cancel their responses, such as hypercorn, need nothing.
"""

import asyncio
import sys
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any
from weakref import WeakKeyDictionary

_Ends = dict[object, tuple[asyncio.BaseTransport | None, Callable[[], object]]]
_open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Ends] = WeakKeyDictionary()


@contextmanager
def ended_by_shutdown(transport: asyncio.BaseTransport | None, end: Callable[[], object]) -> Generator[None]:
    """Call ``end`` when the server of a connection begins to shut down inside the ``with`` block.

    Args:
        transport: of the connection; None if it is not known: then each server on the running loop counts.
        end: a function.
    """
    uvicorn: Any = sys.modules.get("uvicorn.server")
    if uvicorn is not None:  # it may be the server
        _extend(uvicorn.Server)
    ends = _open.setdefault(asyncio.get_running_loop(), {})
    key = object()
    ends[key] = transport, end
    try:
        yield
    finally:
        del ends[key]


@cache
def _extend(server_class: Any) -> None:
    shut_down = server_class.shutdown

    @wraps(shut_down)
    async def shutdown(server: Any, *arguments: Any, **options: Any) -> None:
        _end_all({connection.transport for connection in server.server_state.connections})
        await shut_down(server, *arguments, **options)

    server_class.shutdown = shutdown


def _end_all(transports: Collection[object]) -> None:
    for transport, end in tuple(_open.get(asyncio.get_running_loop(), {}).values()):
        if transport is None or transport in transports:
            end()
