"""How a synthesis deals with an interruption; the rest is tested with a whole voice."""

from collections.abc import Iterator
from threading import Thread

from ollama_rx.speech import Audio
from ollama_rx.speech.events import SpeechEvents
from ollama_rx.speech.playback import Playback
from ollama_rx.speech.synthesis import Synthesis
from ollama_rx.speech.timeline import Passage, SpokenSentence
from tests.speech.voices import RATE, TIMEOUT, Letters, Tape, tone


def sentence(text: str) -> SpokenSentence:
    return SpokenSentence(text, text, (Passage(text),))


def make(engine: Letters) -> tuple[Synthesis, Playback, list[BaseException]]:
    failures: list[BaseException] = []
    playback = Playback(Tape(), SpeechEvents(), failures.append)
    synthesis = Synthesis(engine, playback, failures.append, max_sentences=1, pause=None, timeout=None)
    return synthesis, playback, failures


def dropped(text: str) -> SpokenSentence:
    it = sentence(text)
    it.is_dropped = True
    return it


def test_a_sentence_that_was_dropped_is_not_synthesised() -> None:
    engine = Letters()
    synthesis, _, _ = make(engine)
    synthesis._synthesize(dropped("Hello."))
    assert not synthesis._give_passage(dropped("Hello."), Passage("Hello."))
    assert engine.texts == []


def test_a_passage_of_blanks_is_not_synthesised() -> None:
    engine = Letters()
    synthesis, _, _ = make(engine)
    assert list(synthesis._audio(Passage(" \n"))) == []
    assert engine.texts == []


def test_the_rest_of_a_sentence_that_is_interrupted_is_not_synthesised() -> None:
    class Cut(Letters):
        pieces = 0

        def synthesize(self, text: str, /) -> Iterator[Audio]:
            for _ in text.split():
                it.is_dropped = True
                self.pieces += 1
                yield Audio(tone(0.1), RATE)

    engine, it = Cut(), sentence("One two three.")
    synthesis, _, failures = make(engine)
    synthesis._synthesize(it)
    assert engine.pieces == 1
    assert failures == []


def test_what_an_engine_raises_after_an_interruption_is_ignored() -> None:
    class Stopped(Letters):
        def synthesize(self, text: str, /) -> Iterator[Audio]:
            it.is_dropped = True
            return super().synthesize(text)

    it = sentence("Hello.")
    synthesis, _, failures = make(Stopped(error_at="Hello."))
    synthesis._synthesize(it)
    assert failures == []


def test_an_interruption_stops_the_engine_only_for_what_it_drops() -> None:
    engine = Letters(wait_at="Next.")
    synthesis, _, _ = make(engine)
    synthesis.start()
    synthesis.cut(None, resume=True)  # while the engine has nothing to do
    synthesis.say(sentence("Next."))
    assert not engine.waits.wait(0.05)
    synthesis.stop_dropped()
    assert engine.waits.wait(TIMEOUT)
    assert engine.stops == 0
    synthesis.close()


def test_a_sentence_that_waits_for_room_waits_no_longer_when_the_voice_is_abandoned() -> None:
    synthesis, _, _ = make(Letters())
    synthesis.say(sentence("One."))
    waiting = Thread(target=synthesis.say, args=(sentence("Two."),))
    waiting.start()
    synthesis.abandon()
    waiting.join(TIMEOUT)
    assert not waiting.is_alive()
