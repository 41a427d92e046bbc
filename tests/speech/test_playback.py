"""What comes too late for a playback that was cut is refused; the rest is tested with a whole voice."""

import threading
from collections.abc import Callable

import pytest

from ollama_rx.speech import Audio
from ollama_rx.speech.events import SpeechEvents
from ollama_rx.speech.playback import Playback, _Piece
from ollama_rx.speech.timeline import Passage, SpokenSentence
from tests.speech.voices import RATE, TIMEOUT, Tape, Turntable, tone

PASSAGE = Passage("Hello.")
SENTENCE = SpokenSentence("Hello.", "Hello.", (PASSAGE,))
PIECE = _Piece(SENTENCE, PASSAGE, tone(0.1))


def playback(output: Tape) -> Playback:
    return Playback(output, SpeechEvents(), lambda _: None)


def test_what_comes_of_a_sentence_that_was_dropped_is_refused() -> None:
    tape, sentence = Tape(), SENTENCE.again()
    piece = _Piece(sentence, sentence.passages[0], tone(0.1))
    cut = playback(tape)
    cut.prepare(RATE)
    cut.announce(sentence)
    (again,) = cut.cut(None).unheard
    assert (again.written, again.is_dropped) == ("Hello.", False)
    assert not cut.begin(sentence)
    assert not cut.give(sentence, sentence.passages[0], Audio(tone(0.1), RATE))
    cut._play(piece)
    cut._end_sentence(_Piece(sentence))
    assert tape.calls == ["stop"]
    assert cut.heard(None) == ""
    assert cut.begin(again)


def test_an_output_that_does_not_say_what_is_unplayed_is_taken_to_have_played_all() -> None:
    class Silent(Tape):
        def unplayed(self) -> float:
            raise OSError("no answer")

    assert playback(Silent()).cut(None) == ("", 0.0, [])


def test_after_the_last_sound_nothing_is_said_again() -> None:
    ended = playback(Tape())
    ended.announce(SENTENCE.again())
    ended.finish()
    ended._end_unless_cut()
    assert ended.cut(None).unheard == []


def test_a_block_that_was_written_is_counted_before_anyone_can_interrupt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released: list[Callable[[], None]] = []  # what another thread does when the lock is free again

    class Watched(threading.Condition):
        def __exit__(self, *args: object) -> None:
            super().__exit__(None, None, None)
            if released:
                other = threading.Thread(target=released.pop())
                other.start()
                other.join(TIMEOUT)

    class Interrupted(Tape):
        def write(self, pcm: bytes, /) -> None:
            super().write(pcm)
            released.append(lambda: found.append(cut.cut(None).position))

    monkeypatch.setattr("ollama_rx.speech.playback.Condition", Watched)
    found: list[float] = []
    tape, sentence = Interrupted(), SENTENCE.again()
    cut = playback(tape)
    cut.prepare(RATE)
    cut.announce(sentence)
    cut._play(_Piece(sentence, sentence.passages[0], tone(0.1)))
    assert found == [pytest.approx(tape.seconds)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("ollama_rx.speech.playback.monotonic", clock)
    return clock


def test_time_without_audio_is_counted(clock: Clock) -> None:
    turntable = Turntable()
    late = playback(turntable)
    late.prepare(RATE)
    late.announce(SENTENCE)
    turntable.turn(9.0, least=0.0)
    for now in (5.0, 5.0, 7.5):
        clock.now = now
        late._play(PIECE)
    assert late.first_audio == 5.0
    assert late.late_seconds == 2.5


def test_an_output_that_takes_audio_at_once_is_never_late(clock: Clock) -> None:
    late = playback(Tape())
    late.prepare(RATE)
    late.announce(SENTENCE)
    for now in (5.0, 7.5):
        clock.now = now
        late._play(PIECE)
    assert late.late_seconds == 0.0


@pytest.mark.parametrize("start", [1e300, float("inf"), float("nan")])
def test_a_wait_for_a_word_has_an_end(start: float) -> None:
    waiting = playback(Tape())
    waiting._tell_later(start, lambda _: None, None)
    assert waiting._until_due() == 60.0
