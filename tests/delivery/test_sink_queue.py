"""Sinks that take time: opened first, on their own thread; coroutine functions awaited on an event loop."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler
from reactivex.subject import Subject

from ollama_rx import Client, Delivery, SinkError, deliver
from ollama_rx import operators as op
from ollama_rx.operators import split_words
from ollama_rx.rx import internal_loop
from ollama_rx.sinks import Callback, Collector, Sink, StopSink
from ollama_rx.testing import FakeOllama, Gate, answer, endless
from tests.contracts.conftest import eventually, our_threads
from tests.recording_sink import RecordingSink


class AwaitedSink(Sink[object]):
    """Records its calls, each after a turn of the loop; the call that is named by ``raises`` fails."""

    def __init__(self, raises: str = "", error: BaseException | None = None) -> None:
        self.calls: list[str] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self.raises = raises
        self.error = error or OSError("broken")

    async def _record(self, call: str) -> None:
        self.calls.append(f"({call}")
        self.loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        self.calls.append(")")
        if call.partition(" ")[0] == self.raises:
            raise self.error

    async def open(self) -> None:
        await self._record("open")

    async def on_next(self, value: object) -> None:  # type: ignore[override]
        await self._record(f"next {value}")

    async def on_error(self, error: Exception) -> None:  # type: ignore[override]
        await self._record(f"error {error}")

    async def on_completed(self) -> None:  # type: ignore[override]
        await self._record("completed")

    async def close(self) -> None:
        await self._record("close")

    @property
    def log(self) -> str:
        return " ".join(self.calls).replace(" )", ")")


Run = Callable[[Callable[[], Delivery]], None]


def run_in_thread(start: Callable[[], Delivery]) -> None:
    start().wait(10)


def run_on_loop(start: Callable[[], Delivery]) -> None:
    async def main() -> None:
        await start()

    asyncio.run(main())


@pytest.fixture(params=[run_in_thread, run_on_loop])
def run(request: pytest.FixtureRequest) -> Run:
    """Start a delivery and wait for it: from a plain thread, and on an event loop."""
    run: Run = request.param
    return run


@pytest.mark.parametrize("kind", ["blocking", "awaited", "neither"])
def test_all_calls_of_a_sink_see_the_context_variables_of_the_code_that_delivers(kind: str, run: Run) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    seen: list[str] = []

    def read(*_: object) -> None:
        seen.append(variable.get())

    async def read_awaited(*_: object) -> None:
        read()

    sink = Callback(read_awaited if kind == "awaited" else read, on_close=read, blocking=kind == "blocking")
    variable.set("here")
    run(lambda: deliver(of(1), sink))
    assert seen == ["here", "here"]


# sinks with coroutine functions


def test_coroutine_functions_are_awaited_one_after_the_other(run: Run) -> None:
    sink = AwaitedSink()
    run(lambda: deliver(of(1, 2), sink))
    assert sink.log == "(open) (next 1) (next 2) (completed) (close)"
    assert len(sink.loops) == 1
    assert eventually(lambda: not our_threads())


def test_the_answer_of_a_server_is_awaited_item_by_item(run: Run) -> None:
    sink, beside = AwaitedSink(), Collector[str]()
    with FakeOllama(answer("a b", " c")) as fake, Client(fake.url, model="m") as client:
        run(lambda: deliver(client.generate("x").pipe(op.text()), sink.after(split_words()), beside))
    assert sink.log == "(open) (next a) (next b) (next c) (completed) (close)"
    assert beside.text == "a b c"


def test_on_the_users_loop_the_sink_is_awaited_there() -> None:
    async def main() -> bool:
        sink = AwaitedSink()
        await deliver(of(1), sink)
        return sink.loops == {asyncio.get_running_loop()}

    assert asyncio.run(main())


def test_a_delivery_that_a_thread_begins_on_the_users_loop_awaits_the_sink_there() -> None:
    async def main() -> bool:
        loop = asyncio.get_running_loop()
        sink = AwaitedSink()
        scheduler = AsyncIOThreadSafeScheduler(loop)
        delivery = await asyncio.to_thread(lambda: deliver(of(1, 2), sink, scheduler=scheduler))
        await delivery
        assert sink.log == "(open) (next 1) (next 2) (completed) (close)"
        return sink.loops == {loop}

    assert asyncio.run(main())


def test_a_scheduler_whose_loop_is_closed_is_refused() -> None:
    closed_loop = asyncio.new_event_loop()
    closed_loop.close()

    def start() -> None:
        with pytest.raises(RuntimeError, match="the event loop of the scheduler is closed"):
            deliver(reactivex.never(), AwaitedSink(), scheduler=AsyncIOScheduler(closed_loop))

    async def main() -> None:
        start()

    start()
    asyncio.run(main())


def test_the_streams_error_is_awaited_too(run: Run) -> None:
    sink = AwaitedSink()
    with pytest.raises(ValueError, match="no"):
        run(lambda: deliver(reactivex.throw(ValueError("no")), sink))
    assert sink.log == "(open) (error no) (close)"


def test_one_coroutine_function_is_enough(run: Run) -> None:
    calls: list[str] = []

    class Closing(Sink[str]):
        def on_next(self, value: str) -> None:
            calls.append(value)

        async def close(self) -> None:
            await asyncio.sleep(0)
            calls.append("close")

    run(lambda: deliver(of("a"), Closing()))
    assert calls == ["a", "close"]


@pytest.mark.parametrize(
    ("raises", "log"),
    [
        ("open", "(open) (close)"),
        ("next", "(open) (next 1) (close)"),
        ("completed", "(open) (next 1) (next 2) (completed) (close)"),
        ("close", "(open) (next 1) (next 2) (completed) (close)"),
    ],
)
def test_an_exception_fails_this_sink_only(raises: str, log: str, run: Run) -> None:
    sink, other = AwaitedSink(raises), Collector[int]()
    with pytest.raises(SinkError, match="OSError: broken"):
        run(lambda: deliver(of(1, 2), sink, other, on_sink_error="continue"))
    assert sink.log == log
    assert (other.items, other.completed) == ([1, 2], True)


def test_a_failure_cancels_the_delivery_by_default(run: Run) -> None:
    sink = AwaitedSink("next")
    with FakeOllama(answer("a", Gate())) as fake, Client(fake.url, model="m") as client:
        with pytest.raises(SinkError):
            run(lambda: deliver(client.generate("x"), sink))
        fake.wait_for_disconnect()
    assert sink.log.endswith(") (close)")
    assert eventually(lambda: not our_threads())


def test_a_cancelled_error_of_the_sink_itself_is_a_failure(run: Run) -> None:
    with pytest.raises(SinkError, match="CancelledError"):
        run(lambda: deliver(of(1), AwaitedSink("next", asyncio.CancelledError())))


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, internal_loop._loop_factory()])
def test_an_exit_of_the_sink_is_a_failure(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(internal_loop, "_loop_factory", lambda: new_loop)
    sink = AwaitedSink("next", SystemExit())
    with pytest.raises(SinkError, match="SystemExit"):
        deliver(of(1), sink).wait(10)
    assert sink.log == "(open) (next 1) (close)"
    assert eventually(lambda: not our_threads())
    gc.collect()
    assert caplog.text == ""


def test_a_loop_that_a_task_of_the_sink_ends_closes_the_sink() -> None:
    closed = threading.Event()

    async def leave() -> None:
        raise SystemExit

    async def start_task(_: object) -> None:
        task = asyncio.create_task(leave())
        await asyncio.Event().wait()
        await task

    deliver(of(1), Callback(start_task, on_close=closed.set)).wait(10)
    assert closed.is_set()
    assert eventually(lambda: not our_threads())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, internal_loop._loop_factory()])
def test_a_loop_that_is_closed_by_hand_closes_the_sinks_and_leaves_no_task(
    new_loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    awaited, plain = AwaitedSink(), RecordingSink()

    async def main() -> Delivery:
        delivery = deliver(reactivex.concat(of(1), reactivex.never()), awaited, plain)
        for _ in range(10):  # turns of the loop: enough to take the item and to wait for the next one
            await asyncio.sleep(0)
        return delivery

    loop = new_loop()
    delivery = loop.run_until_complete(main())
    loop.close()
    del loop
    assert delivery.done
    assert awaited.log == "(open) (next 1) (close)"
    assert plain.calls[-1] == "close"
    del delivery
    gc.collect()
    assert caplog.text == ""


@pytest.mark.parametrize("raises", ["open", "next", "completed", "close"])
def test_stop_sink_ends_it_without_a_failure(raises: str, run: Run) -> None:
    sink = AwaitedSink(raises, StopSink())
    run(lambda: deliver(of(1, 2), sink))
    assert sink.log.endswith("(close)")


def one_by(number: int) -> float:
    return 1 / number


def test_a_failing_operator_of_the_sink_is_reported_and_passed_to_it(run: Run) -> None:
    sink = AwaitedSink()
    with pytest.raises(SinkError, match="ZeroDivisionError"):
        run(lambda: deliver(of(0), sink.after(ops.map(one_by)), on_sink_error="continue"))
    assert sink.log == "(open) (error division by zero) (close)"


def test_the_stream_is_paused_while_items_wait(run: Run) -> None:
    release = threading.Event()
    arrived: list[object] = []

    async def take(item: object) -> None:
        await asyncio.to_thread(release.wait, 10)
        if len(arrived) == 20:
            raise StopSink
        arrived.append(item)

    passed: list[object] = []
    when_paused: list[int] = []
    with FakeOllama(answer(endless("a" * 50_000))) as fake, Client(fake.url, model="m") as client:

        def release_when_paused() -> None:
            fake.wait_for_pause(timeout=20)
            when_paused.append(len(passed))
            release.set()

        stream = client.generate("x").pipe(ops.do_action(passed.append))
        releaser = threading.Thread(target=release_when_paused)
        releaser.start()
        run(lambda: deliver(stream, Callback(take, max_waiting=2)))
        releaser.join()
        fake.wait_for_disconnect()
    assert len(arrived) == 20
    assert when_paused <= [4]  # one is taken, two wait, one is on its way


def test_a_full_queue_can_fail_the_sink() -> None:
    async def main() -> None:
        source = Subject[int]()
        sink = AwaitedSink()
        sink.max_waiting, sink.when_full = 1, "fail"
        delivery = deliver(source, sink)
        source.on_next(1)
        source.on_next(2)
        with pytest.raises(SinkError, match="1 items wait already"):
            await delivery
        assert sink.log.endswith("(close)")

    asyncio.run(main())


@pytest.mark.parametrize("where", ["open", "next"])
def test_cancel_ends_the_call_that_is_under_way_and_closes(where: str) -> None:
    started, ended = threading.Event(), threading.Event()
    calls: list[str] = []

    class Waiting(Sink[str]):
        async def wait(self) -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async def open(self) -> None:
            if where == "open":
                await self.wait()

        async def on_next(self, value: str) -> None:  # type: ignore[override]
            calls.append(value)
            await self.wait()

        async def close(self) -> None:
            await asyncio.sleep(0)
            calls.append("close")

    async def main() -> None:
        async with deliver(reactivex.concat(of("a", "b"), reactivex.never()), Waiting()) as delivery:
            await asyncio.to_thread(started.wait, 5)
            delivery.cancel()

    expected = ["close"] if where == "open" else ["a", "close"]
    delivery = deliver(reactivex.concat(of("a", "b"), reactivex.never()), Waiting())
    assert started.wait(5)
    delivery.cancel()
    delivery.wait(5)
    assert (calls, ended.is_set()) == (expected, True)
    assert eventually(lambda: not our_threads())
    started.clear()
    calls.clear()
    asyncio.run(main())
    assert calls == expected


def test_cancel_does_not_end_close_and_a_call_that_cancels_sees_it_at_its_next_await(run: Run) -> None:
    calls: list[str] = []
    deliveries: list[Delivery] = []

    class Cancelling(Sink[str]):
        async def on_next(self, value: str) -> None:  # type: ignore[override]
            deliveries[0].cancel()
            calls.append(value)

        async def close(self) -> None:
            deliveries[0].cancel()
            await asyncio.sleep(0)
            calls.append("close")

    source = Subject[str]()

    def start() -> Delivery:
        deliveries[:] = [deliver(source, Cancelling())]
        source.on_next("a")
        return deliveries[0]

    run(start)
    assert calls == ["a", "close"]


def test_a_delivery_that_is_cancelled_before_its_sink_is_opened_only_closes_it() -> None:
    async def main() -> str:
        sink = AwaitedSink()
        delivery = deliver(reactivex.never(), sink)
        delivery.cancel()
        await delivery
        return sink.log

    assert asyncio.run(main()) == "(close)"


def test_a_delivery_that_is_cancelled_before_its_sinks_thread_begins_only_closes_the_sink(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delayed: list[Callable[[], None]] = []

    def begin_later(begin: internal_loop.Begin, no_loop: internal_loop.NoLoop, *, name: str) -> None:
        delayed.append(partial(internal_loop.begin_on_thread, begin, no_loop, name=name))

    monkeypatch.setattr("ollama_rx.delivery.sink_queue.begin_on_thread", begin_later)
    sink = AwaitedSink()
    delivery = deliver(reactivex.never(), sink)
    delivery.cancel()
    (begin,) = delayed
    begin()
    delivery.wait(10)
    assert sink.log == "(close)"


def test_a_loop_that_ends_without_awaiting_the_delivery_closes_the_sink(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = AwaitedSink()

    async def main() -> None:
        deliver(reactivex.never(), sink)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert sink.log.endswith("(close)")
    assert caplog.text == ""


def test_a_sink_cannot_wait_for_its_own_delivery(run: Run) -> None:
    deliveries: list[Delivery] = []

    async def wait(_: object) -> None:
        if run is run_in_thread:
            deliveries[0].wait()
        await deliveries[0]

    source = Subject[int]()

    def start() -> Delivery:
        deliveries[:] = [deliver(source, Callback(wait))]
        source.on_next(1)
        return deliveries[0]

    with pytest.raises(SinkError, match="a callback can't wait for its own delivery"):
        run(start)


@pytest.mark.usefixtures("no_descriptors")
def test_without_descriptors_for_a_loop_the_sink_fails() -> None:
    with pytest.raises(SinkError, match="Too many open files"):
        deliver(of(1), AwaitedSink()).wait(10)


class BlockingCoroutines(AwaitedSink):
    blocking = True


def test_a_blocking_sink_with_coroutine_functions_is_refused_when_it_is_given() -> None:
    message = "^BlockingCoroutines: expected `def` functions for a blocking sink, which is called on a thread"
    with pytest.raises(TypeError, match=message):
        deliver(reactivex.never(), BlockingCoroutines())


def test_a_function_that_nothing_could_await_is_refused_when_the_class_is_made() -> None:
    functions = {"interrupt": AwaitedSink.close}
    with pytest.raises(TypeError, match=r"^interrupt: expected a function, got a coroutine function$"):
        type("Interrupted", (AwaitedSink,), functions)

    async def pieces(value: str) -> AsyncIterator[str]:
        yield value

    with pytest.raises(TypeError, match=r"^on_next: expected a function without `yield`, got an async"):
        Callback(pieces)


# open


def test_a_blocking_sink_can_use_a_database_that_belongs_to_one_thread(run: Run, tmp_path: Path) -> None:
    class Store(Sink[str]):
        blocking = True

        def open(self) -> None:
            self.database = sqlite3.connect(tmp_path / "answers")
            self.database.execute("create table if not exists pieces (text)")

        def on_next(self, value: str) -> None:
            self.database.execute("insert into pieces values (?)", (value,))

        def close(self) -> None:
            self.database.commit()
            self.database.close()

    run(lambda: deliver(of("a", "b"), Store()))
    with closing(sqlite3.connect(tmp_path / "answers")) as database:
        assert database.execute("select text from pieces").fetchall() == [("a",), ("b",)]


class Opened(RecordingSink):
    def open(self) -> None:
        self._record("open")


@pytest.mark.parametrize("blocking", [False, True])
def test_a_sink_is_opened_before_anything_else(blocking: bool, run: Run) -> None:  # noqa: FBT001
    sink = Opened(blocking=blocking)
    run(lambda: deliver(of(1), sink))
    assert sink.calls == ["open", "next 1", "completed", "close"]
    assert len(sink.threads) == 1


@pytest.mark.parametrize("blocking", [False, True])
def test_a_sink_that_cannot_be_opened_fails_alone(blocking: bool, run: Run) -> None:  # noqa: FBT001
    sink, other = Opened(raises="open", blocking=blocking), Collector[int]()
    with pytest.raises(SinkError, match="OSError: broken"):
        run(lambda: deliver(of(1, 2), sink, other, on_sink_error="continue"))
    assert sink.calls == ["open", "close"]
    assert other.items == [1, 2]


def test_nothing_is_sent_if_the_only_sink_cannot_be_opened(run: Run) -> None:
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        with pytest.raises(SinkError):
            run(lambda: deliver(client.generate("x"), Opened(raises="open")))
        assert fake.requests == ()
