"""Subscribe ten thousand times in a fresh process and print what is left; run by `test_flow.py`."""

import asyncio
import gc
import json
import resource
import sys
import threading
from pathlib import Path

from ollama_rx import Client

ROUND = 1000
ROUNDS = 10
SETTLING = 3  # rounds after which allocators and caches have found their size


def kilobytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def left() -> dict[str, int]:
    return {
        "kilobytes": kilobytes(),
        "blocks": sys.getallocatedblocks(),  # in use; the kilobytes also hold what is only fragmented
        "descriptors": descriptors(),
        "threads": threading.active_count(),
    }


async def ask_in_a_loop(client: Client, times: int) -> None:
    async def ask() -> None:
        for _ in range(times // 10):
            assert (await client.generate("Hi")).done

    await asyncio.gather(*(ask() for _ in range(10)))


def ask_in_threads(client: Client, times: int) -> None:
    for _ in range(times):
        over = threading.Event()
        client.generate("Hi").subscribe(on_completed=over.set)
        assert over.wait(30)
    others = set(threading.enumerate()) - {threading.main_thread()}
    for thread in others:
        thread.join(30)


async def closed_down_to(count: int) -> None:
    """Wait for the server's last words, which may come a moment after an answer is complete."""
    async with asyncio.timeout(10):
        while descriptors() > count:  # noqa: ASYNC110 - nobody tells when a socket is closed
            await asyncio.sleep(0.01)


async def loop_door(client: Client) -> None:
    before = descriptors()
    async with Client(client.url, model="echo") as earlier:
        await ask_in_a_loop(earlier, 10)
    await closed_down_to(before)
    print(json.dumps(left()))
    async with client:
        for count in range(ROUNDS):
            if count == SETTLING:
                print(json.dumps(left()))
            await ask_in_a_loop(client, ROUND)
    await closed_down_to(before)
    print(json.dumps(left() | {"tasks": len(asyncio.all_tasks())}))


def thread_door(client: Client) -> None:
    ask_in_threads(client, 1)
    print(json.dumps(left()))
    with client:
        for count in range(ROUNDS):
            if count == SETTLING:
                print(json.dumps(left()))
            ask_in_threads(client, ROUND)
        print(json.dumps(left()))


if __name__ == "__main__":
    asked = Client(sys.argv[2], model="echo")
    if sys.argv[1] == "asyncio":
        asyncio.run(loop_door(asked))
    else:
        thread_door(asked)
