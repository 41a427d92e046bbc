"""A subscription ends once, from any thread, and all its timers with it."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from reactivex.disposable import Disposable
from reactivex.scheduler import TimeoutScheduler, VirtualTimeScheduler
from reactivex.subject import Subject
from reactivex.testing import TestScheduler

from ollama_rx.operators import latest_every
from ollama_rx.operators._life import Life

DEADLINE = 5.0  # seconds; only reached when something is broken
BOOM = RuntimeError("boom")


def rooted(events: list[Any], scheduler: Any = None) -> Life:
    life = Life(scheduler)
    life.root(events.append, lambda: events.append("|"))
    return life


def test_what_is_added_is_closed_once_and_at_once_when_it_is_over() -> None:
    life = rooted([])
    closed: list[str] = []
    life.add(lambda: closed.append("early"))
    life.dispose()
    life.add(lambda: closed.append("late"))
    life.dispose()
    assert closed == ["early", "late"]


def test_what_a_closer_adds_is_closed_too() -> None:
    life = rooted([])
    closed: list[str] = []
    life.add(lambda: life.add(lambda: closed.append("inner")))
    life.dispose()
    assert closed == ["inner"]


def test_each_closer_runs_once_when_many_threads_dispose() -> None:
    for _ in range(50):
        assert sorted(_closed_by_four_threads()) == list(range(20))


def _closed_by_four_threads() -> list[int]:
    life = rooted([])
    closed: list[int] = []
    for number in range(20):
        life.add(partial(closed.append, number))
    begin = threading.Barrier(4)

    def dispose() -> None:
        begin.wait()
        life.dispose()

    threads = [threading.Thread(target=dispose) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return closed


def test_only_the_first_terminal_event_is_sent() -> None:
    events: list[Any] = []
    life = rooted(events)
    life.complete()
    life.complete()
    life.fail(BOOM)
    assert events == ["|"]


def test_the_terminal_event_can_be_claimed_once() -> None:
    life = rooted([])
    assert life.finish()
    assert not life.finish()
    over = rooted([])
    over.dispose()
    assert not over.finish()


def test_what_completion_raises_is_sent_as_an_error() -> None:
    events: list[Any] = []
    life = Life(None)

    def completed() -> None:
        raise BOOM

    life.root(events.append, completed)
    life.complete()
    assert events == [BOOM]
    assert life.over


def test_what_the_chain_raises_is_an_error_event_or_raised_again() -> None:
    events: list[Any] = []
    life = rooted(events)
    life.raised(BOOM)
    assert events == [BOOM]
    with pytest.raises(RuntimeError, match="boom"):
        life.raised(BOOM)


# the clock


def test_virtual_time_is_told_in_seconds() -> None:
    scheduler = TestScheduler()
    life = rooted([], scheduler)
    start = life.now()
    scheduler.advance_by(2.5)
    assert life.now() - start == pytest.approx(2.5)


def test_real_time_goes_on() -> None:
    life = rooted([])
    assert life.now() <= life.now()


def test_a_timer_runs_in_virtual_time_unless_it_is_cancelled() -> None:
    scheduler = VirtualTimeScheduler()
    life = rooted([], scheduler)
    ran: list[str] = []
    life.later(1, lambda: ran.append("a"))
    cancel = life.later(2, lambda: ran.append("b"))
    life.later(3, lambda: ran.append("c"))
    cancel()
    scheduler.start()
    assert ran == ["a", "c"]


def test_a_timer_that_is_over_before_it_is_due_does_nothing() -> None:
    scheduler = VirtualTimeScheduler()
    life = rooted([], scheduler)
    ran: list[str] = []
    life.later(1, lambda: ran.append("a"))
    life.dispose()
    cancel = life.later(1, lambda: ran.append("b"))
    cancel()
    scheduler.start()
    assert ran == []


def test_what_a_timer_raises_is_the_streams_error() -> None:
    scheduler = VirtualTimeScheduler()
    events: list[Any] = []
    life = rooted(events, scheduler)

    def action() -> None:
        raise BOOM

    life.later(1, action)
    scheduler.start()
    assert events == [BOOM]


def test_on_a_loop_a_timer_runs_on_that_loop() -> None:
    async def main() -> None:
        life = rooted([])
        ran = asyncio.Event()
        threads: list[int] = []

        def action() -> None:
            threads.append(threading.get_ident())
            ran.set()

        life.later(0.001, action)
        await asyncio.wait_for(ran.wait(), DEADLINE)
        assert threads == [threading.get_ident()]
        life.later(60, action)
        life.dispose()

    asyncio.run(main())


def _on_a_thread(start: Callable[[Life, Callable[[], None]], object], scheduler: Any) -> int:
    ran = threading.Event()
    threads: list[int] = []

    def action() -> None:
        threads.append(threading.get_ident())
        ran.set()

    start(rooted([], scheduler), action)
    assert ran.wait(DEADLINE)
    return threads[0]


@pytest.mark.parametrize(
    "scheduler", [None, TimeoutScheduler.singleton()], ids=["no scheduler", "a scheduler"]
)
def test_without_a_loop_a_timer_runs_on_a_thread(scheduler: Any) -> None:
    thread = _on_a_thread(lambda life, action: life.later(0.001, action), scheduler)
    assert thread != threading.get_ident()


def test_a_cancelled_timer_that_is_already_running_waits_for_the_lock_and_does_nothing() -> None:
    life = rooted([])
    life.lock_needed()
    life.lock_needed()
    ran: list[str] = []
    waiting = threading.Event()

    class Watched:
        """Tells that somebody waits for the lock."""

        def __init__(self, lock: Any) -> None:
            self._lock = lock

        def __enter__(self) -> None:
            waiting.set()
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    lock: Any = life.lock
    with lock:
        life.lock = Watched(lock)
        cancel = life.later(0.001, lambda: ran.append("a"))
        assert waiting.wait(DEADLINE)
        cancel()
    life.lock = lock
    with life.lock:
        assert ran == []


def test_items_and_timer_actions_never_overlap() -> None:
    source: Subject[int] = Subject()
    inside = threading.Lock()
    last = threading.Event()

    def on_next(item: int) -> None:
        assert inside.acquire(blocking=False)
        inside.release()
        if item == 1999:
            last.set()

    source.pipe(latest_every(0.001)).subscribe(on_next)
    for number in range(2000):
        source.on_next(number)
    source.on_completed()
    assert last.wait(DEADLINE)


class EmptiedList(list[Any]):
    """A list that another thread empties between a look and a pop."""

    def pop(self, *_: Any) -> Any:
        self.clear()
        raise IndexError


class EmptiedSet(set[Any]):
    """A set that another thread empties between a look and a pop."""

    def pop(self) -> Any:
        self.clear()
        raise KeyError


def test_two_threads_that_close_at_once_do_not_trip_over_each_other() -> None:
    life = rooted([])
    life._closers = EmptiedList([1])
    life.dispose()
    assert not life._closers
    life._timers = EmptiedSet([1])
    life.dispose()
    assert not life._timers


class DeafScheduler(VirtualTimeScheduler):
    """A scheduler whose actions cannot be cancelled."""

    def schedule_absolute(self, *args: Any, **more: Any) -> Disposable:
        super().schedule_absolute(*args, **more)
        return Disposable()


def test_a_timer_that_comes_in_spite_of_its_cancel_does_nothing() -> None:
    scheduler = DeafScheduler()
    ran: list[str] = []
    rooted([], scheduler).later(1, lambda: ran.append("a"))()
    life = rooted([], scheduler)
    life.later(1, lambda: ran.append("b"))
    life.dispose()
    scheduler.start()
    assert ran == []
