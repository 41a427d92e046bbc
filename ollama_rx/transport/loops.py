"""Which loop or thread a request runs on.

An explicit scheduler wins; without one, inside a running loop that loop; otherwise a thread of its
own with a loop of its own. The loops made here are an inner matter: code that runs on them (a
subscriber's callback) counts as code on a plain thread.
"""

import asyncio
import threading
from collections.abc import Callable

from reactivex import abc

from ollama_rx.flow.loops import ours, running_loop, users_loop

try:
    import uvloop
except ImportError:
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

Begin = Callable[[asyncio.AbstractEventLoop], asyncio.Future[None]]
"""Starts something on the running loop; the future is done when nothing of it is left."""

Failed = Callable[[OSError], object]
"""Is told why there is no loop: each takes a few file descriptors, and those may be used up."""


def place(scheduler: abc.SchedulerBase | None, begin: Begin, failed: Failed) -> abc.DisposableBase | None:
    """Run ``begin`` where the scheduler says, else where we are; return what cancels its start."""
    if scheduler is not None:

        def scheduled(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            _here(begin, failed)

        return scheduler.schedule(scheduled)
    loop = users_loop()
    if loop is not None:
        begin(loop)
    else:
        threading.Thread(target=_on_own_loop, args=(begin, failed), name="ollama-rx", daemon=True).start()
    return None


def _here(begin: Begin, failed: Failed) -> None:
    loop = running_loop()
    if loop is None:
        _on_own_loop(begin, failed)
    else:
        begin(loop)


def _on_own_loop(begin: Begin, failed: Failed) -> None:
    runner = asyncio.Runner(loop_factory=_new_loop)
    try:
        runner.get_loop()
    except OSError as error:
        failed(error)
        return
    with ours(), runner:
        runner.run(_all_of(begin))


async def _all_of(begin: Begin) -> None:
    await begin(asyncio.get_running_loop())
