"""What comes too late for a playback that was cut is refused; the rest is tested with a whole voice."""

import pytest

from ollama_rx.speech import Audio
from ollama_rx.speech.events import SpeechEvents
from ollama_rx.speech.playback import Playback, _Piece
from ollama_rx.speech.timeline import Passage, SpokenSentence
from tests.speech.voices import RATE, Tape, Turntable, tone

PASSAGE = Passage("Hello.")
SENTENCE = SpokenSentence("Hello.", "Hello.", (PASSAGE,))
PIECE = _Piece(0, SENTENCE, PASSAGE, tone(0.1))


def playback(output: Tape) -> Playback:
    return Playback(output, SpeechEvents(), lambda _: None)


def test_a_sentence_of_an_older_take_is_refused() -> None:
    cut = playback(Tape())
    cut.cut(None)
    assert not cut.begin(0)
    assert not cut.give(0, SENTENCE, PASSAGE, Audio(tone(0.1), RATE))
    assert cut.begin(1)


def test_what_was_taken_from_the_queue_before_a_cut_is_not_played_after_it() -> None:
    tape = Tape()
    cut = playback(tape)
    cut.prepare(RATE)
    cut.cut(None)
    cut._play(PIECE)
    cut._end_sentence(_Piece(0, SENTENCE))
    assert tape.calls == ["stop"]
    assert cut.heard(None) == ""


def test_a_block_is_at_least_one_sample() -> None:
    class OneSample(Tape):
        block = 1e-9

    tape = OneSample()
    begun = playback(tape)
    begun.prepare(RATE)
    begun._play(_Piece(0, SENTENCE, PASSAGE, b"abcd"))
    assert tape.pcm == b"abcd"


def test_an_output_that_does_not_say_what_is_unplayed_is_taken_to_have_played_all() -> None:
    class Silent(Tape):
        def unplayed(self) -> float:
            raise OSError("no answer")

    assert playback(Silent()).cut(None) == ("", 0.0)


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
    turntable.turn(9.0, least=0.0)
    for now in (5.0, 5.0, 7.5):
        clock.now = now
        late._play(PIECE)
    assert late.first_audio == 5.0
    assert late.late_seconds == 2.5


def test_an_output_that_takes_audio_at_once_is_never_late(clock: Clock) -> None:
    late = playback(Tape())
    late.prepare(RATE)
    for now in (5.0, 7.5):
        clock.now = now
        late._play(PIECE)
    assert late.late_seconds == 0.0


@pytest.mark.parametrize("start", [1e300, float("inf"), float("nan")])
def test_a_wait_for_a_word_has_an_end(start: float) -> None:
    waiting = playback(Tape())
    waiting._tell_later(start, lambda _: None, None)
    assert waiting._until_due() == 60.0
