"""Call any function from a coroutine: a coroutine function is awaited, a blocking one runs on a thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from inspect import isawaitable
from typing import Any

from ollama_rx.arguments import is_coroutine_function


def as_coroutine_function(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return a coroutine function that calls ``function``, on a worker thread if it may block."""
    may_block = not is_coroutine_function(function)

    async def call(*arguments: object, **named: object) -> object:
        def called() -> object:
            return function(*arguments, **named)

        result = await _call_on_thread(called) if may_block else called()
        return await result if isawaitable(result) else result

    return call


async def _call_on_thread(function: Callable[[], object]) -> object:
    """Call a function on a new thread, which nobody waits for if this coroutine is cancelled."""
    loop = asyncio.get_running_loop()
    returned = asyncio.Event()
    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised by `outcome.result()`
            outcome.set_exception(error)
        with suppress(RuntimeError):  # the loop is closed: the result is dropped
            loop.call_soon_threadsafe(returned.set)

    threading.Thread(target=copy_context().run, args=(run,), name="ollama-rx-worker", daemon=True).start()
    await returned.wait()
    return outcome.result()
