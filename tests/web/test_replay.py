"""One stream, any number of readers."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from itertools import count
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex.subject import Subject

from ollama_rx import Client, UnreachableError
from ollama_rx.testing import FakeOllama, answer, endless
from ollama_rx.web import Replay, ReplayReader, WebEvent
from tests.recording_sink import emit_during_subscribe, record_subscriptions
from tests.web.clocked_loop import run_on_clock, turns, until


def on_clock(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on an event loop whose clock begins at 0 and jumps."""

    @wraps(test)
    def run() -> None:
        run_on_clock(test())

    del run.__wrapped__  # pytest would take it for a coroutine function
    return run


class Pushed:
    """A stream that the test pushes, and what happens to its subscription."""

    def __init__(self) -> None:
        self.subject = Subject[object]()
        self.stream, self.calls = record_subscriptions(self.subject)
        self.push = self.subject.on_next

    @property
    def is_stopped(self) -> bool:
        return self.calls == ["subscribed", "disposed"]


def started(**options: Any) -> tuple[Replay, Pushed]:
    replay, pushed = Replay(**options), Pushed()
    replay.start(pushed.stream)
    return replay, pushed


async def read_all(reader: ReplayReader) -> list[object]:
    """Read to the end: the texts, and other events as they are."""
    seen: list[object] = []
    while events := await reader.read():
        seen += [shown(logged.event) for logged in events]
    return seen


def now(reader: ReplayReader) -> list[object]:
    """Return what can be read without waiting."""
    return [shown(logged.event) for logged in reader.read_nowait()]


def shown(event: WebEvent) -> object:
    return event.data["text"] if event.type == "text" else (event.type, *event.data.values())


COMPLETED = ("done", "completed")
STOPPED = ("done", "stopped")


@on_clock
async def test_each_reader_receives_everything_whenever_it_joins() -> None:
    replay, pushed = started()
    readers = [replay.join()]
    for number in range(3):
        pushed.push(str(number))
        readers.append(replay.join())
    pushed.subject.on_completed()
    await turns()
    readers.append(replay.join())

    for reader in readers:
        assert await read_all(reader) == ["0", "1", "2", COMPLETED]
    assert replay.is_over
    assert pushed.calls == ["subscribed", "disposed"]


@on_clock
async def test_a_reader_resumes_after_each_event() -> None:
    replay, pushed = started()
    ids = [replay.last_id]
    for number in range(3):
        pushed.push(str(number))
        ids.append(replay.last_id)
    pushed.subject.on_completed()
    await turns()
    everything = ["0", "1", "2", COMPLETED]

    for place, last in enumerate([*ids, replay.last_id]):
        reader = replay.join(last)
        assert now(reader) == everything[place:]
        assert reader.is_at_end


@pytest.mark.parametrize(
    "after", ["0123-1", "x", "RUN-99", "RUN-" + "9" * 5000, "\x00", "y" * 10**7], ids=len
)
def test_a_reader_of_another_run_is_told_and_receives_everything(after: str) -> None:
    async def main() -> None:
        replay, pushed = started()
        pushed.push("a")
        run = replay.last_id.partition("-")[0]
        reader = replay.join(after.replace("RUN", run))
        assert now(reader) == [("reset", 0), "a"]
        pushed.push("b")
        assert now(reader) == ["b"]

    run_on_clock(main())


@on_clock
async def test_a_reader_of_another_run_is_told_at_once_and_once() -> None:
    replay, pushed = started()
    reader = replay.join("0123-7")
    assert [shown(logged.event) for logged in await reader.read() or ()] == [("reset", 0)]
    pushed.push("a")
    assert now(reader) == ["a"]


@on_clock
async def test_an_empty_id_is_no_id() -> None:
    replay, pushed = started()
    pushed.push("a")
    assert now(replay.join("")) == ["a"]


@on_clock
async def test_a_reader_whose_next_event_was_dropped_is_told() -> None:
    replay, pushed = started(max_events=2)
    early = replay.join()
    first = None
    for text in "abcd":
        pushed.push(text)
        first = first or replay.last_id
        await turns()

    assert now(early) == [("reset", 2), "c", "d"]
    assert now(replay.join(first)) == [("reset", 2), "c", "d"]
    assert now(replay.join(replay.last_id)) == []
    pushed.push("e")
    assert now(early) == ["e"]


@on_clock
async def test_events_are_kept_for_their_age() -> None:
    replay, pushed = started(max_age=10, grace=None)
    pushed.push("a")
    await until(5)
    pushed.push("b")
    await until(10)
    assert now(replay.join()) == ["a", "b"]
    await until(10.5)
    assert now(replay.join()) == [("reset", 1), "b"]


@on_clock
async def test_a_reset_that_nothing_follows_is_the_end() -> None:
    replay, pushed = started()
    replay.stop()
    reader = replay.join("other-1")
    assert not reader.is_at_end
    assert now(reader) == [("reset", 0), STOPPED]
    assert reader.is_at_end
    assert await reader.read() == ()
    assert pushed.is_stopped


@on_clock
async def test_reading_waits_for_an_event() -> None:
    replay, pushed = started()
    reader = replay.join()
    reading = asyncio.create_task(reader.read())
    await turns()
    assert not reading.done()
    pushed.push("a")
    pushed.push("b")
    assert [logged.id for logged in await reading or ()] == [
        replay.last_id.replace("-2", "-1"),
        replay.last_id,
    ]


@on_clock
async def test_a_heartbeat_is_due_when_nothing_happened_for_so_long_and_only_then() -> None:
    replay, pushed = started()
    reader = replay.join()
    beats: list[float] = []
    events: list[object] = []
    clock = asyncio.get_running_loop().time

    async def read() -> None:
        while (read := await reader.read(heartbeat=10)) != ():
            if read is None:
                beats.append(clock())
            else:
                events.extend(shown(logged.event) for logged in read)

    reading = asyncio.create_task(read())
    for moment in (4, 8, 12, 16):
        await until(moment)
        pushed.push(str(moment))
    await until(40)
    replay.stop()
    await reading

    assert beats == [26, 36]
    assert events == ["4", "8", "12", "16", STOPPED]


@on_clock
async def test_a_shorter_heartbeat_replaces_a_longer_one_and_none_waits_for_ever() -> None:
    replay, pushed = started()
    reader = replay.join()
    clock = asyncio.get_running_loop().time
    pushed.push("a")
    assert await reader.read(10)
    reading = asyncio.create_task(reader.read(10))
    await until(1)
    pushed.push("b")
    assert await reading

    assert await reader.read(2) is None
    assert clock() == 3

    reading = asyncio.create_task(reader.read(10))
    await until(4)
    pushed.push("c")
    assert await reading
    reading = asyncio.create_task(reader.read())
    await until(50)
    assert not reading.done()
    reader.leave()
    assert await reading == ()


@on_clock
async def test_a_timer_that_finds_nobody_waiting_ends() -> None:
    replay, pushed = started()
    async with replay.join() as reader:
        reading = asyncio.create_task(reader.read(10))
        await until(1)
        pushed.push("a")
        assert await reading
        await until(20)  # the reader is busy meanwhile
        assert await reader.read(10) is None
        assert asyncio.get_running_loop().time() == 30


def test_a_reader_that_leaves_takes_its_timer_along() -> None:
    async def main() -> None:
        replay, pushed = started(grace=None)
        async with replay.join() as reader:
            reading = asyncio.create_task(reader.read(10))
            await turns()
            pushed.push("a")
            assert await reading
        await asyncio.get_running_loop().create_future()

    with pytest.raises(AssertionError, match="nothing will ever happen"):
        run_on_clock(main())


@on_clock
async def test_a_wait_that_times_out_loses_nothing() -> None:
    replay, pushed = started()
    reader = replay.join()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(), 1)
    pushed.push("a")
    assert now(reader) == ["a"]


@on_clock
async def test_an_event_and_a_heartbeat_at_the_same_instant_give_the_event() -> None:
    replay, pushed = started()
    reader = replay.join()
    reading = asyncio.create_task(reader.read(10))
    asyncio.get_running_loop().call_at(10, pushed.push, "a")
    assert [shown(logged.event) for logged in await reading or ()] == ["a"]


@on_clock
async def test_two_tasks_cannot_read_with_one_reader() -> None:
    replay, _ = started()
    reader = replay.join()
    reading = asyncio.create_task(reader.read())
    await turns()
    with pytest.raises(RuntimeError, match="another task reads with this reader"):
        await reader.read()
    reader.leave()
    assert await reading == ()


@on_clock
async def test_a_reader_that_has_left_reads_nothing() -> None:
    replay, pushed = started()
    pushed.push("a")
    reader = replay.join()
    reader.leave()
    reader.leave()
    assert now(reader) == []
    assert await reader.read() == ()
    assert reader.is_at_end


@on_clock
async def test_much_is_read_in_parts() -> None:
    replay, pushed = started()
    for _ in range(10):
        pushed.push("x" * 30_000)
    replay.stop()
    reader, parts = replay.join(), list[int]()
    while events := await reader.read():
        parts.append(len(events))
    assert parts == [3, 3, 3, 2]


@on_clock
async def test_the_model_is_stopped_when_nobody_has_read_for_the_grace_time() -> None:
    replay, pushed = started(grace=10)
    first, second = replay.join(), replay.join()
    await until(100)
    first.leave()
    await until(200)
    second.leave()
    await until(209.999)
    assert not replay.is_over
    await until(210)
    assert pushed.is_stopped
    assert now(replay.join()) == [STOPPED]


@on_clock
async def test_a_reader_that_comes_back_in_time_keeps_the_model() -> None:
    replay, pushed = started(grace=10)
    for moment in (5, 10, 15):
        replay.join().leave()
        await until(moment)
    reader = replay.join()
    await until(100)
    assert not replay.is_over
    reader.leave()
    await until(110)
    assert pushed.is_stopped


@on_clock
async def test_a_stream_that_nobody_ever_reads_is_stopped_too() -> None:
    replay, pushed = started(grace=10)
    await until(9.999)
    assert not replay.is_over
    await until(10)
    assert pushed.is_stopped


@on_clock
async def test_without_grace_the_model_is_stopped_at_once() -> None:
    replay, pushed = started(grace=0)
    reader = replay.join()
    await turns()
    assert not replay.is_over
    reader.leave()
    await turns()
    assert pushed.is_stopped
    assert asyncio.get_running_loop().time() == 0


@on_clock
async def test_a_replay_without_an_end_of_grace_is_never_stopped() -> None:
    replay, _ = started(grace=None)
    replay.join().leave()
    await until(10**6)
    assert not replay.is_over


@on_clock
async def test_the_grace_time_begins_with_the_stream() -> None:
    replay, pushed = Replay(grace=10), Pushed()
    replay.join().leave()
    await until(100)
    replay.start(pushed.stream)
    await until(109)
    assert not replay.is_over
    await until(110)
    assert replay.is_over


@on_clock
async def test_a_stream_that_is_over_is_not_stopped_later() -> None:
    replay, pushed = started(grace=10)
    pushed.subject.on_completed()
    await turns()
    replay.join().leave()
    await until(100)
    assert now(replay.join()) == [COMPLETED]


@on_clock
async def test_stop_closes_the_request_and_can_be_repeated() -> None:
    replay, pushed = Replay(), Pushed()
    replay.stop()  # nothing to stop
    replay.start(pushed.stream)
    pushed.push("a")
    replay.stop()
    assert pushed.is_stopped
    assert replay.is_over
    replay.stop()
    pushed.push("b")
    assert now(replay.join()) == ["a", STOPPED]


def test_stop_works_from_another_thread_and_after_the_loop() -> None:
    async def main() -> Replay:
        replay, pushed = started()
        reader = replay.join()
        thread = threading.Thread(target=replay.stop)
        thread.start()
        assert await read_all(reader) == [STOPPED]
        assert pushed.is_stopped
        thread.join()
        return started()[0]

    asyncio.run(main()).stop()


@on_clock
async def test_a_replay_has_one_stream() -> None:
    replay = Replay()
    assert not replay.has_started
    replay.start(reactivex.never())
    assert replay.has_started
    with pytest.raises(RuntimeError, match="this Replay has a stream already"):
        replay.start(reactivex.never())


def test_a_replay_stays_on_its_loop() -> None:
    async def start() -> Replay:
        return started()[0]

    async def join(replay: Replay) -> None:
        with pytest.raises(RuntimeError, match="runs on another event loop"):
            replay.join()

    asyncio.run(join(asyncio.run(start())))


def test_starting_and_joining_need_a_loop() -> None:
    replay = Replay()
    with pytest.raises(RuntimeError, match=r"no running event loop; a Replay is started .* `async def`"):
        replay.start(reactivex.never())
    assert not replay.has_started
    with pytest.raises(RuntimeError, match="no running event loop; a Replay is joined"):
        replay.join()


@on_clock
async def test_a_stream_that_completes_at_once_is_read_afterwards() -> None:
    replay = Replay()
    replay.start(reactivex.of("a", "b"))
    assert await read_all(replay.join()) == ["a", "b", COMPLETED]


@on_clock
async def test_a_stream_that_completes_inside_subscribe_is_read_afterwards() -> None:
    replay = Replay()
    replay.start(emit_during_subscribe(2))
    assert await read_all(replay.join()) == [("item", 0), ("item", 1), COMPLETED]


@on_clock
async def test_an_empty_stream_has_an_end_only() -> None:
    replay = Replay()
    replay.start(reactivex.empty())
    assert await read_all(replay.join()) == [COMPLETED]


@pytest.mark.parametrize("items", [(), ("a",)])
def test_an_error_is_the_last_event(items: tuple[str, ...]) -> None:
    async def main() -> None:
        replay = Replay()
        error = UnreachableError("http://127.0.0.1:1", "refused")
        replay.start(reactivex.concat(reactivex.of(*items), reactivex.throw(error)))
        *before, last = await read_all(replay.join())
        assert before == [*items]
        assert last == ("error", "UnreachableError", str(error), error.retryable)

    run_on_clock(main())


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(reactivex.throw(ValueError("secret")), id="the stream's"),
        pytest.param(Observable[object](lambda *_: 1 / int("secret")), id="of subscribe"),  # type: ignore[arg-type]
        pytest.param(reactivex.of(b"secret"), id="bytes"),
        pytest.param(reactivex.of({"secret": object()}), id="not JSON"),
        pytest.param(reactivex.of(WebEvent("done", {"secret": 1})), id="an end that is an item"),
    ],
)
def test_an_error_that_is_not_for_users_is_told_to_the_log_only(
    stream: Observable[object], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        replay = Replay()
        replay.start(stream)
        (logged,) = [*(await replay.join().read() or ())]
        assert logged.event.type == "error"
        assert logged.event.data["type"] == "InternalError"
        assert b"secret" not in logged.json
        assert replay.is_over

    run_on_clock(main())
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("ollama_rx.web.replay", logging.ERROR)
    assert record.exc_info


@pytest.mark.parametrize("inside_subscribe", [True, False])
def test_a_stream_without_an_end_that_never_lets_the_loop_run_ends_with_an_error(
    inside_subscribe: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        replay = Replay(max_events=10)
        stream = emit_during_subscribe(10**12) if inside_subscribe else reactivex.from_iterable(count())
        replay.start(stream)
        events = await read_all(replay.join())
        assert events[-1] == (
            "error",
            "InternalError",
            "the server could not go on with this answer; its log says why",
            False,
        )

    run_on_clock(main())
    assert "let it send from a thread" in caplog.text.lower()


@on_clock
async def test_a_long_stream_that_lets_the_loop_run_goes_on() -> None:
    replay, pushed = started(max_events=2)
    for number in range(100):
        pushed.push(str(number))
        await turns(1)
    assert now(replay.join()) == [("reset", 98), "98", "99"]


def test_items_of_other_threads_are_read_on_the_loop() -> None:
    async def main() -> None:
        replay, pushed = started()
        reader = replay.join()

        def push() -> None:
            for number in range(200):
                pushed.push(str(number))
            pushed.subject.on_completed()

        thread = threading.Thread(target=push)
        thread.start()
        assert await read_all(reader) == [*map(str, range(200)), COMPLETED]
        thread.join()

    asyncio.run(main())


@pytest.mark.usefixtures("no_thread_left")
def test_the_request_is_closed_when_the_last_reader_leaves() -> None:
    async def main(fake: FakeOllama, client: Client) -> None:
        fake.play(answer(endless("a")))
        replay = Replay(grace=0)
        async with replay.join() as reader:
            replay.start(client.generate("Hi"))
            assert await reader.read()
        await turns()
        assert replay.is_over

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        asyncio.run(main(fake, client))
        fake.wait_for_disconnect()


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("in_order", [True, False])
def test_a_loop_that_ends_closes_the_request(in_order: bool) -> None:  # noqa: FBT001 - a parameter of the test
    async def main(fake: FakeOllama, client: Client) -> None:
        fake.play(answer(endless("a")))
        replay = Replay(grace=None)
        replay.start(client.generate("Hi"))
        reader = replay.join()
        assert await reader.read()

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        if in_order:
            asyncio.run(main(fake, client))
        else:
            loop = asyncio.new_event_loop()
            loop.run_until_complete(main(fake, client))
            loop.close()
        fake.wait_for_disconnect()


@pytest.mark.usefixtures("no_thread_left")
def test_readers_share_one_request() -> None:
    async def main(client: Client) -> None:
        replay = Replay()
        readers = [replay.join() for _ in range(3)]
        replay.start(client.generate("Hi"))
        for texts in await asyncio.gather(*map(read_all, readers)):
            assert texts[0] == "Hello"

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer("Hello"))
        asyncio.run(main(client))
        assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_events": 0}, ValueError),
        ({"max_events": 1.5}, TypeError),
        ({"max_bytes": 0}, ValueError),
        ({"max_age": 0}, ValueError),
        ({"grace": -1}, ValueError),
        ({"grace": "1"}, TypeError),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{next(iter(options))}:"):
        Replay(**options)


@on_clock
async def test_only_a_stream_can_be_started() -> None:
    with pytest.raises(TypeError, match=r"^stream: expected an Observable, got str"):
        Replay().start("Hi")  # type: ignore[arg-type]
