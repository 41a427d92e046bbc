"""A mailbox loses and reorders nothing, keeps few, and makes its writer wait."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.mailbox import EMPTY, END, Mailbox, MailboxFull


class RecordingSource:
    """A source that notes when it is told to pause and to resume."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def pause(self) -> None:
        self.notes.append("pause")

    def resume(self) -> None:
        self.notes.append("resume")


def filled(mailbox: Mailbox[int], count: int) -> Callable[[], None]:
    def fill() -> None:
        for number in range(count):
            mailbox.put(number)
        mailbox.end()

    return fill


@pytest.mark.parametrize("max_waiting", [1, 2, 3, 64])
def test_between_threads_nothing_is_lost_or_reordered(max_waiting: int) -> None:
    mailbox = Mailbox[int](max_waiting)
    with ThreadPoolExecutor() as pool:
        pool.submit(filled(mailbox, 1000))
        assert list(mailbox) == list(range(1000))


@pytest.mark.parametrize("max_waiting", [1, 2, 3, 64])
def test_from_a_thread_to_a_loop_nothing_is_lost_or_reordered(max_waiting: int) -> None:
    async def main() -> list[int]:
        mailbox = Mailbox[int](max_waiting)
        filling = asyncio.ensure_future(asyncio.to_thread(filled(mailbox, 1000)))
        found = [item async for item in mailbox]
        await filling
        return found

    assert asyncio.run(main()) == list(range(1000))


def test_several_readers_share_the_items_and_all_come_to_the_end() -> None:
    mailbox = Mailbox[int](4)
    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(list[int], mailbox) for _ in range(3)]
        pool.submit(filled(mailbox, 300))
        found = [item for reader in readers for item in reader.result(5)]
    assert sorted(found) == list(range(300))


def test_an_error_comes_after_the_items_and_once() -> None:
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
    filled(mailbox, 3)()
    assert mailbox.get_all_nowait() == [0, 1, 2]
    assert mailbox.get_all_nowait() is END


def test_taking_all_items_at_once_lets_a_waiting_writer_go_on() -> None:
    async def main() -> list[int]:
        mailbox = Mailbox[int](4)
        filling = asyncio.ensure_future(asyncio.to_thread(filled(mailbox, 1000)))
        found: list[int] = []
        while (items := mailbox.get_all_nowait()) is not END:
            if isinstance(items, list):
                assert 1 <= len(items) <= 4
                found += items
            await mailbox.ready()
        await filling
        return found

    assert asyncio.run(main()) == list(range(1000))


def test_closing_drops_what_waits_and_lets_the_writer_go_on() -> None:
    mailbox = Mailbox[int](2)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(filled(mailbox, 10))
        while len(mailbox) < 2:
            threading.Event().wait(0.001)
        mailbox.close()
        writing.result(5)
    assert list(mailbox) == []


def test_the_newest_are_kept_if_asked() -> None:
    mailbox = Mailbox[int](3, "drop_oldest")
    filled(mailbox, 10)()
    assert list(mailbox) == [7, 8, 9]


def test_one_too_many_fails_if_asked() -> None:
    mailbox = Mailbox[int](2, "fail")
    mailbox.put(1)
    mailbox.put(2)
    with pytest.raises(MailboxFull, match=r"2 items wait already \(max_waiting\)"):
        mailbox.put(3)
    mailbox.end()
    assert list(mailbox) == [1, 2]


def test_on_a_loop_a_full_mailbox_pauses_the_flow_until_it_is_half_empty() -> None:
    async def main() -> None:
        source = RecordingSource()
        mailbox = Mailbox[int](4)
        mailbox.upstream = PausableScheduler(asyncio.get_running_loop())
        mailbox.upstream.attach(source)
        for number in range(5):  # one more than allowed, as a source may that is told in mid-read
            mailbox.put(number)
        assert source.notes == ["pause"]
        assert [await anext(mailbox), await anext(mailbox)] == [0, 1]
        assert source.notes == ["pause"]
        assert await anext(mailbox) == 2
        assert source.notes == ["pause", "resume"]

    asyncio.run(main())


def test_a_reader_on_a_thread_resumes_the_flow_on_its_loop() -> None:
    async def main() -> None:
        source = RecordingSource()
        mailbox = Mailbox[int](1)
        mailbox.upstream = PausableScheduler(asyncio.get_running_loop())
        mailbox.upstream.attach(source)
        mailbox.put(1)
        assert await asyncio.to_thread(next, mailbox) == 1
        mailbox.upstream.loop.call_soon(mailbox.end)
        assert [item async for item in mailbox] == []
        assert source.notes == ["pause", "resume"]

    asyncio.run(main())


def test_the_end_takes_the_pause_back() -> None:
    async def main() -> None:
        flow = PausableScheduler(asyncio.get_running_loop())
        mailbox = Mailbox[int](1)
        mailbox.upstream = flow
        mailbox.put(1)
        assert flow.paused
        mailbox.close()
        assert not flow.paused

    asyncio.run(main())


def test_without_a_flow_a_mailbox_on_a_loop_grows() -> None:
    async def main() -> None:
        mailbox = Mailbox[int](1)
        filled(mailbox, 10)()
        assert [item async for item in mailbox] == list(range(10))

    asyncio.run(main())


def test_a_reader_whose_loop_is_gone_is_forgotten() -> None:
    mailbox = Mailbox[int]()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(mailbox), 0.001)

    asyncio.run(main())
    mailbox.put(1)
    assert next(mailbox) == 1


def test_a_reader_that_was_cancelled_takes_nothing() -> None:
    async def main() -> None:
        mailbox = Mailbox[int]()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(mailbox), 0.001)
        mailbox.put(1)
        assert await anext(mailbox) == 1

    asyncio.run(main())


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="max_waiting: expected a whole number of at least 1"):
        Mailbox[int](0)
    for wrong in ("5", 1.5, True):
        with pytest.raises(TypeError, match="max_waiting: expected a whole number of at least 1, got"):
            Mailbox[int](cast(Any, wrong))
    message = "when_full: expected one of 'pause', 'drop_oldest', 'fail', got 'explode'"
    with pytest.raises(ValueError, match=message):
        Mailbox[int](1, cast(Any, "explode"))


def test_who_asks_for_a_bell_when_it_is_ready_hears_it_at_once() -> None:
    rung: list[str] = []
    mailbox = Mailbox[int]()
    mailbox.when_ready(lambda: rung.append("item"))
    assert rung == []
    mailbox.put(1)
    mailbox.when_ready(lambda: rung.append("still"))
    mailbox.close()
    mailbox.when_ready(lambda: rung.append("end"))
    assert rung == ["item", "still", "end"]


def test_a_writer_does_not_wait_if_there_is_room_again_by_then() -> None:
    async def main() -> None:
        flow = PausableScheduler(asyncio.get_running_loop())
        mailbox = Mailbox[int](2)
        mailbox.put(1)
        mailbox._pause(flow)
        mailbox._block()
        assert not flow.paused

    asyncio.run(main())


def test_a_reader_that_comes_while_an_item_is_put_in_is_rung_for_once() -> None:
    rung: list[str] = []
    mailbox = Mailbox[int]()

    class Meanwhile:
        """A lock that lets a reader take its turn as soon as the writer has let go."""

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            mailbox._lock = threading.RLock()
            assert next(mailbox) == 1
            mailbox.when_ready(lambda: rung.append("rung"))

    mailbox._lock = cast(Any, Meanwhile())
    mailbox.put(1)
    assert rung == []
    mailbox.put(2)
    assert rung == ["rung"]
