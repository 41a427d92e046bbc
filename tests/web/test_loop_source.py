"""Items of any thread, on one event loop."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count

import pytest
import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler import NewThreadScheduler
from reactivex.subject import Subject

from ollama_rx.rx.mailbox import MAX_WAITING
from ollama_rx.web.loop_source import LoopSource
from tests.recording_sink import emit_during_subscribe, record_subscriptions


class Seen:
    """What a source has handed over, and on which threads."""

    def __init__(self, stop_at: int = 0) -> None:
        self.items: list[object] = []
        self.ends: list[Exception | None] = []
        self.threads: set[int] = set()
        self.over = asyncio.Event()
        self.source = LoopSource(self._take, self._end)
        self._stop_at = stop_at

    def _take(self, items: Sequence[object]) -> None:
        self.items += items
        self.threads.add(threading.get_ident())
        if self._stop_at and len(self.items) >= self._stop_at:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self.ends.append(error)
        self.source.close()
        self.over.set()


def on_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def push(subject: Subject[object], items: Iterable[object]) -> None:
    for item in items:
        subject.on_next(item)


def test_items_of_the_loop_arrive_at_once() -> None:
    async def main() -> None:
        seen, subject = Seen(), Subject[object]()
        seen.source.subscribe(subject)
        subject.on_next(1)
        assert seen.items == [1]
        subject.on_next(2)
        subject.on_completed()
        await seen.over.wait()
        assert seen.items == [1, 2]
        assert seen.ends == [None]

    asyncio.run(main())


def test_items_of_other_threads_arrive_on_the_loop_in_order() -> None:
    async def main() -> None:
        seen, subject = Seen(), Subject[object]()
        seen.source.subscribe(subject)
        on_thread(partial(push, subject, range(5)))
        assert seen.items == []
        subject.on_next(5)  # on the loop, but after the others
        assert seen.items == []
        on_thread(subject.on_completed)
        await seen.over.wait()
        assert seen.items == list(range(6))
        assert seen.threads == {threading.get_ident()}

    asyncio.run(main())


def test_items_that_come_while_others_are_handed_over_follow() -> None:
    async def main() -> None:
        seen, subject = Seen(), Subject[object]()
        seen.source.subscribe(subject)
        for number in range(3):
            on_thread(partial(subject.on_next, number))
            await asyncio.sleep(0)
        assert seen.items == [0, 1, 2]
        seen.source.close()

    asyncio.run(main())


def test_a_thread_that_is_too_fast_waits() -> None:
    async def main() -> None:
        seen, sent = Seen(), 0

        def note(number: int) -> None:
            nonlocal sent
            sent = number

        numbers = reactivex.from_iterable(count(), NewThreadScheduler())
        stream = numbers.pipe(ops.do_action(note))
        seen.source.subscribe(stream)
        while len(seen.items) < 10 * MAX_WAITING:
            assert sent - len(seen.items) <= 2 * MAX_WAITING
            await asyncio.sleep(0)
        seen.source.close()
        assert seen.items == list(range(len(seen.items)))

    asyncio.run(main())


def test_an_error_follows_the_items_before_it() -> None:
    async def main() -> None:
        seen, subject, error = Seen(), Subject[object](), ValueError("broken")
        seen.source.subscribe(subject)
        on_thread(lambda: subject.on_next(1))
        on_thread(lambda: subject.on_error(error))
        await seen.over.wait()
        assert seen.items == [1]
        assert seen.ends == [error]

    asyncio.run(main())


def test_an_error_of_subscribe_is_an_end() -> None:
    async def main() -> None:
        def subscribe(*_: object) -> object:
            raise ValueError("broken")

        seen = Seen()
        seen.source.subscribe(Observable[object](subscribe))  # type: ignore[arg-type]
        await seen.over.wait()
        assert [str(error) for error in seen.ends] == ["broken"]

    asyncio.run(main())


def test_closing_disposes_and_ends_everything() -> None:
    async def main() -> None:
        seen, subject = Seen(), Subject[object]()
        stream, calls = record_subscriptions(subject)
        seen.source.subscribe(stream)
        on_thread(lambda: subject.on_next(1))  # waits in the mailbox
        seen.source.close()
        subject.on_next(2)
        await asyncio.sleep(0)
        assert calls == ["subscribed", "disposed"]
        assert seen.items == []

    asyncio.run(main())


def test_what_is_handed_over_may_close_the_source_at_once() -> None:
    async def main() -> None:
        seen, subject = Seen(stop_at=1), Subject[object]()
        stream, calls = record_subscriptions(subject)
        seen.source.subscribe(stream)
        on_thread(partial(push, subject, range(3)))
        await seen.over.wait()
        assert calls == ["subscribed", "disposed"]

    asyncio.run(main())


def test_a_source_without_an_end_inside_subscribe_is_ended_by_closing() -> None:
    async def main() -> None:
        seen = Seen(stop_at=3)
        seen.source.subscribe(emit_during_subscribe(10**12))
        assert seen.items == [0, 1, 2]

    asyncio.run(main())


def test_a_source_that_sends_after_it_was_closed_is_ignored() -> None:
    async def main() -> None:
        keep: list[abc.ObserverBase[object]] = []
        seen = Seen()

        def subscribe(observer: abc.ObserverBase[object], *_: object) -> abc.DisposableBase:
            keep.append(observer)
            return Disposable()

        seen.source.subscribe(Observable[object](subscribe))
        seen.source.close()
        seen.source._put(1)
        assert seen.items == []

    asyncio.run(main())


@pytest.mark.usefixtures("no_thread_left")
def test_a_thread_that_sends_to_a_closed_loop_ends_its_stream() -> None:
    async def main() -> tuple[Seen, Subject[object], list[str]]:
        seen, subject = Seen(), Subject[object]()
        stream, calls = record_subscriptions(subject)
        seen.source.subscribe(stream)
        return seen, subject, calls

    seen, subject, calls = asyncio.run(main())
    subject.on_next(1)
    on_thread(lambda: subject.on_next(2))

    assert calls == ["subscribed", "disposed"]
    assert 2 not in seen.items
