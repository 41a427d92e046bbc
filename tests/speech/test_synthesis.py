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


def test_a_sentence_of_an_older_take_is_not_synthesised() -> None:
    engine = Letters()
    synthesis, playback, _ = make(engine)
    playback.cut(None)
    synthesis._synthesize(0, 0, sentence("Hello."))
    assert engine.texts == []


def test_the_rest_of_a_sentence_that_is_interrupted_is_not_synthesised() -> None:
    class Cut(Letters):
        pieces = 0

        def synthesize(self, text: str, /) -> Iterator[Audio]:
            for _ in text.split():
                playback.cut(None)
                self.pieces += 1
                yield Audio(tone(0.1), RATE)

    engine = Cut()
    synthesis, playback, failures = make(engine)
    synthesis._synthesize(0, 0, sentence("One two three."))
    assert engine.pieces == 1
    assert failures == []


def test_what_an_engine_raises_after_an_interruption_is_ignored() -> None:
    synthesis, _, failures = make(Letters(error_at="Hello."))
    synthesis.drop()
    synthesis._synthesize(0, 0, sentence("Hello."))
    assert failures == []


def test_an_interruption_stops_the_engine_only_for_what_it_drops() -> None:
    engine = Letters(wait_at="Next.")
    synthesis, _, _ = make(engine)
    synthesis.start()
    synthesis.drop()  # while the engine has nothing to do
    synthesis.say(sentence("Next."))
    assert not engine.waits.wait(0.05)
    synthesis.stop_dropped()
    assert engine.waits.wait(TIMEOUT)
    assert engine.stops == 0
    synthesis.close()


def test_a_sentence_that_waits_for_room_is_dropped_too() -> None:
    synthesis, _, _ = make(Letters())
    synthesis.say(sentence("One."))
    waiting = Thread(target=synthesis.say, args=(sentence("Two."),))
    waiting.start()
    while not synthesis._changed._waiters:  # type: ignore[attr-defined]  # until it waits
        pass
    synthesis.drop()
    waiting.join(TIMEOUT)
    assert not synthesis._sentences


def test_an_engine_fails_while_the_listener_interrupts() -> None:
    dropped: list[bool] = []

    def interrupt_meanwhile(_: BaseException) -> None:
        interruption = Thread(target=synthesis.drop)
        interruption.start()
        interruption.join(TIMEOUT)
        dropped.append(not interruption.is_alive())

    playback = Playback(Tape(), SpeechEvents(), interrupt_meanwhile)
    synthesis = Synthesis(Letters(), playback, interrupt_meanwhile, max_sentences=1, pause=None, timeout=0.1)
    synthesis._is_computing = True  # and gives nothing
    synthesis.say(sentence("One."))
    synthesis.say(sentence("Two."))
    assert dropped == [True]
