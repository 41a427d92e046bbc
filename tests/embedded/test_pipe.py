"""Lines cross from a thread to a loop in order, in bounded number, until somebody closes."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from ollama_rx.embedded.pipe import Pipe


def started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_lines_arrive_in_order_and_then_the_end() -> None:
    async def read() -> list[bytes]:
        pipe = Pipe(room=3)

        def write() -> None:
            for number in range(1000):
                assert pipe.put(b"%d\n" % number)
            pipe.end()

        thread = started(write)
        blocks: list[bytes] = []
        while (block := await pipe.get()) is not None:
            blocks.append(block)
        assert await pipe.get() is None
        thread.join()
        return blocks

    blocks = asyncio.run(read())
    assert b"".join(blocks).split() == [b"%d" % number for number in range(1000)]
    assert max(block.count(b"\n") for block in blocks) <= 3


def test_a_full_pipe_makes_the_thread_wait_and_closing_wakes_it() -> None:
    async def fill() -> tuple[int, bool]:
        pipe = Pipe(room=2)
        written: list[bool] = []
        full = threading.Event()

        def write() -> None:
            while True:
                if len(written) == 2:
                    full.set()
                written.append(pipe.put(b"x"))
                if not written[-1]:
                    return

        thread = started(write)
        assert full.wait(10)
        waiting = len(written)
        pipe.close()
        thread.join(10)
        assert await pipe.get() is None
        return waiting, written[-1]

    assert asyncio.run(fill()) == (2, False)


def test_an_error_follows_the_last_line() -> None:
    async def read() -> bytes | None:
        pipe = Pipe()
        pipe.put(b"x")
        pipe.end(KeyError("gone"))
        block = await pipe.get()
        with pytest.raises(KeyError, match="gone"):
            await pipe.get()
        return block

    assert asyncio.run(read()) == b"x"


def test_closing_wakes_a_reader_that_waits() -> None:
    async def read() -> bytes | None:
        pipe = Pipe()
        reader = asyncio.create_task(pipe.get())
        await asyncio.sleep(0)
        pipe.close()
        pipe.close()
        return await reader

    assert asyncio.run(read()) is None


def test_a_reader_that_is_cancelled_loses_no_line() -> None:
    async def read() -> bytes | None:
        pipe = Pipe()
        reader = asyncio.create_task(pipe.get())
        await asyncio.sleep(0)
        pipe.put(b"x")
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        return await pipe.get()

    assert asyncio.run(read()) == b"x"


def test_a_writer_stops_when_the_loop_of_its_reader_is_closed() -> None:
    async def leave() -> Pipe:
        pipe = Pipe()
        waiting = pipe.get()
        waiting.send(None)  # the reader waits and is forgotten
        waiting.close()
        return pipe

    pipe = asyncio.run(leave())
    pipe.put(b"x")
    assert pipe.closed
    assert not pipe.put(b"y")
