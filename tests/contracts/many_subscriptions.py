"""Subscribe many times in a fresh process and print what is left over; run by `test_flow.py`.

Prints one line after the first subscriptions, one after a warm-up, and one after those that are measured.
Each is taken when all clients are closed, so that the lines can be compared.
"""

import asyncio
import ctypes
import gc
import json
import resource
import sys
import threading
import time
from pathlib import Path

from ollama_rx import Client

WARM_UP = 600  # subscriptions after which allocators and caches have reached their size


def resident_kilobytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def give_back_free_memory() -> None:
    """Let the C library return what is free: what threads leave free between them depends on the machine."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


def print_leftovers(tasks: int) -> None:
    gc.collect()
    give_back_free_memory()
    leftovers = {
        "kilobytes": resident_kilobytes(),
        "blocks": sys.getallocatedblocks(),  # in use; the kilobytes also hold those of C
        "descriptors": descriptors(),
        "threads": threading.active_count(),
        "tasks": tasks,
    }
    print(json.dumps(leftovers))


async def subscribe_on_a_loop(url: str, times: int) -> None:
    before = descriptors()

    async def subscribe(client: Client) -> None:
        for _ in range(times // 10):
            assert (await client.generate("Hi")).done

    async with Client(url, model="echo") as client:
        await asyncio.gather(*(subscribe(client) for _ in range(10)))
    async with asyncio.timeout(10):
        while descriptors() > before:  # noqa: ASYNC110 - no event reports that a socket is closed
            await asyncio.sleep(0.01)  # the end of a body may arrive a moment after its last line
    print_leftovers(tasks=len(asyncio.all_tasks()))


async def on_a_loop(url: str, times: int) -> None:
    for count in (10, WARM_UP, times):
        await subscribe_on_a_loop(url, count)


def in_threads(url: str, times: int) -> None:
    for count in (1, WARM_UP, times):
        with Client(url, model="echo") as client:
            for _ in range(count):
                over = threading.Event()
                client.generate("Hi").subscribe(on_completed=over.set)
                assert over.wait(30)
        deadline = time.monotonic() + 10
        for thread in set(threading.enumerate()) - {threading.main_thread()}:
            thread.join(max(0.0, deadline - time.monotonic()))
        print_leftovers(tasks=0)


if __name__ == "__main__":
    door, server_url, measured = sys.argv[1:]
    if door == "asyncio":
        asyncio.run(on_a_loop(server_url, int(measured)))
    else:
        in_threads(server_url, int(measured))
