"""Limits are seconds above zero, or None; they judge the server, not a computer that was stopped or busy."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

import pytest

from ollama_rx import Client, FirstChunkTimeout, IdleTimeout, Timeouts, TotalTimeout, UnreachableError
from ollama_rx.errors import TimedOutError
from ollama_rx.testing import FakeOllama, all_at_once, answer, silent_url
from ollama_rx.transport.connection import Connection
from ollama_rx.transport.pool import Pool
from ollama_rx.transport.timeouts import Watchdog

NAMES = ["connect", "first_chunk", "idle", "total"]


def test_the_defaults_leave_time_to_load_a_model() -> None:
    assert Timeouts() == Timeouts(connect=5.0, first_chunk=300.0, idle=60.0, total=None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0.001, 1, 10**9, None])
def test_numbers_above_zero_and_none_are_accepted(name: str, seconds: float | None) -> None:
    assert getattr(Timeouts(**{name: seconds}), name) == seconds


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0, -1, -0.5, float("nan"), float("inf")])
def test_a_number_that_is_not_a_time_is_refused_with_the_name_of_the_limit(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}:"):
        Timeouts(**{name: seconds})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", ["5", True, False, [5]])
def test_a_value_that_is_not_a_number_is_refused_with_the_name_of_the_limit(
    name: str, seconds: object
) -> None:
    with pytest.raises(TypeError, match=f"^{name}:"):
        Timeouts(**{name: seconds})  # type: ignore[arg-type]


class Clock:
    """An event loop that has a clock and one timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: float | None = None

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> "Clock":
        self.due, self._callback = when, callback
        return self

    def cancel(self) -> None:
        self.due = None

    def fire(self, at: float) -> None:
        """Call the timer at a time, which may be later than it is due."""
        assert self.due is not None
        assert self.due <= at
        self.due, self.now = None, at
        self._callback()


class Watched:
    """A watchdog on a fake loop."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.clock = Clock()
        self.errors: list[TimedOutError] = []
        loop = cast(asyncio.AbstractEventLoop, self.clock)
        self.watchdog = Watchdog(loop, timeouts, self.errors.append)

    def receive(self, at: float) -> None:
        self.clock.now = self.watchdog.last_received = at


IDLE = Timeouts(first_chunk=None, idle=60)
FIRST_CHUNK = Timeouts(first_chunk=60, idle=None)
TOTAL = Timeouts(first_chunk=None, idle=None, total=60)


@pytest.mark.parametrize(
    ("timeouts", "kind"), [(IDLE, IdleTimeout), (FIRST_CHUNK, FirstChunkTimeout), (TOTAL, TotalTimeout)]
)
def test_a_limit_expires_after_one_more_look(timeouts: Timeouts, kind: type[TimedOutError]) -> None:
    watched = Watched(timeouts)
    if kind is IdleTimeout:
        watched.receive(at=0.0)
    watched.clock.fire(at=60.0)
    assert (watched.errors, watched.clock.due) == ([], 60.01)
    watched.clock.fire(at=60.01)
    assert [type(error) for error in watched.errors] == [kind]
    assert watched.clock.due is None


@pytest.mark.parametrize(("timeouts", "received"), [(IDLE, 0.0), (FIRST_CHUNK, None)])
def test_data_that_is_found_at_the_last_look_keeps_the_stream(
    timeouts: Timeouts, received: float | None
) -> None:
    watched = Watched(timeouts)
    if received is not None:
        watched.receive(received)
    watched.clock.fire(at=126.0)  # the process was stopped for 66 s after the limit
    watched.receive(at=126.001)
    for at in (186.0, 190.0):
        if watched.clock.due is not None:
            watched.clock.fire(at)
            watched.receive(at)
    assert not watched.errors


@pytest.mark.parametrize(("late", "extension"), [(0.0, 0.01), (6.0, 6.0), (600.0, 60.0)])
def test_a_limit_is_extended_by_the_time_for_which_the_process_was_stopped(
    late: float, extension: float
) -> None:
    watched = Watched(FIRST_CHUNK)
    watched.clock.fire(at=60.0 + late)
    assert watched.clock.due == 60.0 + late + extension


def test_a_loop_that_is_always_busy_does_not_make_a_limit_last_for_ever() -> None:
    watched = Watched(IDLE)
    watched.receive(at=0.0)
    for at in (70.0, 95.0):
        watched.clock.fire(at)
    assert [type(error) for error in watched.errors] == [IdleTimeout]


def test_each_silence_has_a_reprieve_of_its_own() -> None:
    watched = Watched(IDLE)
    watched.receive(at=0.0)
    watched.clock.fire(at=60.0)
    watched.receive(at=60.001)
    watched.clock.fire(at=60.01)
    assert watched.clock.due == 120.001
    watched.clock.fire(at=125.0)
    assert not watched.errors
    assert watched.clock.due == pytest.approx(129.999)


def test_the_total_limit_has_a_reprieve_after_that_of_a_silence() -> None:
    watched = Watched(Timeouts(first_chunk=None, idle=60, total=61))
    watched.receive(at=0.0)
    watched.clock.fire(at=60.75)
    watched.clock.fire(at=61.5)
    assert (watched.errors, watched.clock.due) == ([], 62.0)
    watched.clock.fire(at=62.0)
    assert [type(error) for error in watched.errors] == [TotalTimeout]


def test_the_total_limit_is_extended_only_once_whatever_arrives() -> None:
    watched = Watched(TOTAL)
    watched.clock.fire(at=60.0)
    watched.receive(at=60.001)
    watched.clock.fire(at=60.01)
    assert [type(error) for error in watched.errors] == [TotalTimeout]


def test_time_in_which_the_subscriber_pauses_does_not_count() -> None:
    watched = Watched(IDLE)
    watched.receive(at=0.0)
    watched.watchdog.pause()
    watched.clock.fire(at=60.0)
    assert watched.clock.due == 120.0
    watched.clock.now = 100.0
    watched.watchdog.resume()
    watched.clock.fire(at=120.0)
    assert watched.clock.due == 160.0
    watched.watchdog.cancel()
    watched.watchdog.cancel()
    assert watched.clock.due is None
    assert not watched.errors


def test_without_limits_there_is_no_timer() -> None:
    assert Watched(Timeouts(first_chunk=None, idle=None)).clock.due is None


def block_for(seconds: float) -> None:
    """Block the thread and its event loop."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.mark.parametrize("uvloop", [False, True], ids=["asyncio", "uvloop"])
def test_a_loop_that_is_blocked_while_it_connects_does_not_make_the_server_unreachable(
    uvloop: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_connection = Pool.new_connection

    def block_first(pool: Pool, origin: object) -> Connection:
        block_for(0.1)
        return new_connection(pool, origin)

    async def main(url: str) -> str:
        async with Client(url, model="m", timeouts=Timeouts(connect=0.05)) as client:
            return (await client.generate("x")).text

    monkeypatch.setattr(Pool, "new_connection", block_first)
    factory = pytest.importorskip("uvloop").new_event_loop if uvloop else asyncio.new_event_loop
    with FakeOllama(answer("x").sent(all_at_once)) as fake, asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(main(fake.url)) == ""


def test_a_loop_that_is_blocked_while_the_answer_arrives_does_not_make_a_time_limit_expire() -> None:
    async def main(fake: FakeOllama) -> list[object]:
        timeouts = Timeouts(first_chunk=0.05, idle=0.05)
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        items: list[object] = []
        async with Client(fake.url, model="m", timeouts=timeouts) as client:
            client.generate("x").subscribe(items.append, over.set_exception, lambda: over.set_result(None))
            await fake.aio.wait_for_request()
            fake.wait_for_answer()
            block_for(0.1)
            await over
        return items

    with FakeOllama(answer("x").sent(all_at_once)) as fake:
        assert len(asyncio.run(main(fake))) == 2


def test_connecting_may_have_no_limit() -> None:
    with FakeOllama() as fake, Client(fake.url, model="echo", timeouts=Timeouts(connect=None)) as client:
        assert client.generate("x").run().done


def test_connecting_has_a_limit_however_often_the_loop_is_blocked() -> None:
    async def main(url: str) -> None:
        loop = asyncio.get_running_loop()

        def block_again() -> None:
            block_for(0.02)
            loop.call_later(0.001, block_again)

        block_again()
        async with Client(url, model="m", timeouts=Timeouts(connect=0.01)) as client:
            with pytest.raises(UnreachableError, match="timed out"):
                await client.generate("x")

    with silent_url() as url:
        asyncio.run(main(url))
