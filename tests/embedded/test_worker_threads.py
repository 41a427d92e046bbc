"""Work runs in threads, its lines reach a reader on any event loop, and it can be cancelled."""

import asyncio
import subprocess
import sys
import threading

import pytest

from ollama_rx.embedded import worker_threads
from ollama_rx.embedded.worker_threads import WorkerThread, stop_all
from ollama_rx.rx.mailbox import Mailbox


def write_until_cancelled(lines: Mailbox[bytes]) -> None:
    while not lines.ended:
        lines.put(b"x")


def test_work_runs_in_a_thread_that_is_gone_afterwards() -> None:
    before = set(threading.enumerate())
    names: list[str] = []

    async def run() -> None:
        await WorkerThread(lambda _: names.append(threading.current_thread().name)).wait()

    asyncio.run(run())
    assert names == ["ollama-rx-embedded"]
    assert set(threading.enumerate()) == before


def test_waiting_raises_what_the_work_raised() -> None:
    def fail(_: Mailbox[bytes]) -> None:
        raise KeyError("gone")

    async def run() -> None:
        await WorkerThread(fail).wait()

    with pytest.raises(KeyError, match="gone"):
        asyncio.run(run())


def test_a_cancelled_thread_stops_and_stays_registered_until_the_next_one_starts() -> None:
    calls: list[str] = []
    registry: set[WorkerThread] = set()
    worker = WorkerThread(
        write_until_cancelled, on_cancel=lambda: calls.append("cancelled"), registry=registry
    )
    assert registry == {worker}
    worker.cancel()
    worker.join()
    following = WorkerThread(write_until_cancelled, registry=registry)
    assert registry == {following}
    following.cancel()
    assert calls == ["cancelled"]


def test_all_threads_are_stopped_before_the_interpreter_exits() -> None:
    worker = WorkerThread(write_until_cancelled)
    stop_all()
    assert not worker.running


def test_a_process_can_exit_while_a_thread_runs() -> None:
    script = """
import asyncio
from ollama_rx.embedded.worker_threads import WorkerThread

def write(lines):
    while not lines.ended:
        lines.put(b"x")

async def run():
    WorkerThread(write)

asyncio.run(run())
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], timeout=30, check=True, capture_output=True
    )
    assert done.stderr == b""


def test_lines_arrive_in_order_and_then_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_threads, "_MAX_LINES", 3)

    def write(lines: Mailbox[bytes]) -> None:
        for number in range(1000):
            lines.put(b"%d\n" % number)

    async def read() -> list[bytes]:
        worker = WorkerThread(write)
        blocks: list[bytes] = []
        while (block := await worker.read()) is not None:
            blocks.append(block)
        assert await worker.read() is None
        return blocks

    blocks = asyncio.run(read())
    assert b"".join(blocks).split() == [b"%d" % number for number in range(1000)]
    assert max(block.count(b"\n") for block in blocks) <= 3


def test_a_thread_waits_while_too_many_lines_are_unread_and_cancelling_wakes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_threads, "_MAX_LINES", 2)
    written: list[bool] = []
    full = threading.Event()

    def write(lines: Mailbox[bytes]) -> None:
        while not lines.ended:
            if len(lines) == 1:
                full.set()
            lines.put(b"x")
            written.append(lines.ended)

    async def fill() -> int:
        worker = WorkerThread(write)
        assert full.wait(10)
        waiting = len(written)
        worker.cancel()
        worker.join()
        assert await worker.read() is None
        return waiting

    assert asyncio.run(fill()) == 1
    assert written == [False, True]


def test_an_error_follows_the_last_line() -> None:
    def fail(lines: Mailbox[bytes]) -> None:
        lines.put(b"x")
        raise KeyError("gone")

    async def read() -> bytes | None:
        worker = WorkerThread(fail)
        worker.join()
        block = await worker.read()
        with pytest.raises(KeyError, match="gone"):
            await worker.read()
        return block

    assert asyncio.run(read()) == b"x"


def test_cancelling_wakes_a_waiting_reader() -> None:
    never = threading.Event()

    async def read() -> bytes | None:
        worker = WorkerThread(lambda _: never.wait(30), on_cancel=never.set)
        reader = asyncio.create_task(worker.read())
        await asyncio.sleep(0)
        worker.cancel()
        worker.cancel()
        return await reader

    assert asyncio.run(read()) is None


def test_a_cancelled_reader_loses_no_line() -> None:
    begin = threading.Event()

    def write(lines: Mailbox[bytes]) -> None:
        begin.wait(30)
        lines.put(b"x")

    async def read() -> bytes | None:
        worker = WorkerThread(write)
        reader = asyncio.create_task(worker.read())
        await asyncio.sleep(0)
        begin.set()
        worker.join()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        return await worker.read()

    assert asyncio.run(read()) == b"x"


def test_a_thread_stops_when_the_event_loop_of_its_reader_is_closed() -> None:
    begin = threading.Event()
    ended: list[bool] = []

    def write(lines: Mailbox[bytes]) -> None:
        begin.wait(30)
        lines.put(b"x")
        ended.append(lines.ended)

    async def leave() -> WorkerThread:
        worker = WorkerThread(write)
        waiting = worker.read()
        waiting.send(None)  # the reader waits and is abandoned
        waiting.close()
        return worker

    worker = asyncio.run(leave())
    begin.set()
    worker.join()
    assert ended == [True]
    assert asyncio.run(worker.read()) is None
