"""A worker process: runs one client; jobs come and figures go as JSON lines.

``python -m benchmarks.worker NAME [asyncio|uvloop]``; started by ``rounds.py``.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import process_time
from typing import Any

from benchmarks.clients import ASYNC, make_async_reader, make_reader
from benchmarks.paced import measure_paced, warm_up

Job = dict[str, Any]
Figures = dict[str, float]


def main() -> None:
    """Run the job on each line of standard input until that is closed."""
    raise_file_limit()
    name, *loop = sys.argv[1:]
    with _on_loop(name, *loop) if name in ASYNC else _blocking(name) as run_job:
        for line in sys.stdin:
            print(json.dumps(run_job(json.loads(line))), flush=True)


def raise_file_limit() -> int:
    """Raise the limit of open files to the hard limit and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@contextmanager
def _blocking(name: str) -> Generator[Callable[[Job], Figures]]:
    reader = make_reader(name)

    def run_job(job: Job) -> Figures:
        before = process_time()
        tokens = sum(reader.read(job["url"]) for _ in range(job["answers"]))
        return _per_token(process_time() - before, tokens, job)

    yield run_job


@contextmanager
def _on_loop(name: str, loop: str) -> Generator[Callable[[Job], Figures]]:
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        reader = runner.run(_async_reader(name))

        async def read(job: Job) -> Figures:
            before = process_time()
            tokens = 0
            for _ in range(job["answers"]):
                tokens += await reader.read(job["url"])
            return _per_token(process_time() - before, tokens, job)

        async def paced(job: Job) -> Figures:
            await warm_up(reader, job["warm_up"])
            return await measure_paced(reader, job["url"], **job["paced"])

        yield lambda job: runner.run(paced(job) if "paced" in job else read(job))


async def _async_reader(name: str) -> Any:
    return make_async_reader(name)


def loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop, "asyncio" or "uvloop", as `asyncio.Runner` wants it."""
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
