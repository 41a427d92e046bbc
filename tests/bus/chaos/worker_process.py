"""A worker as a process, with a host beside it or in it; `ChildProcess` starts it."""

import asyncio
import logging
import signal
from contextlib import ExitStack
from typing import Any

from ollama_rx import Client, UnreachableError
from ollama_rx.bus import Worker
from tests.bus.chaos.asking import moment
from tests.bus.chaos.child_process import READY, options_of_process, tell
from tests.bus.chaos.scripted_host import scripted_host


async def work(options: dict[str, Any]) -> None:
    """Work until this process is asked to end."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with ExitStack() as stack:
        host = options["host"] or stack.enter_context(scripted_host()).url
        client = stack.enter_context(Client(host))
        while not stopped.is_set():
            worker = Worker(
                client,
                options["servers"],
                namespace=options["namespace"],
                parallel=options["parallel"],
                max_attempts=options["max_attempts"],
                name=options["name"],
            )
            try:
                async with worker:
                    tell(READY)
                    await stopped.wait()
            except UnreachableError:  # start again, as a service does
                await moment(0.2)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(work(options_of_process()))
