"""`retry_unstarted` retries a request that failed before its first item, and no other."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject

from ollama_rx import Client, iterate
from ollama_rx import operators as op
from ollama_rx.errors import BusyError, ModelNotFoundError, ServerError
from ollama_rx.operators import _retry_unstarted, accumulate_text, retry_unstarted, stop_at, throttle_latest
from ollama_rx.rx.event_loops import marked_as_internal
from ollama_rx.testing import FakeOllama, answer, check, error_status

BUSY = BusyError(503, "busy")
DEADLINE = 5.0  # seconds; only reached if a test fails


def test_a_stream_that_fails_before_its_first_item_is_subscribed_to_again_after_the_wait() -> None:
    check(
        retry_unstarted(wait=2),
        source=["--#", "---a--b-|"],
        expect="-------a--b-|",
        life=["^-!", "----^-------!"],
        error=BUSY,
    )


def test_an_error_after_the_first_item_passes() -> None:
    check(retry_unstarted(wait=2), source=["-a-#", "b|"], expect="-a-#", life="^--!", error=BUSY)


def test_completion_passes_even_without_an_item() -> None:
    check(retry_unstarted(wait=2), source=["--|", "b|"], expect="--|", life="^-!")


def test_cancel_during_an_attempt_reaches_the_source() -> None:
    check(retry_unstarted(wait=1), source=["-#", "---a|"], expect="---!", life=["^!", "--^!"], error=BUSY)


def test_cancel_during_the_wait_prevents_the_retry() -> None:
    check(retry_unstarted(wait=5), source=["-#", "a|"], expect="---!", life=["^!"], error=BUSY)


def test_an_error_that_is_not_retryable_passes_at_once() -> None:
    for error in (
        ModelNotFoundError(404, "no such model"),
        RuntimeError("boom"),
        ServerError("out of memory"),
    ):
        check(retry_unstarted(wait=2), source=["-#", "b|"], expect="-#", life="^!", error=error)


def test_any_error_whose_retryable_is_true_is_retried() -> None:
    class FlakyError(Exception):
        retryable = True

    check(retry_unstarted(wait=1), source=["-#", "b|"], expect="--b|", error=FlakyError())


def test_the_last_error_passes_when_the_retries_are_used_up() -> None:
    check(
        retry_unstarted(2, wait=1),
        source=["-#", "-#", "-#", "a|"],
        expect="-----#",
        life=["^!", "--^!", "----^!"],
        error=BUSY,
    )


def test_the_default_wait_is_random_up_to_a_limit_that_doubles_up_to_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def longest(shortest: float, longest: float) -> float:
        assert shortest == 0
        return longest

    monkeypatch.setattr(_retry_unstarted._random, "uniform", longest)
    half_seconds = [1, 2, 4, 8, 16, 32, 60, 60]
    check(
        retry_unstarted(times=len(half_seconds)),
        source=["#"] * len(half_seconds) + ["a|"],
        expect="-" * sum(half_seconds) + "a|",
        error=BUSY,
        tick=0.5,
    )


def test_clients_that_fail_at_the_same_moment_come_back_at_different_moments() -> None:
    waits = {_retry_unstarted._full_jitter(retry=1) for _ in range(20)}
    assert len(waits) == 20
    assert all(0 <= wait <= 0.5 for wait in waits)
    assert _retry_unstarted._full_jitter(retry=10_000) <= 30


def test_the_wait_may_be_a_function_of_the_number_of_the_retry() -> None:
    check(
        retry_unstarted(wait=lambda retry: retry * 2),
        source=["#", "#", "a|"],
        expect="------a|",
        life=["(^!)", "--(^!)", "------^!"],
        error=BUSY,
    )


def test_an_exception_of_the_wait_function_becomes_the_streams_error() -> None:
    def wait(_: int) -> float:
        raise KeyError("wait")

    check(retry_unstarted(wait=wait), source="-#", expect="-#", error=BUSY, expect_error=KeyError)


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        (None, TypeError),
        ("1", TypeError),
        (float("inf"), ValueError),
        (float("nan"), ValueError),
        (-1, ValueError),
    ],
)
def test_a_wait_function_that_returns_invalid_seconds_is_the_streams_error(
    seconds: float, error: type[Exception]
) -> None:
    check(retry_unstarted(wait=lambda _: seconds), source="-#", expect="-#", error=BUSY, expect_error=error)


def failing(times: int, error: Exception = BUSY) -> tuple[Observable[str], list[int]]:
    """Return a stream whose first subscriptions fail, and the list of the threads that subscribed."""
    threads: list[int] = []

    def subscribed(_: object) -> Observable[str]:
        threads.append(threading.get_ident())
        return rx.throw(error) if len(threads) <= times else rx.of("Hi")

    return rx.defer(subscribed), threads


def test_with_a_wait_of_zero_a_source_that_fails_in_subscribe_is_retried_at_once() -> None:
    source, threads = failing(2)
    assert source.pipe(retry_unstarted(wait=0), ops.to_list()).run() == ["Hi"]
    assert len(threads) == 3


def test_a_source_may_fail_in_subscribe_thousands_of_times() -> None:
    stream, threads = failing(3000)
    items: list[str] = []
    stream.pipe(retry_unstarted(3000, wait=0)).subscribe(items.append)
    assert items == ["Hi"]
    assert threads == [threading.get_ident()] * 3001


def test_an_exception_of_the_subscriber_is_not_retried() -> None:
    source, threads = failing(0)
    errors: list[Exception] = []

    def failing_subscriber(_: str) -> None:
        raise BUSY

    source.pipe(retry_unstarted(wait=0)).subscribe(failing_subscriber, errors.append)
    assert errors == [BUSY]
    assert len(threads) == 1


def test_items_after_the_end_are_dropped() -> None:
    found: list[str] = []

    def careless(observer: "rx.abc.ObserverBase[str]", _: object = None) -> Disposable:
        for text in ("a", "b"):
            observer.on_next(text)
        return Disposable()

    stream: Observable[str] = rx.create(careless)
    stream.pipe(retry_unstarted(), stop_at("a", include=True)).subscribe(found.append)
    assert found == ["a"]


def test_cancel_inside_the_wait_function_prevents_the_retry() -> None:
    source: Subject[str] = Subject()
    counted = rx.defer(lambda _: source)

    def leave(_: int) -> float:
        subscription.dispose()
        return 0

    subscription = counted.pipe(retry_unstarted(wait=leave)).subscribe()
    source.on_error(BUSY)
    assert not source.observers


def test_operators_after_it_keep_their_state_and_timers_across_a_retry() -> None:
    check(
        lambda source: source.pipe(retry_unstarted(wait=1), accumulate_text(), throttle_latest(2)),
        source=["#", "ab|"],
        expect="-x-(y|)",
        error=BUSY,
        x="a",
        y="ab",
    )


def test_outside_an_event_loop_the_retry_runs_on_a_timers_thread() -> None:
    source, threads = failing(1)
    done = threading.Event()
    source.pipe(retry_unstarted(wait=0.01)).subscribe(on_completed=done.set)
    assert done.wait(DEADLINE)
    assert threads[0] == threading.get_ident() != threads[1]


async def _on_loop(subscribe: Callable[[Observable[str], Callable[[], None]], object]) -> list[int]:
    source, threads = failing(1)
    done = asyncio.Event()
    subscribe(source.pipe(retry_unstarted(wait=0.01)), done.set)
    await asyncio.wait_for(done.wait(), DEADLINE)
    return threads


def test_on_an_event_loop_the_retry_runs_on_that_loop() -> None:
    threads = asyncio.run(_on_loop(lambda stream, done: stream.subscribe(on_completed=done)))
    assert threads == [threading.get_ident()] * 2


def test_with_the_scheduler_of_a_loop_the_retry_runs_on_that_loop() -> None:
    def subscribe(stream: Observable[str], done: Callable[[], None]) -> None:
        stream.subscribe(on_completed=done, scheduler=AsyncIOScheduler(asyncio.get_running_loop()))

    assert asyncio.run(_on_loop(subscribe)) == [threading.get_ident()] * 2


def test_cancel_from_another_thread_ends_a_wait_on_a_loop() -> None:
    async def main() -> int:
        source, threads = failing(1)
        subscription = source.pipe(retry_unstarted(wait=60)).subscribe()
        await asyncio.get_running_loop().run_in_executor(None, subscription.dispose)
        return len(threads)

    assert asyncio.run(main()) == 1


def test_on_an_internal_loop_the_retry_runs_on_a_timers_thread() -> None:
    source, threads = failing(1)
    done = threading.Event()

    async def callback() -> None:
        source.pipe(retry_unstarted(wait=0.01)).subscribe(on_completed=done.set)

    with marked_as_internal():
        asyncio.run(callback())
    assert done.wait(DEADLINE)
    assert len(threads) == 2


@pytest.mark.parametrize(
    ("times", "wait", "named", "error"),
    [
        (0, 1.0, "times", ValueError),
        (1.5, 1.0, "times", TypeError),
        (1, -1.0, "wait", ValueError),
        (1, float("inf"), "wait", ValueError),
        (1, "1", "wait", TypeError),
        (1, True, "wait", TypeError),
    ],
)
def test_wrong_arguments_are_refused_when_the_operator_is_built(
    times: int, wait: float, named: str, error: type
) -> None:
    with pytest.raises(error, match=named):
        retry_unstarted(times, wait=wait)


def test_a_request_to_a_busy_server_is_retried_inside_another_stream() -> None:
    with FakeOllama(answer("first"), error_status(503), answer("second")) as fake, Client(fake.url) as client:
        done = threading.Event()
        texts: list[str] = []

        def again(_: str) -> None:
            second = client.generate("Hi", model="m").pipe(retry_unstarted(wait=0.05), op.text())
            second.subscribe(texts.append, on_completed=done.set)  # its loop ends before the wait does

        client.generate("Hi", model="m").pipe(op.text(), stop_at("never")).subscribe(again)
        assert done.wait(DEADLINE)
        assert "".join(texts) == "second"


def test_after_a_retry_callbacks_see_the_context_variables_of_the_subscriber() -> None:
    variable = ContextVar("variable", default="lost")
    variable.set("here")
    with FakeOllama(error_status(503), answer("ok")) as fake, Client(fake.url, model="m") as client:
        stream = client.generate("Hi").pipe(retry_unstarted(wait=0.01))
        assert stream.pipe(ops.map(lambda _: variable.get())).run() == "here"


def test_a_request_to_a_busy_server_is_retried_on_a_loop() -> None:
    async def main(client: Client) -> str:
        stream = client.generate("Hi", model="m").pipe(retry_unstarted(wait=0.05), op.text())
        return "".join([text async for text in iterate(stream)])

    with FakeOllama(error_status(503), answer("ok")) as fake, Client(fake.url) as client:
        assert asyncio.run(main(client)) == "ok"
