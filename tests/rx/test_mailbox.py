"""A mailbox loses and reorders no items, holds few of them, and makes its writer wait."""

import asyncio
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.event_loops import notify_before_blocking
from ollama_rx.rx.mailbox import EMPTY, END, Mailbox, MailboxFull


class RecordingSource:
    """A source that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


def fill(mailbox: Mailbox[int], count: int) -> Callable[[], None]:
    def put_all() -> None:
        for number in range(count):
            mailbox.put(number)
        mailbox.end()

    return put_all


@pytest.mark.parametrize("max_waiting", [1, 2, 3, 64])
def test_between_threads_nothing_is_lost_or_reordered(max_waiting: int) -> None:
    mailbox = Mailbox[int](max_waiting)
    with ThreadPoolExecutor() as pool:
        pool.submit(fill(mailbox, 1000))
        assert list(mailbox) == list(range(1000))


@pytest.mark.parametrize("max_waiting", [1, 2, 3, 64])
def test_from_a_thread_to_a_loop_nothing_is_lost_or_reordered(max_waiting: int) -> None:
    async def main() -> list[int]:
        mailbox = Mailbox[int](max_waiting)
        filling = asyncio.ensure_future(asyncio.to_thread(fill(mailbox, 1000)))
        found = [item async for item in mailbox]
        await filling
        return found

    assert asyncio.run(main()) == list(range(1000))


def test_several_readers_share_the_items_and_all_reach_the_end() -> None:
    mailbox = Mailbox[int](4)
    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(list[int], mailbox) for _ in range(3)]
        pool.submit(fill(mailbox, 300))
        found = [item for reader in readers for item in reader.result(5)]
    assert sorted(found) == list(range(300))


def test_an_error_is_raised_once_after_the_items() -> None:
    mailbox = Mailbox[int]()
    mailbox.put(1)
    mailbox.end(ValueError("no"))
    mailbox.end()
    mailbox.put(2)
    assert next(mailbox) == 1
    with pytest.raises(ValueError, match="no"):
        next(mailbox)
    assert list(mailbox) == []


def test_all_waiting_items_can_be_taken_at_once() -> None:
    mailbox = Mailbox[int]()
    assert mailbox.get_all_nowait() is EMPTY
    fill(mailbox, 3)()
    assert mailbox.get_all_nowait() == [0, 1, 2]
    assert mailbox.get_all_nowait() is END


def test_taking_all_items_releases_a_waiting_writer() -> None:
    async def main() -> list[int]:
        mailbox = Mailbox[int](4)
        filling = asyncio.ensure_future(asyncio.to_thread(fill(mailbox, 1000)))
        found: list[int] = []
        while (items := mailbox.get_all_nowait()) is not END:
            if isinstance(items, list):
                assert 1 <= len(items) <= 4
                found += items
            await mailbox.ready()
        await filling
        return found

    assert asyncio.run(main()) == list(range(1000))


def test_close_drops_the_waiting_items_and_releases_the_writer() -> None:
    mailbox = Mailbox[int](2)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(fill(mailbox, 10))
        while len(mailbox) < 2:
            threading.Event().wait(0.001)
        mailbox.close()
        writing.result(5)
    assert list(mailbox) == []


def test_a_close_at_any_line_of_a_put_releases_its_writer() -> None:
    """At each line that ``put`` executes, in turn, a signal handler or the garbage collector closes."""
    for line in itertools.count():
        mailbox = Mailbox[int](1)
        blocks = threading.Event()
        lines = itertools.count()

        def trace(
            *_: object, line: int = line, lines: Iterator[int] = lines, mailbox: Mailbox[int] = mailbox
        ) -> Any:
            if next(lines) == line:
                mailbox.close()
            return trace

        def put(
            trace: Any = trace, mailbox: Mailbox[int] = mailbox, blocks: threading.Event = blocks
        ) -> None:
            notify_before_blocking(blocks)
            sys.settrace(trace)
            mailbox.put(1)
            sys.settrace(None)
            blocks.set()

        writer = threading.Thread(target=put, daemon=True)
        writer.start()
        assert blocks.wait(5), line
        mailbox.close()  # does nothing if it is closed
        writer.join(5)
        assert not writer.is_alive(), line
        if next(lines) < line:
            return


def test_with_drop_oldest_the_newest_items_are_kept() -> None:
    mailbox = Mailbox[int](3, "drop_oldest")
    fill(mailbox, 10)()
    assert list(mailbox) == [7, 8, 9]


def test_with_fail_one_item_too_many_raises() -> None:
    mailbox = Mailbox[int](2, "fail")
    mailbox.put(1)
    mailbox.put(2)
    with pytest.raises(MailboxFull, match=r"2 items wait already \(max_waiting\)"):
        mailbox.put(3)
    mailbox.end()
    assert list(mailbox) == [1, 2]


def test_on_a_loop_a_full_mailbox_pauses_the_upstream_until_it_is_half_empty() -> None:
    async def main() -> None:
        source = RecordingSource()
        mailbox = Mailbox[int](4)
        mailbox.upstream = PausableScheduler(asyncio.get_running_loop())
        mailbox.upstream.attach(source)
        for number in range(5):  # one more than allowed: a source may finish its read first
            mailbox.put(number)
        assert source.calls == ["pause"]
        assert [await anext(mailbox), await anext(mailbox)] == [0, 1]
        assert source.calls == ["pause"]
        assert await anext(mailbox) == 2
        assert source.calls == ["pause", "resume"]

    asyncio.run(main())


def test_a_reader_on_a_thread_resumes_the_upstream_on_its_loop() -> None:
    async def main() -> None:
        source = RecordingSource()
        mailbox = Mailbox[int](1)
        mailbox.upstream = PausableScheduler(asyncio.get_running_loop())
        mailbox.upstream.attach(source)
        mailbox.put(1)
        assert await asyncio.to_thread(next, mailbox) == 1
        mailbox.upstream.loop.call_soon(mailbox.end)
        assert [item async for item in mailbox] == []
        assert source.calls == ["pause", "resume"]

    asyncio.run(main())


def test_close_resumes_a_paused_upstream() -> None:
    async def main() -> None:
        upstream = PausableScheduler(asyncio.get_running_loop())
        mailbox = Mailbox[int](1)
        mailbox.upstream = upstream
        mailbox.put(1)
        assert upstream.paused
        mailbox.close()
        assert not upstream.paused

    asyncio.run(main())


def test_without_an_upstream_a_mailbox_on_a_loop_grows() -> None:
    async def main() -> None:
        mailbox = Mailbox[int](1)
        fill(mailbox, 10)()
        assert [item async for item in mailbox] == list(range(10))

    asyncio.run(main())


def test_a_reader_whose_loop_is_closed_is_ignored() -> None:
    mailbox = Mailbox[int]()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(mailbox), 0.001)

    asyncio.run(main())
    mailbox.put(1)
    assert next(mailbox) == 1


def test_readers_that_have_given_up_are_forgotten() -> None:
    async def main() -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(mailbox.ready(), 0.001)

    mailbox = Mailbox[int]()
    asyncio.run(main())
    with pytest.raises(TimeoutError):
        mailbox.get(0.001, END)
    assert mailbox._readers == []


def test_a_reader_that_is_called_and_cancelled_at_the_same_time_is_forgotten_too() -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(mailbox.ready())
        await asyncio.sleep(0)
        mailbox.put(1)
        waiting.cancel()
        await asyncio.wait([waiting])

    mailbox = Mailbox[int]()
    asyncio.run(main())
    assert mailbox.get_nowait() == 1


def test_a_reader_may_be_cancelled_while_another_thread_wakes_it() -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(mailbox.ready())
        await asyncio.sleep(0)
        thread = threading.Thread(target=mailbox.put, args=(1,))
        thread.start()
        thread.join()
        waiting.cancel()
        await asyncio.wait([waiting])
        await asyncio.sleep(0)

    mailbox = Mailbox[int]()
    asyncio.run(main())
    assert mailbox.get_nowait() == 1


def test_a_cancelled_reader_takes_no_item() -> None:
    async def main() -> None:
        mailbox = Mailbox[int]()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(mailbox), 0.001)
        mailbox.put(1)
        assert await anext(mailbox) == 1

    asyncio.run(main())


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="max_waiting: expected a whole number of at least 1"):
        Mailbox[int](0)
    for wrong in ("5", 1.5, True):
        with pytest.raises(TypeError, match="max_waiting: expected a whole number of at least 1, got"):
            Mailbox[int](cast(Any, wrong))
    message = "when_full: expected one of 'pause', 'drop_oldest', 'fail', got 'explode'"
    with pytest.raises(ValueError, match=message):
        Mailbox[int](1, cast(Any, "explode"))


def test_when_ready_calls_back_at_once_if_an_item_or_the_end_is_there() -> None:
    called: list[str] = []
    mailbox = Mailbox[int]()
    mailbox.when_ready(lambda: called.append("item"))
    assert called == []
    mailbox.put(1)
    mailbox.when_ready(lambda: called.append("still"))
    mailbox.close()
    mailbox.when_ready(lambda: called.append("end"))
    assert called == ["item", "still", "end"]


def test_a_writer_does_not_wait_if_there_is_room_again() -> None:
    async def main() -> None:
        upstream = PausableScheduler(asyncio.get_running_loop())
        mailbox = Mailbox[int](2)
        mailbox.put(1)
        mailbox._pause(upstream)
        mailbox._block()
        assert not upstream.paused

    asyncio.run(main())


def test_a_reader_that_registers_during_put_is_called_once() -> None:
    called: list[str] = []
    mailbox = Mailbox[int]()

    class InterleavingLock:
        """A lock that runs a reader as soon as the writer releases it."""

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            mailbox._lock = threading.RLock()
            assert next(mailbox) == 1
            mailbox.when_ready(lambda: called.append("called"))

    mailbox._lock = cast(Any, InterleavingLock())
    mailbox.put(1)
    assert called == []
    mailbox.put(2)
    assert called == ["called"]


def test_a_reader_that_ctrl_c_has_ended_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    class CtrlC:
        def acquire(self, timeout: float | None = None) -> None:
            if timeout is not None:
                raise KeyboardInterrupt

        def release(self) -> None:
            pass

    mailbox = Mailbox[int]()
    monkeypatch.setattr("ollama_rx.rx.mailbox.Lock", CtrlC)
    with pytest.raises(KeyboardInterrupt):
        mailbox.get(1, END)
    assert mailbox._readers == []
