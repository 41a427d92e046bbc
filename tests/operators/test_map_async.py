"""`map_async` calls a few functions at once, emits in order, pauses the source, and leaves nothing behind."""

import asyncio
import functools
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest
import reactivex
from reactivex import Observable, of
from reactivex import operators as ops
from reactivex.scheduler import EventLoopScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler
from reactivex.subject import Subject

from ollama_rx import Client, Delivery, ServerError, deliver, iterate
from ollama_rx import operators as op
from ollama_rx.operators import map_async
from ollama_rx.rx import internal_loop
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.mailbox import Mailbox
from ollama_rx.sinks import Collector
from ollama_rx.testing import FakeOllama, Gate, answer, check, endless, midstream_error
from tests.contracts import conftest
from tests.contracts.conftest import Door, eventually, our_threads

Function = Callable[[str], Any]

door = conftest.door  # the fixture


async def upper(text: str) -> str:
    await asyncio.sleep(0)
    return text.upper()


class AsyncUpper:
    async def __call__(self, text: str) -> str:
        return await upper(text)


async def pieces(text: str) -> AsyncIterator[str]:
    yield text


class Pieces:
    async def __call__(self, text: str) -> AsyncIterator[str]:
        yield text


def future_upper(text: str) -> Awaitable[str]:
    return upper(text)


FUNCTIONS: list[Function] = [
    upper,
    AsyncUpper(),
    functools.partial(upper),
    str.upper,
    future_upper,
    lambda text: of("before", text.upper()),
]


def letters(client: Client) -> Observable[str]:
    return client.generate("x").pipe(op.text(), ops.filter(bool))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("max_concurrent", [1, 2, 9])
def test_results_come_in_the_order_of_the_items(function: Function, max_concurrent: int, door: Door) -> None:
    with FakeOllama(answer(*"abcdef")) as fake, Client(fake.url, model="m") as client:
        seen = door.subscribe(letters(client).pipe(map_async(function, max_concurrent))).wait()
        assert seen.items == list("ABCDEF")
        assert (seen.completed, seen.errors) == (1, [])
    assert eventually(lambda: not our_threads())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_source_of_rxpy_is_mapped_too(function: Function, door: Door) -> None:
    assert door.subscribe(of(*"abcdef").pipe(map_async(function, 2))).wait().items == list("ABCDEF")


def test_it_runs_on_a_loop_of_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> list[str]:
        return [text async for text in iterate(of(*"abc").pipe(map_async(upper, 2)))]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == list("ABC")


def test_it_runs_on_the_loop_of_a_scheduler() -> None:
    async def thread(_: str) -> int:
        return threading.get_ident()

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        scheduler = AsyncIOThreadSafeScheduler(loop)
        stream = of("a").pipe(map_async(thread))
        await asyncio.to_thread(stream.subscribe, told.set_result, scheduler=scheduler)
        return [await told, threading.get_ident()]

    used, main_thread = asyncio.run(main())
    assert used == main_thread


def test_on_a_loop_the_source_keeps_a_scheduler_of_another_kind() -> None:
    async def main() -> None:
        sent_on: list[str] = []
        source = reactivex.timer(0).pipe(
            ops.do_action(lambda _: sent_on.append(threading.current_thread().name))
        )
        kept = Mailbox[str]()
        scheduler = EventLoopScheduler(lambda run: threading.Thread(target=run, name="mine", daemon=True))
        try:
            source.pipe(map_async(str)).subscribe(kept.put, kept.end, kept.end, scheduler=scheduler)
            assert [item async for item in kept] == ["0"]
        finally:
            scheduler.dispose()
        assert sent_on == ["mine"]

    asyncio.run(main())


def test_it_does_not_hold_the_thread_of_another_scheduler() -> None:
    release = threading.Event()

    def work(text: str) -> str:
        release.wait(10)
        return text

    def open_it(*_: object) -> None:
        release.set()

    kept = Mailbox[str]()
    scheduler = EventLoopScheduler()
    try:
        of("a").pipe(map_async(work)).subscribe(kept.put, kept.end, kept.end, scheduler=scheduler)
        scheduler.schedule(open_it)
        assert list(kept) == ["a"]
    finally:
        scheduler.dispose()


def test_a_slow_call_is_waited_for_and_a_later_result_held_until_then() -> None:
    async def main() -> None:
        slow, quick_done = asyncio.Event(), asyncio.Event()

        async def work(text: str) -> str:
            if text == "a":
                await slow.wait()
            else:
                quick_done.set()
            return text

        items = aiter(iterate(of("a", "b").pipe(map_async(work, 2))))
        first = asyncio.ensure_future(anext(items))
        await quick_done.wait()
        assert not first.done()
        slow.set()
        assert [await first, await anext(items)] == ["a", "b"]

    asyncio.run(main())


@pytest.mark.parametrize("max_concurrent", [1, 3])
def test_no_more_than_max_concurrent_calls_run_and_the_source_is_paused(
    max_concurrent: int,
    door: Door,
) -> None:
    release, lock, calls = threading.Event(), threading.Lock(), [0, 0]  # running, most

    def work(text: str) -> str:
        with lock:
            calls[0] += 1
            calls[1] = max(calls)
        release.wait(10)
        with lock:
            calls[0] -= 1
        return text

    passed: list[str] = []
    with FakeOllama(answer(endless("a" * 50_000))) as fake, Client(fake.url, model="m") as client:
        stream = client.generate("x").pipe(op.text(), ops.do_action(passed.append))
        seen = door.subscribe(stream.pipe(map_async(work, max_concurrent), ops.take(20)))
        fake.wait_for_pause()
        assert eventually(lambda: calls[0] == max_concurrent)
        assert len(passed) <= 2 * max_concurrent
        release.set()
        assert len(seen.wait().items) == 20
        fake.wait_for_disconnect()
        assert calls[1] == max_concurrent
    assert eventually(lambda: not our_threads())


def test_while_its_calls_run_it_does_not_pause_the_sources_beside_it() -> None:
    async def never(_: str) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        scheduler = PausableScheduler(asyncio.get_running_loop())
        sent: list[str] = []
        source = reactivex.concat(of(*"abc"), reactivex.never()).pipe(ops.do_action(sent.append))
        subscription = source.pipe(map_async(never)).subscribe(scheduler=scheduler)
        for _ in range(5):  # turns of the loop
            await asyncio.sleep(0)
        assert sent == list("abc")  # more than may wait
        assert not scheduler.paused
        subscription.dispose()

    asyncio.run(main())


def test_dispose_cancels_the_calls_and_closes_the_request(door: Door) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def work(_: str) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with FakeOllama(answer(*"abc", Gate())) as fake, Client(fake.url, model="m") as client:
        seen = door.subscribe(letters(client).pipe(map_async(work, 2)))
        assert started.wait(5)
        seen.dispose()
        assert cancelled.wait(5)
        fake.wait_for_disconnect()
        assert eventually(lambda: not our_threads() and door.tasks() == 0)
    assert (seen.items, seen.errors, seen.completed) == ([], [], 0)


@pytest.mark.parametrize("outcome", ["a result", "an error"])
def test_what_a_blocking_function_gives_after_dispose_is_dropped(outcome: str, door: Door) -> None:
    started, release = threading.Event(), threading.Event()

    def work(text: str) -> str:
        started.set()
        release.wait(10)
        if outcome == "an error":
            raise ValueError
        return text

    with FakeOllama(answer(*"abc", Gate())) as fake, Client(fake.url, model="m") as client:
        seen = door.subscribe(letters(client).pipe(map_async(work)))
        assert started.wait(5)
        seen.dispose()
        fake.wait_for_disconnect()
        assert eventually(lambda: our_threads() == ["ollama-rx-worker"])  # it ends when the function returns
        release.set()
        assert eventually(lambda: not our_threads())
    assert (seen.items, seen.errors, seen.completed) == ([], [], 0)


def test_an_operator_below_that_completes_ends_everything(door: Door) -> None:
    with FakeOllama(answer(endless("a"))) as fake, Client(fake.url, model="m") as client:
        for below in (ops.take(2), op.stop_at("aA", ignore_case=True)):
            seen = door.subscribe(letters(client).pipe(map_async(upper, 3), below)).wait()
            assert seen.completed == 1
        fake.wait_for_disconnect(2)
    assert eventually(lambda: not our_threads() and door.tasks() == 0)


class Wrong(BaseException):
    pass


@pytest.mark.parametrize("kind", [ValueError, StopIteration, asyncio.CancelledError, Wrong])
@pytest.mark.parametrize("how", ["async def", "def"])
def test_an_exception_of_the_function_comes_in_its_place_and_closes_the_request(
    kind: type[BaseException],
    how: str,
    door: Door,
) -> None:
    def work(text: str) -> str:
        if text == "c":
            raise kind
        return text.upper()

    async def work_async(text: str) -> str:
        return work(text)

    with FakeOllama(answer(*"abcd", Gate())) as fake, Client(fake.url, model="m") as client:
        function: Function = work if how == "def" else work_async
        seen = door.subscribe(letters(client).pipe(map_async(function, 3))).wait()
        fake.wait_for_disconnect()
        assert seen.items == ["A", "B"]
        expected = RuntimeError if kind is StopIteration else kind
        assert [type(error) for error in seen.errors] == [expected]
        assert eventually(lambda: not our_threads() and door.tasks() == 0)


def test_an_exit_of_the_function_on_a_streams_thread_ends_the_stream() -> None:
    def leave(_: str) -> None:
        raise SystemExit

    errors: list[BaseException] = []
    with FakeOllama(answer("a", Gate())) as fake, Client(fake.url, model="m") as client:
        letters(client).pipe(map_async(leave)).subscribe(on_error=errors.append)
        fake.wait_for_disconnect()
        assert eventually(lambda: not our_threads())
    assert len(errors) == 1


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, internal_loop._loop_factory()])
def test_an_exit_of_the_subscriber_on_a_streams_thread_ends_the_stream(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(internal_loop, "_loop_factory", lambda: new_loop)

    def leave(_: str) -> None:
        raise SystemExit

    errors: list[BaseException] = []
    with FakeOllama(answer("a", Gate())) as fake, Client(fake.url, model="m") as client:
        letters(client).pipe(map_async(upper)).subscribe(leave, errors.append)
        fake.wait_for_disconnect()
        assert eventually(lambda: not our_threads())
    assert [type(error) for error in errors] == [SystemExit]
    assert caplog.text == ""


def test_the_error_of_a_call_that_was_cancelled_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        failed = asyncio.Event()

        async def work(text: str) -> None:
            if text == "b":
                failed.set()
                raise ValueError
            await asyncio.Event().wait()

        subscription = of("a", "b").pipe(map_async(work, 2)).subscribe()
        await failed.wait()
        subscription.dispose()

    asyncio.run(main())
    assert caplog.text == ""


def test_an_error_of_the_source_passes_at_once_and_cancels_the_calls(door: Door) -> None:
    async def never(_: str) -> None:
        await asyncio.Event().wait()

    with FakeOllama(answer("a", midstream_error("boom"))) as fake, Client(fake.url, model="m") as client:
        seen = door.subscribe(letters(client).pipe(map_async(never))).wait()
    assert [type(error) for error in seen.errors] == [ServerError]
    assert seen.items == []
    assert eventually(lambda: not our_threads() and door.tasks() == 0)


def test_an_exception_of_the_subscriber_reaches_its_on_error(door: Door) -> None:
    def fail(_: str) -> None:
        raise KeyError

    with FakeOllama(answer(*"abc", Gate())) as fake, Client(fake.url, model="m") as client:
        seen = door.subscribe(letters(client).pipe(map_async(upper, 2)), hook=fail).wait()
        fake.wait_for_disconnect()
    assert (seen.items, [type(error) for error in seen.errors]) == (["A"], [KeyError])


def test_an_exception_that_no_on_error_handles_is_reported_to_the_loop() -> None:
    reported: list[object] = []

    def fail(_: str) -> None:
        raise KeyError

    async def main() -> None:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()

        def report(_: object, context: dict[str, object]) -> None:
            reported.append(context["exception"])
            told.set()

        loop.set_exception_handler(report)
        of("a").pipe(map_async(upper)).subscribe(fail)
        await told.wait()

    asyncio.run(main())
    assert [type(error) for error in reported] == [KeyError]


def test_tasks_of_callbacks_are_finished_before_the_thread_ends(door: Door) -> None:
    async def later(text: str) -> str:
        await asyncio.sleep(0)
        return text.lower()

    def follow(text: str) -> Observable[str]:
        return reactivex.from_future(asyncio.ensure_future(later(text)))

    stream = of("a", "b").pipe(map_async(upper), ops.flat_map(follow))
    assert door.subscribe(stream).wait().items == ["a", "b"]


def test_a_delivery_stores_every_result_and_leaves_no_task() -> None:
    async def main(client: Client) -> list[str]:
        kept = Collector[str]()
        await deliver(letters(client).pipe(map_async(upper, 2)), kept, Collector())
        return kept.items

    with FakeOllama(answer(*"abc")) as fake, Client(fake.url, model="m") as client:
        assert asyncio.run(main(client)) == list("ABC")
        kept = Collector[str]()
        deliver(letters(client).pipe(map_async(upper, 2)), kept).wait()
        assert kept.items == list("ABC")


def test_two_subscribers_share_no_state(door: Door) -> None:
    stream = of(*"abc").pipe(map_async(upper, 2))
    first, second = door.subscribe(stream), door.subscribe(stream)
    assert first.wait().items == second.wait().items == list("ABC")


def test_the_function_sees_the_context_variables_of_the_subscriber(door: Door) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")

    async def read(_: str) -> str:
        return variable.get()

    def read_blocking(_: str) -> str:
        return variable.get()

    def subscribe(function: Function) -> Any:
        variable.set("here")
        kept = Mailbox[str]()
        of("a").pipe(map_async(function)).subscribe(kept.put, kept.end, kept.end)
        return kept

    for function in (read, read_blocking):
        kept = door.call(functools.partial(subscribe, function))
        assert list(kept) == ["here"]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, internal_loop._loop_factory()])
def test_a_loop_that_is_closed_by_hand_ends_it_and_leaves_no_task(
    new_loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[BaseException] = []

    async def main() -> None:
        started = asyncio.Event()

        async def never(_: str) -> None:
            started.set()
            await asyncio.Event().wait()

        of("a", "b").pipe(map_async(never)).subscribe(on_error=errors.append)
        await started.wait()

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()
    del loop
    gc.collect()
    assert [type(error) for error in errors] == [asyncio.CancelledError]
    assert caplog.text == ""


def test_dispose_before_the_scheduler_starts_it_subscribes_to_nothing() -> None:
    async def main() -> bool:
        scheduler = AsyncIOThreadSafeScheduler(asyncio.get_running_loop())
        source = Subject[str]()

        def subscribe_and_dispose() -> None:
            source.pipe(map_async(upper)).subscribe(scheduler=scheduler).dispose()

        thread = threading.Thread(target=subscribe_and_dispose)
        thread.start()
        thread.join()  # meanwhile the loop, which would start it, stands still
        await asyncio.sleep(0)
        return not source.observers

    assert asyncio.run(main())


def test_no_item_of_a_hot_source_is_lost_after_subscribing() -> None:
    async def main() -> None:
        for scheduler in (None, AsyncIOScheduler(asyncio.get_running_loop())):
            source = Subject[str]()
            kept = Mailbox[str]()
            stream = source.pipe(map_async(upper))
            stream.subscribe(kept.put, kept.end, kept.end, scheduler=scheduler)
            source.on_next("a")
            source.on_completed()
            assert [item async for item in kept] == ["A"]

    asyncio.run(main())


def test_it_works_among_the_operators_of_one_sink() -> None:
    def start(source: Subject[str], mapped: Collector[str], beside: Collector[str]) -> Delivery:
        delivery = deliver(source, mapped.after(map_async(upper, 2)), beside)
        for text in "abc":
            source.on_next(text)
        source.on_completed()
        return delivery

    async def main() -> list[str]:
        mapped, beside = Collector[str](), Collector[str]()
        await start(Subject(), mapped, beside)
        return mapped.items + beside.items

    mapped, beside = Collector[str](), Collector[str]()
    start(Subject(), mapped, beside).wait(5)
    assert mapped.items + beside.items == asyncio.run(main()) == list("ABCabc")


def test_a_worker_that_begins_after_the_end_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    delayed: list[Callable[[], None]] = []

    def begin_later(begin: internal_loop.Begin, no_loop: internal_loop.NoLoop) -> None:
        delayed.append(functools.partial(internal_loop.begin_on_thread, begin, no_loop))

    monkeypatch.setattr("ollama_rx.operators._map_async.begin_on_thread", begin_later)
    errors: list[Exception] = []
    failed: Observable[str] = reactivex.throw(ValueError())
    failed.pipe(map_async(upper)).subscribe(on_error=errors.append)
    assert len(errors) == 1
    (begin,) = delayed
    begin()
    assert eventually(lambda: not our_threads())


@pytest.mark.usefixtures("no_descriptors")
def test_without_descriptors_for_a_loop_the_stream_ends_with_an_error() -> None:
    with pytest.raises(OSError, match="Too many open files"):
        reactivex.never().pipe(map_async(upper)).run()


def test_in_virtual_time_each_call_takes_no_time() -> None:
    for function in (upper, str.upper):
        check(map_async(function), source="-a-b-|", expect="-A-B-|")

    async def fail(_: str) -> None:
        raise ValueError("wrong")

    check(map_async(fail), source="-a-b-|", expect="-#", life="^!", expect_error=ValueError)


def test_in_virtual_time_the_function_sees_the_context_variables_too() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("here")

    async def read(_: str) -> str:
        return variable.get()

    functions: list[Function] = [read, lambda _: variable.get()]
    for function in functions:
        check(map_async(function), source="-a-|", expect="-x-|", x="here")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "function: expected a function, got int"),
        ((pieces,), "function: expected a function without `yield`, got an asynchronous generator"),
        ((Pieces(),), "function: expected a function without `yield`, got an asynchronous generator"),
        ((upper, 0), "max_concurrent: expected a whole number of at least 1, got 0"),
        ((upper, 1.5), "max_concurrent: expected a whole number of at least 1, got float"),
    ],
)
def test_wrong_arguments_are_refused_when_the_operator_is_built(
    arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        map_async(*arguments)
    assert str(caught.value) == message
