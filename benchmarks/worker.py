"""A worker process: one client, told by JSON lines what to read, answering with its own processor time.

``python -m benchmarks.worker NAME [asyncio|uvloop]``; started by ``rounds.py``.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

from benchmarks.clients import ASYNC, make_async_reader, make_reader
from benchmarks.crowd import measure_crowd, warm_up

Job = dict[str, Any]
Figures = dict[str, float]


def main() -> None:
    """Do what each line of standard input asks, until it ends."""
    raise_file_limit()
    name, *loop = sys.argv[1:]
    with _in_loop(name, *loop) if name in ASYNC else _alone(name) as work:
        for line in sys.stdin:
            print(json.dumps(work(json.loads(line))), flush=True)


def raise_file_limit() -> int:
    """Allow as many open files as this user may have, and return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@contextmanager
def _alone(name: str) -> Iterator[Callable[[Job], Figures]]:
    reader = make_reader(name)

    def work(job: Job) -> Figures:
        before = process_time()
        tokens = sum(reader.read(job["url"]) for _ in range(job["answers"]))
        return _per_token(process_time() - before, tokens, job)

    yield work


@contextmanager
def _in_loop(name: str, loop: str) -> Iterator[Callable[[Job], Figures]]:
    with asyncio.Runner(loop_factory=_loop_factory(loop)) as runner:
        reader = runner.run(_made(name))

        async def read(job: Job) -> Figures:
            before = process_time()
            tokens = 0
            for _ in range(job["answers"]):
                tokens += await reader.read(job["url"])
            return _per_token(process_time() - before, tokens, job)

        async def crowd(job: Job) -> Figures:
            await warm_up(reader, job["warm_up"])
            return await measure_crowd(reader, job["url"], **job["crowd"])

        yield lambda job: runner.run(crowd(job) if "crowd" in job else read(job))


async def _made(name: str) -> Any:
    return make_async_reader(name)


def _loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if loop == "asyncio":
        return None
    import uvloop  # noqa: PLC0415 - not every worker needs it

    return uvloop.new_event_loop


def _per_token(cpu: float, tokens: int, job: Job) -> Figures:
    expected = job["answers"] * job["tokens"]
    if tokens != expected:
        raise ValueError(f"{tokens} tokens arrived, {expected} were sent")
    return {"us_per_token": cpu / tokens * 1e6}


if __name__ == "__main__":
    main()
