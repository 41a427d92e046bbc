"""Ends open responses when the server shuts down.

ASGI has no message for it: uvicorn waits for all responses first, and tells the application afterwards, so
that a response without an end keeps it waiting until it is killed. Therefore `uvicorn.Server.shutdown` is
extended here. Servers that cancel their responses, such as hypercorn, need nothing.
"""

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any
from weakref import WeakKeyDictionary

_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Callable[[], object]]] = WeakKeyDictionary()


@contextmanager
def ended_by_shutdown(end: Callable[[], object]) -> Generator[None]:
    """Call ``end`` when a server on the running event loop begins to shut down inside the ``with`` block."""
    uvicorn: Any = sys.modules.get("uvicorn.server")
    if uvicorn is not None:  # it may be the server
        _extend(uvicorn.Server)
    ends = _open.setdefault(asyncio.get_running_loop(), {})
    key = object()
    ends[key] = end
    try:
        yield
    finally:
        del ends[key]


@cache
def _extend(server: Any) -> None:
    shut_down = server.shutdown

    @wraps(shut_down)
    async def shutdown(*arguments: Any, **options: Any) -> None:
        _end_all()
        await shut_down(*arguments, **options)

    server.shutdown = shutdown


def _end_all() -> None:
    for end in tuple(_open.get(asyncio.get_running_loop(), {}).values()):
        end()
