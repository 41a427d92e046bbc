"""A pacer passes audio on at the pace at which it is heard."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ollama_rx.speech import Pacer, SpeechOutput
from ollama_rx.speech.outputs.pacer import _PlayedTime

RATE = 1_000  # so that 2 bytes are a millisecond


def milliseconds(count: int) -> bytes:
    return bytes(2 * count)


def nothing() -> None:
    pass


class Recorder(SpeechOutput):
    """Keeps what it is called with."""

    block = 0.04

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.on_write: Callable[[], object] = nothing

    def start(self, rate: int) -> None:
        self.calls.append(f"start {rate}")

    def write(self, pcm: bytes, /) -> None:
        self.calls.append(f"write {len(pcm) // 2}")
        self.on_write()

    def drain(self) -> None:
        self.calls.append("drain")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


class Waits:
    """A clock that moves on only when somebody waits for it, and the waits."""

    def __init__(self, pacer: Pacer) -> None:
        self.now = 100.0
        self.late = 0.0
        self.waited: list[float] = []
        self.on_wait: Callable[[], object] = nothing
        pacer._clock = lambda: self.now
        pacer._changed.wait = self.wait  # type: ignore[method-assign]

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(round(timeout, 6))
        self.now += timeout + self.late
        self.on_wait()
        return False


def paced(output: SpeechOutput | None = None, *, ahead: float = 0.1) -> tuple[Pacer, Waits]:
    pacer = Pacer(output, ahead=ahead)
    waits = Waits(pacer)
    pacer.start(RATE)
    return pacer, waits


def test_what_is_heard_soon_is_passed_on_at_once_and_the_rest_in_time() -> None:
    output = Recorder()
    pacer, waits = paced(output)
    for _ in range(6):
        pacer.write(milliseconds(40))
    pacer.drain()
    pacer.close()
    assert waits.waited == [0.02, 0.04, 0.04, 0.04, 0.1]
    assert output.calls == ["start 1000", *["write 40"] * 6, "drain", "close"]


def test_never_more_than_ahead_seconds_are_passed_on_and_not_heard() -> None:
    pacer, _ = paced(ahead=0.05)
    for count in (20, 20, 20, 5, 50, 1):
        pacer.write(milliseconds(count))
        assert pacer.unplayed() <= 0.05 + 1e-9


def test_a_thread_that_wakes_up_late_does_not_delay_the_blocks_that_follow() -> None:
    pacer, waits = paced(ahead=0.04)
    waits.late = 0.003
    for _ in range(1_000):
        pacer.write(milliseconds(20))
    assert waits.now == pytest.approx(100 + 1_000 * 0.02 - 0.04 + 0.003)


def test_after_a_gap_the_time_starts_anew() -> None:
    pacer, waits = paced()
    pacer.write(milliseconds(80))
    waits.now += 1
    assert pacer.unplayed() == 0
    pacer.write(milliseconds(80))
    assert waits.waited == []
    assert pacer.unplayed() == pytest.approx(0.08)


def test_what_was_passed_on_is_unplayed_until_its_time_has_passed() -> None:
    pacer, waits = paced()
    pacer.write(milliseconds(80))
    waits.now += 0.03
    assert pacer.unplayed() == pytest.approx(0.05)
    pacer.drain()
    assert waits.waited == [0.05]
    assert pacer.unplayed() == 0


def test_a_block_that_waits_is_dropped_by_a_stop() -> None:
    output = Recorder()
    pacer, waits = paced(output)
    pacer.write(milliseconds(100))
    waits.on_wait = pacer.stop
    pacer.write(milliseconds(20))
    assert output.calls == ["start 1000", "write 100", "stop"]
    assert waits.waited == [0.02]


def test_a_stop_ends_the_wait_for_the_end() -> None:
    output = Recorder()
    pacer, waits = paced(output)
    pacer.write(milliseconds(100))
    waits.late = -0.09
    waits.on_wait = pacer.stop
    pacer.drain()
    assert output.calls == ["start 1000", "write 100", "stop"]


def test_after_a_stop_nothing_is_unplayed_and_the_next_block_is_passed_on_at_once() -> None:
    output = Recorder()
    pacer, waits = paced(output)
    pacer.write(milliseconds(100))
    pacer.stop()
    assert pacer.unplayed() == 0
    pacer.write(milliseconds(100))
    assert output.calls[1:] == ["write 100", "stop", "write 100"]
    assert waits.waited == []


def test_a_block_that_was_just_taken_when_the_stop_came_is_not_passed_on() -> None:
    output = Recorder()
    pacer, _ = paced(output)

    def stop_after_wait(moment: float, stops: int) -> bool:
        assert moment == pytest.approx(99.92)
        assert stops == 0
        pacer.stop()
        return True

    pacer._wait_until = stop_after_wait  # type: ignore[method-assign]
    pacer.write(milliseconds(20))
    assert output.calls == ["start 1000", "stop"]


def test_an_output_that_takes_a_block_during_the_stop_is_stopped_after_it_again() -> None:
    output = Recorder()
    pacer, _ = paced(output)
    output.on_write = pacer.stop
    pacer.write(milliseconds(20))
    assert output.calls == ["start 1000", "write 20", "stop", "stop"]


def test_a_stop_returns_when_a_block_that_is_being_passed_on_is_through() -> None:
    output = Recorder()
    pacer, _ = paced(output)
    stopping = threading.Event()
    output.stop = stopping.set  # type: ignore[method-assign]
    stopper = threading.Thread(target=pacer.stop)

    def write() -> None:
        stopper.start()
        assert stopping.wait(5)

    output.on_write = write
    pacer.write(milliseconds(20))
    stopper.join(5)
    assert not stopper.is_alive()


def test_a_stop_does_not_wait_for_an_output_that_hangs() -> None:
    output = Recorder()
    pacer, _ = paced(output)
    writing, done = threading.Event(), threading.Event()

    def hang() -> None:
        writing.set()
        assert done.wait(5)

    output.on_write = hang
    writer = threading.Thread(target=pacer.write, args=(milliseconds(20),))
    writer.start()
    assert writing.wait(5)
    pacer.stop()
    assert writer.is_alive()
    done.set()
    writer.join(5)
    assert output.calls == ["start 1000", "write 20", "stop", "stop"]


def test_what_the_output_itself_holds_is_unplayed_too() -> None:
    class Slow(Recorder):
        def unplayed(self) -> float:
            return 0.5

    assert paced(Slow())[0].unplayed() == 0.5


def test_the_blocks_are_those_of_the_output_but_no_longer_than_ahead() -> None:
    assert Pacer(Recorder()).block == 0.04
    assert Pacer(Recorder(), ahead=0.03).block == 0.03
    assert Pacer().block == SpeechOutput.block


def test_messages_name_the_output_too() -> None:
    assert Pacer(Recorder()).name == "Pacer(Recorder)"
    assert Pacer().name == "Pacer"


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^output: expected a path, a binary file, .*, got int$"):
        Pacer(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"^ahead: expected a number of seconds above 0, got 0$"):
        Pacer(ahead=0)


def test_blocks_without_a_gap_end_at_exact_times() -> None:
    played = _PlayedTime()
    played.end = played.end_of(0.5, now=10.0)
    played.end = played.end_of(0.5, now=10.4)
    assert (played.end, played.left(10.75), played.left(12.0)) == (11.0, 0.25, 0.0)


def test_in_real_time_it_takes_as_long_as_one_hears_it() -> None:
    pacer = Pacer(ahead=0.05)
    pacer.start(RATE)
    begin = time.monotonic()
    for _ in range(10):
        pacer.write(milliseconds(20))
    pacer.drain()
    assert time.monotonic() - begin >= 0.2


def test_in_real_time_a_stop_wakes_a_block_that_waits() -> None:
    output = Recorder()
    pacer = Pacer(output)
    pacer.start(RATE)
    waiting = threading.Event()
    wait = pacer._changed.wait

    def note_and_wait(timeout: float | None = None) -> bool:
        waiting.set()
        return wait(timeout)

    pacer._changed.wait = note_and_wait  # type: ignore[method-assign]
    writer = threading.Thread(target=pacer.write, args=(milliseconds(1_000_000),))
    writer.start()
    assert waiting.wait(5)
    pacer.stop()
    writer.join(5)
    assert not writer.is_alive()
    assert output.calls == ["start 1000", "stop"]


def test_the_output_may_be_whatever_a_voice_takes(tmp_path: Path) -> None:
    pacer = Pacer(str(tmp_path / "a.wav"))
    pacer.start(1_000)
    pacer.write(bytes(200))
    pacer.drain()
    pacer.close()
    assert pacer.name == "Pacer(WavFile)"
    assert (tmp_path / "a.wav").stat().st_size == 44 + 200
    taken: list[bytes] = []
    pacer = Pacer(taken.append)
    pacer.write(bytes(2))
    assert taken == [bytes(2)]
