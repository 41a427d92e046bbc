"""Work in threads is waited for, can be cancelled, and ends before the interpreter does."""

import asyncio
import subprocess
import sys
import threading

import pytest

from ollama_rx.embedded.jobs import Job, stop_all
from ollama_rx.embedded.pipe import Pipe


def test_work_is_done_in_a_thread_of_its_own_and_nothing_is_left() -> None:
    before = set(threading.enumerate())
    names: list[str] = []

    async def run() -> None:
        await Job(lambda _: names.append(threading.current_thread().name)).wait()

    asyncio.run(run())
    assert names == ["ollama-rx-embedded"]
    assert set(threading.enumerate()) == before


def test_what_the_work_raises_is_raised_to_who_waits() -> None:
    def fail(_: Pipe) -> None:
        raise KeyError("gone")

    async def run() -> None:
        await Job(fail).wait()

    with pytest.raises(KeyError, match="gone"):
        asyncio.run(run())


def test_a_cancelled_job_stops_and_is_a_member_until_the_next_comes() -> None:
    async def run() -> list[str]:
        calls: list[str] = []
        members: set[Job] = set()

        def write(pipe: Pipe) -> None:
            while pipe.put(b"x"):
                pass

        job = Job(write, on_cancel=lambda: calls.append("cancelled"), among=members)
        assert members == {job}
        job.cancel()
        job.join()
        following = Job(write, among=members)
        assert members == {following}
        following.cancel()
        return calls

    assert asyncio.run(run()) == ["cancelled"]


def test_all_jobs_are_stopped_before_the_interpreter_goes() -> None:
    async def run() -> None:
        def write(pipe: Pipe) -> None:
            while pipe.put(b"x"):
                pass

        job = Job(write)
        stop_all()
        assert not job.running

    asyncio.run(run())


def test_a_process_can_end_while_a_job_runs() -> None:
    script = """
import asyncio
from ollama_rx.embedded.jobs import Job

def write(pipe):
    while pipe.put(b"x"):
        pass

async def run():
    Job(write)

asyncio.run(run())
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], timeout=30, check=True, capture_output=True
    )
    assert done.stderr == b""
