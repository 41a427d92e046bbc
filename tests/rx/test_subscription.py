"""A subscription ends once, from any thread, and its timers end with it."""

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

from ollama_rx.operators import throttle_latest
from ollama_rx.rx.subscription import ChainSubscription

DEADLINE = 5.0  # seconds; only reached when something is broken
BOOM = RuntimeError("boom")


def recording_subscription(events: list[Any], scheduler: Any = None) -> ChainSubscription:
    subscription = ChainSubscription(scheduler)
    subscription.set_terminal_handlers(events.append, lambda: events.append("|"))
    return subscription


def test_a_teardown_is_called_once_and_at_once_if_the_chain_has_ended() -> None:
    subscription = recording_subscription([])
    closed: list[str] = []
    subscription.add_teardown(lambda: closed.append("early"))
    subscription.dispose()
    subscription.add_teardown(lambda: closed.append("late"))
    subscription.dispose()
    assert closed == ["early", "late"]


def test_a_teardown_may_add_another_teardown() -> None:
    subscription = recording_subscription([])
    closed: list[str] = []
    subscription.add_teardown(lambda: subscription.add_teardown(lambda: closed.append("inner")))
    subscription.dispose()
    assert closed == ["inner"]


def test_each_teardown_is_called_once_if_many_threads_dispose() -> None:
    for _ in range(50):
        assert sorted(_torn_down_by_four_threads()) == list(range(20))


def _torn_down_by_four_threads() -> list[int]:
    subscription = recording_subscription([])
    closed: list[int] = []
    for number in range(20):
        subscription.add_teardown(partial(closed.append, number))
    begin = threading.Barrier(4)

    def dispose() -> None:
        begin.wait()
        subscription.dispose()

    threads = [threading.Thread(target=dispose) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return closed


def test_only_the_first_terminal_event_is_sent() -> None:
    events: list[Any] = []
    subscription = recording_subscription(events)
    subscription.complete()
    subscription.complete()
    subscription.fail(BOOM)
    assert events == ["|"]


def test_the_terminal_event_can_be_claimed_once() -> None:
    subscription = recording_subscription([])
    assert subscription.claim_terminal()
    assert not subscription.claim_terminal()
    disposed = recording_subscription([])
    disposed.dispose()
    assert not disposed.claim_terminal()


def test_an_exception_of_the_terminal_handler_is_raised_and_everything_is_torn_down() -> None:
    closed: list[Any] = []
    subscription = ChainSubscription(None)

    def completed() -> None:
        raise BOOM

    subscription.set_terminal_handlers(closed.append, completed)
    subscription.add_teardown(lambda: closed.append("closed"))
    with pytest.raises(RuntimeError, match="boom"):
        subscription.complete()
    assert closed == ["closed"]
    assert subscription.is_disposed


def test_an_exception_in_the_chain_is_sent_as_an_error_or_raised_after_the_end() -> None:
    events: list[Any] = []
    subscription = recording_subscription(events)
    subscription.handle_exception(BOOM)
    assert events == [BOOM]
    with pytest.raises(RuntimeError, match="boom"):
        subscription.handle_exception(BOOM)


# the clock


def test_virtual_time_is_given_in_seconds() -> None:
    scheduler = TestScheduler()
    subscription = recording_subscription([], scheduler)
    start = subscription.now()
    scheduler.advance_by(2.5)
    assert subscription.now() - start == pytest.approx(2.5)


def test_real_time_is_monotonic() -> None:
    subscription = recording_subscription([])
    assert subscription.now() <= subscription.now()


def test_a_timer_runs_in_virtual_time_unless_it_is_cancelled() -> None:
    scheduler = VirtualTimeScheduler()
    subscription = recording_subscription([], scheduler)
    ran: list[str] = []
    subscription.call_later(1, lambda: ran.append("a"))
    cancel = subscription.call_later(2, lambda: ran.append("b"))
    subscription.call_later(3, lambda: ran.append("c"))
    cancel()
    scheduler.start()
    assert ran == ["a", "c"]


def test_a_timer_of_a_disposed_chain_does_nothing() -> None:
    scheduler = VirtualTimeScheduler()
    subscription = recording_subscription([], scheduler)
    ran: list[str] = []
    subscription.call_later(1, lambda: ran.append("a"))
    subscription.dispose()
    cancel = subscription.call_later(1, lambda: ran.append("b"))
    cancel()
    scheduler.start()
    assert ran == []


def test_an_exception_in_a_timer_is_the_streams_error() -> None:
    scheduler = VirtualTimeScheduler()
    events: list[Any] = []
    subscription = recording_subscription(events, scheduler)

    def action() -> None:
        raise BOOM

    subscription.call_later(1, action)
    scheduler.start()
    assert events == [BOOM]


def test_on_a_loop_a_timer_runs_on_that_loop() -> None:
    async def main() -> None:
        subscription = recording_subscription([])
        ran = asyncio.Event()
        threads: list[int] = []

        def action() -> None:
            threads.append(threading.get_ident())
            ran.set()

        subscription.call_later(0.001, action)
        await asyncio.wait_for(ran.wait(), DEADLINE)
        assert threads == [threading.get_ident()]
        subscription.call_later(60, action)
        subscription.dispose()

    asyncio.run(main())


def ignore(_: object) -> None:
    """An ``on_next`` that is never called."""


def _on_a_thread(start: Callable[[ChainSubscription, Callable[[], None]], object], scheduler: Any) -> int:
    ran = threading.Event()
    threads: list[int] = []

    def action() -> None:
        threads.append(threading.get_ident())
        ran.set()

    start(recording_subscription([], scheduler), action)
    assert ran.wait(DEADLINE)
    return threads[0]


@pytest.mark.parametrize(
    "scheduler", [None, TimeoutScheduler.singleton()], ids=["no scheduler", "a scheduler"]
)
def test_without_a_loop_a_timer_runs_on_a_thread(scheduler: Any) -> None:
    thread = _on_a_thread(lambda subscription, action: subscription.call_later(0.001, action), scheduler)
    assert thread != threading.get_ident()


def test_a_cancelled_timer_that_is_already_running_waits_for_the_lock_and_does_nothing() -> None:
    subscription = recording_subscription([])
    subscription.serialize_foreign(ignore)
    ran: list[str] = []
    waiting = threading.Event()

    class ObservedLock:
        """Sets an event when a thread waits for the lock."""

        def __init__(self, lock: Any) -> None:
            self._lock = lock

        def acquire(self, *, blocking: bool) -> bool:
            waiting.set()
            acquired: bool = self._lock.acquire(blocking)
            return acquired

        def release(self) -> None:
            self._lock.release()

    lock: Any = subscription._lock
    with lock:
        observed: Any = ObservedLock(lock)
        subscription._lock = observed
        cancel = subscription.call_later(0.001, lambda: ran.append("a"))
        assert waiting.wait(DEADLINE)
        cancel()
    subscription._lock = lock
    with subscription._lock:
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

    source.pipe(throttle_latest(0.001)).subscribe(on_next)
    for number in range(2000):
        source.on_next(number)
    source.on_completed()
    assert last.wait(DEADLINE)


class EmptiedList(list[Any]):
    """A list that another thread empties between the check and the pop."""

    def pop(self, *_: Any) -> Any:
        self.clear()
        raise IndexError


def test_two_threads_may_dispose_at_the_same_time() -> None:
    subscription = recording_subscription([])
    subscription._teardowns = EmptiedList([1])
    subscription.dispose()
    assert not subscription._teardowns


class UncancellableScheduler(VirtualTimeScheduler):
    """A scheduler whose actions cannot be cancelled."""

    def schedule_absolute(self, *args: Any, **more: Any) -> Disposable:
        super().schedule_absolute(*args, **more)
        return Disposable()


def test_a_timer_that_fires_after_its_cancel_does_nothing() -> None:
    scheduler = UncancellableScheduler()
    ran: list[str] = []
    recording_subscription([], scheduler).call_later(1, lambda: ran.append("a"))()
    subscription = recording_subscription([], scheduler)
    subscription.call_later(1, lambda: ran.append("b"))
    subscription.dispose()
    scheduler.start()
    assert ran == []


def test_a_timer_on_an_event_loop_does_not_block_it_while_a_thread_is_in_the_chain() -> None:
    async def main() -> None:
        acted = asyncio.Event()
        entered, leave = threading.Event(), threading.Event()
        left_in_time: list[bool] = []

        def block(_: str) -> None:
            entered.set()
            left_in_time.append(leave.wait(DEADLINE))

        subscription = recording_subscription([])
        thread = threading.Thread(target=subscription.serialize_foreign(block), args=("item",))
        thread.start()
        entered.wait()
        subscription.call_later(0.0, acted.set)
        asyncio.get_running_loop().call_later(0.01, leave.set)  # as a reader that makes room
        await asyncio.wait_for(acted.wait(), 2 * DEADLINE)
        thread.join()
        assert left_in_time == [True]

    asyncio.run(main())
