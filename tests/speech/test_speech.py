"""A voice says what `deliver` gives it, and knows what was heard when it is interrupted."""

import asyncio
import io
import threading
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from reactivex import of, throw
from reactivex import operators as rx
from reactivex.subject import ReplaySubject

from ollama_rx import SinkError, SpeechError, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Collector, StopSink
from ollama_rx.speech import Audio, Loudspeaker, Pacer, Speech, SpeechEngine, SpeechEvent, SpeechOutput, Word
from ollama_rx.speech.speech_run import SpeechRun
from tests.speech.voices import LETTER, RATE, TIMEOUT, Letters, SlowToLoad, Tape, Turntable, tone

PAUSE = 0.1


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("ollama-rx")]
    for thread in left:
        thread.join(TIMEOUT)
    assert not any(thread.is_alive() for thread in left)


def voice(
    engine: SpeechEngine | None = None,
    output: SpeechOutput | None = None,
    *,
    ahead: int = 2,
    timeout: float | None = None,
) -> Speech:
    return Speech(engine or Letters(), output or Tape(), pause=PAUSE, ahead=ahead, timeout=timeout)


def events_of(speech: Speech) -> list[SpeechEvent]:
    events: list[SpeechEvent] = []
    speech.events.subscribe(events.append)
    return events


class Model:
    """Sends sentences when the test says so."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = ReplaySubject[str]()
        self.stopped = threading.Event()
        self.stream = self.sentences.pipe(rx.finally_action(self.stopped.set))
        self.send(*sentences)

    def send(self, *sentences: str) -> None:
        for sentence in sentences:
            self.sentences.on_next(sentence)


def test_sentences_are_said_one_after_the_other() -> None:
    engine, tape = Letters(), Tape()
    speech = voice(engine, tape)
    deliver(of("Hello, *Ada.*", "```\ncode\n```", "How are you?"), speech).wait()
    assert engine.texts == ["Hello, Ada.", "How are you?"]
    assert tape.calls == ["start 1000", "write", "drain", "close"]
    assert tape.seconds == pytest.approx(20 * LETTER + 2 * PAUSE)


def test_events_tell_what_is_heard_and_when() -> None:
    speech = voice()
    events = events_of(speech)
    words: list[Word] = []
    speech.words.subscribe(words.append)
    deliver(of("*Oh,* Ada.", "```\ncode\n```", "Yes."), speech).wait()
    oh, ada, yes = Word("Oh,", 0.0, 0.3), Word("Ada.", 0.3, 0.7), Word("Yes.", 0.8, 1.2)
    assert [(event.kind, event.text, event.said) for event in events] == [
        ("started", "*Oh,* Ada.", "Oh, Ada."),
        ("spoken", "*Oh,* Ada.", "Oh, Ada."),
        ("started", "Yes.", "Yes."),
        ("spoken", "Yes.", "Yes."),
        ("finished", "*Oh,* Ada. ```\ncode\n``` Yes.", ""),
    ]
    assert [(event.start, event.end) for event in events] == [
        pytest.approx(times) for times in ((0, 0), (0, 0.8), (0.8, 0.8), (0.8, 1.3), (0, 1.3))
    ]
    assert events[1].words == tuple(words[:2])
    assert [(word.text, round(word.start, 6), round(word.end, 6)) for word in words] == [
        (word.text, word.start, word.end) for word in (oh, ada, yes)
    ]


@pytest.mark.parametrize("start", [0.7, 1e9, float("inf"), float("nan")])
def test_a_word_that_begins_after_its_sentence_is_told_at_the_end(start: float) -> None:
    class Late(SpeechEngine):
        def synthesize(self, text: str, /) -> Iterator[Audio]:
            yield Audio(tone(0.6), RATE, (Word(text, start, start),))

    told: list[Word] = []
    speech = Speech(Late(), Tape(), pause=None)
    speech.words.subscribe(told.append)
    deliver(of("Hello.", "Ada."), speech).wait(TIMEOUT)
    assert [word.text for word in told] == ["Hello.", "Ada."]


def test_an_interruption_returns_the_words_that_were_heard_and_ends_the_delivery() -> None:
    turntable, model = Turntable(), Model("Hello *you* there.", "And more.")
    speech = voice(output=turntable)
    events = events_of(speech)
    delivery = deliver(model.stream, speech)
    turntable.turn(0.8)
    assert speech.interrupt() == "Hello *you*"
    delivery.wait(TIMEOUT)
    assert model.stopped.wait(TIMEOUT)
    assert turntable.seconds == pytest.approx(0.8)
    assert turntable.calls[-2:] == ["stop", "close"]
    assert [(event.kind, event.text) for event in events] == [
        ("started", "Hello *you* there."),
        ("interrupted", "Hello *you*"),
    ]
    assert events[-1].end == pytest.approx(0.8)


def test_an_interruption_is_told_before_its_delivery_ends_and_nothing_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell, has_ended = SpeechRun._tell, threading.Event()

    def slowly(run: SpeechRun, kind: Literal["interrupted", "finished"], heard: str, position: float) -> None:
        if kind == "interrupted":
            has_ended.wait(0.3)  # it must not come
        tell(run, kind, heard, position)

    monkeypatch.setattr(SpeechRun, "_tell", slowly)
    turntable = Turntable()
    speech = voice(output=turntable)
    events = events_of(speech)
    delivery = deliver(of("Hello you."), speech)
    turntable.turn(0.3)
    interrupting = threading.Thread(target=speech.interrupt)
    interrupting.start()
    delivery.wait(TIMEOUT)
    kinds = [event.kind for event in events]
    has_ended.set()
    interrupting.join(TIMEOUT)
    assert kinds == ["started", "interrupted"]


@pytest.mark.parametrize(
    ("turned", "heard"),
    [
        (0.1, ""),
        (0.5, "Hello"),
        (0.7, "Hello"),
        (1.3, "Hello you"),
        (1.4, "Hello you there."),
        (2.0, "Hello you there. And"),
    ],
)
def test_what_was_heard_ends_with_a_whole_word(turned: float, heard: str) -> None:
    turntable = Turntable()
    speech = voice(output=turntable)
    delivery = deliver(Model("Hello you there.", "And more.").stream, speech)
    turntable.turn(turned)
    assert speech.interrupt() == heard
    delivery.wait(TIMEOUT)


def test_without_the_times_of_words_what_was_heard_is_estimated() -> None:
    turntable = Turntable()
    speech = voice(Letters(words=False), turntable)
    delivery = deliver(Model("Hello you there.").stream, speech)
    turntable.turn(1.0)
    assert speech.interrupt() == "Hello you"
    delivery.wait(TIMEOUT)


def test_the_listener_may_have_heard_less_than_was_played() -> None:
    turntable = Turntable()
    speech = voice(output=turntable)
    delivery = deliver(Model("Hello you there.").stream, speech)
    turntable.turn(1.4)
    assert speech.interrupt(played=0.55) == "Hello"
    assert speech.interrupt(played=60) == "Hello"
    delivery.wait(TIMEOUT)


def test_after_a_false_alarm_a_voice_goes_on_with_the_next_sentence() -> None:
    engine, turntable, model = (
        Letters(wait_at="Last."),
        Turntable(),
        Model("Hello you there.", "Good.", "Last."),
    )
    speech = voice(engine, turntable)
    events = events_of(speech)
    delivery = deliver(model.stream, speech)
    turntable.turn(0.6)
    assert engine.waits.wait(TIMEOUT)
    assert speech.interrupt(resume=True) == "Hello"
    model.send("Bye.")
    model.sentences.on_completed()
    turntable.turn(0.6 + 14 * LETTER + 3 * PAUSE)
    delivery.wait(TIMEOUT)
    assert [(event.kind, event.text, round(event.end, 6)) for event in events] == [
        ("started", "Hello you there.", 0.0),
        ("interrupted", "Hello", 0.6),
        ("started", "Good.", 0.6),
        ("spoken", "Good.", 1.2),
        ("started", "Last.", 1.2),
        ("spoken", "Last.", 1.8),
        ("started", "Bye.", 1.8),
        ("spoken", "Bye.", 2.3),
        ("finished", "Hello Good. Last. Bye.", 2.3),
    ]
    assert speech.interrupt() == "Hello Good. Last. Bye."


def test_a_false_alarm_while_nothing_is_said_drops_nothing() -> None:
    tape, model = Tape(), Model("Hello.")
    speech = voice(output=tape)
    spoken = threading.Event()
    speech.events.subscribe(lambda event: spoken.set() if event.kind == "spoken" else None)
    delivery = deliver(model.stream, speech)
    assert spoken.wait(TIMEOUT)
    assert speech.interrupt(resume=True) == "Hello."
    model.send("Bye.")
    model.sentences.on_completed()
    delivery.wait(TIMEOUT)
    assert speech.interrupt() == "Hello. Bye."
    assert tape.seconds == pytest.approx(10 * LETTER + 2 * PAUSE)


def test_what_the_listener_has_not_heard_yet_is_said_again() -> None:
    engine, tape, model = Letters(), Tape(), Model("One two.", "```\ncode\n```", "Three.", "Four.")
    speech = voice(engine, tape)
    spoken = threading.Event()
    speech.events.subscribe(lambda event: spoken.set() if event.text == "Four." else None)
    delivery = deliver(model.stream, speech)
    assert spoken.wait(TIMEOUT)
    assert speech.interrupt(played=0.35, resume=True) == "One"
    model.sentences.on_completed()
    delivery.wait(TIMEOUT)
    assert engine.texts == ["One two.", "Three.", "Four.", "Three.", "Four."]
    assert speech.interrupt() == "One ```\ncode\n``` Three. Four."


def test_a_false_alarm_in_the_last_sentence_ends_it() -> None:
    turntable, model = Turntable(), Model("Hello you.")
    speech = voice(output=turntable)
    delivery = deliver(model.stream, speech)
    model.sentences.on_completed()
    turntable.turn(0.5)
    assert speech.interrupt(resume=True) == "Hello"
    delivery.wait(TIMEOUT)
    assert turntable.seconds == pytest.approx(0.5)


@pytest.mark.parametrize("moment", range(1, 14))
def test_false_alarms_at_any_moment_lose_no_more_than_a_sentence(moment: int) -> None:
    turntable = Turntable()
    speech = voice(output=turntable)
    delivery = deliver(of("Aaa.", "Bbb.", "Ccc."), speech)
    turntable.turn(moment * LETTER)
    speech.interrupt(resume=True)
    turntable.turn(99.0, least=0.0)
    delivery.wait(TIMEOUT)
    heard = speech.interrupt().split()
    assert len(heard) >= 2
    assert heard == sorted(heard)


def test_voices_that_share_an_engine_take_turns() -> None:
    class Alone(Letters):
        calls = 0
        most = 0

        def synthesize(self, text: str, /) -> Iterator[Audio]:
            self.calls += 1
            self.most = max(self.most, self.calls)
            yield from super().synthesize(text)
            self.calls -= 1

    engine = Alone(wait_at="wait.")
    first, second = voice(engine), voice(engine)
    deliveries = [deliver(of("Please wait."), first), deliver(of("Hello."), second)]
    assert engine.waits.wait(TIMEOUT)
    second.interrupt()
    assert engine.stops == 0
    engine.gate.set()
    for delivery in deliveries:
        delivery.wait(TIMEOUT)
    assert engine.most == 1
    assert first.interrupt() == "Please wait."


def test_a_voice_does_not_wait_for_ever_for_an_engine_that_another_one_uses() -> None:
    engine = Letters(wait_at="wait.")
    first = deliver(of("Please wait."), voice(engine))
    assert engine.waits.wait(TIMEOUT)
    with pytest.raises(SinkError, match="no audio within"):
        deliver(of("Hello."), voice(engine, timeout=0.25)).wait()
    engine.gate.set()
    first.wait(TIMEOUT)


def test_after_the_end_an_interruption_only_says_what_was_heard() -> None:
    speech = voice()
    events = events_of(speech)
    deliver(of("Hello you.", "```\ncode\n```"), speech).wait()
    assert speech.interrupt() == "Hello you. ```\ncode\n```"
    assert speech.interrupt(played=0.5) == "Hello"
    assert [event.kind for event in events] == ["started", "spoken", "finished"]


def test_before_the_first_delivery_nothing_was_heard() -> None:
    assert voice().interrupt() == ""
    assert voice().stats is None


def test_a_cancelled_delivery_is_an_interruption() -> None:
    turntable, model = Turntable(), Model("Hello you there.")
    speech = voice(output=turntable)
    delivery = deliver(model.stream, speech)
    turntable.turn(0.8)
    delivery.cancel()
    delivery.wait(TIMEOUT)
    assert speech.interrupt() == "Hello you"


def test_the_other_sinks_are_cancelled_too() -> None:
    turntable, model, others = Turntable(), Model("Hello."), Collector[str]()
    speech = voice(output=turntable)
    delivery = deliver(model.stream, others, speech)
    turntable.turn(0.3)
    speech.interrupt()
    delivery.wait(TIMEOUT)
    assert model.stopped.is_set()
    assert others.items == ["Hello."]


def test_a_subscriber_to_the_events_may_interrupt() -> None:
    speech = voice(output=Pacer(ahead=0.02))
    heard: list[str] = []
    speech.words.subscribe(lambda word: heard.append(speech.interrupt()) if word.text == "ho" else None)
    deliver(Model("Hi ho he.").stream, speech).wait(TIMEOUT)
    assert heard == ["Hi"]


def test_the_output_itself_may_interrupt() -> None:
    heard: list[str] = []
    speech: Speech = Speech(Letters(), lambda _: heard.append(speech.interrupt()))
    deliver(Model("Hi ho.").stream, speech).wait(TIMEOUT)
    assert heard == [""]


class Late(Speech):
    """Is opened when the test says so."""

    def __init__(self) -> None:
        super().__init__(Letters(), Tape(), pause=PAUSE)
        self.gate = threading.Event()
        self.gate.set()

    def open(self) -> None:
        assert self.gate.wait(TIMEOUT)
        super().open()


@pytest.mark.parametrize("before", [[], ["Hello."]])
def test_a_delivery_is_interrupted_before_it_has_begun(before: list[str]) -> None:
    speech = Late()
    for sentence in before:
        deliver(of(sentence), speech).wait()
    speech.gate.clear()
    model = Model("Never said.")
    delivery = deliver(model.stream, speech)
    assert speech.interrupt() == ""
    speech.gate.set()
    delivery.wait(TIMEOUT)
    assert model.stopped.is_set()
    assert speech.interrupt() == ""


def test_a_false_alarm_before_a_delivery_has_begun_changes_nothing() -> None:
    speech = Late()
    speech.gate.clear()
    delivery = deliver(of("Hello."), speech)
    assert speech.interrupt(resume=True) == ""
    speech.gate.set()
    delivery.wait(TIMEOUT)
    assert speech.interrupt() == "Hello."


def test_a_false_alarm_at_the_end_of_a_delivery_does_not_reopen_it() -> None:
    class Cancels(Tape):
        def stop(self) -> None:
            delivery.cancel()

    engine = Letters(wait_at="you.")
    speech = voice(engine, Cancels())
    delivery = deliver(of("Hello you."), speech)
    assert engine.waits.wait(TIMEOUT)
    run = speech._run
    assert run is not None
    speech.interrupt(resume=True)
    assert run.is_over
    delivery.wait(TIMEOUT)


class Unstoppable(Letters):
    """Cannot be stopped."""

    def stop(self) -> None:
        super().stop()
        raise OSError("no brake")


@pytest.mark.parametrize(
    ("engine", "output", "name"),
    [(Unstoppable(wait_at="you."), Tape(), "Unstoppable"), (Letters(wait_at="you."), Tape("stop"), "tape")],
)
def test_what_cannot_be_stopped_fails_when_the_voice_goes_on(
    engine: Letters, output: Tape, name: str
) -> None:
    speech = voice(engine, output)
    model = Model("Hello you.")
    delivery = deliver(model.stream, speech)
    assert engine.waits.wait(TIMEOUT)
    speech.interrupt(resume=True)
    model.send("Bye.")
    with pytest.raises(SinkError, match=name):
        delivery.wait(TIMEOUT)


@pytest.mark.parametrize("engine", [Unstoppable(wait_at="you."), Letters(wait_at="you.")])
def test_what_cannot_be_stopped_does_not_hinder_an_interruption(engine: Letters) -> None:
    speech = voice(engine, Tape("stop"))
    model = Model("Hello you.")
    delivery = deliver(model.stream, speech)
    assert engine.waits.wait(TIMEOUT)
    speech.interrupt()
    delivery.wait(TIMEOUT)
    assert model.stopped.is_set()


def test_an_output_that_does_not_know_what_was_heard_fails_and_can_be_interrupted() -> None:
    class Forgets(Tape):
        def unplayed(self) -> float:
            raise OSError("no counter")

    engine = Letters(wait_at="Ada.")
    speech = voice(engine, Forgets())
    delivery = deliver(of("Ada."), speech)
    assert engine.waits.wait(TIMEOUT)
    assert speech.interrupt() == ""
    delivery.wait(TIMEOUT)
    with pytest.raises(SinkError, match="Forgets: no counter"):
        deliver(of("Hello."), speech).wait(TIMEOUT)


def test_an_interruption_from_many_threads_at_once_is_one() -> None:
    turntable = Turntable()
    speech = voice(output=turntable)
    events = events_of(speech)
    delivery = deliver(Model("Hello you there.").stream, speech)
    turntable.turn(0.8)
    heard: list[str] = []
    threads = [threading.Thread(target=lambda: heard.append(speech.interrupt())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    delivery.wait(TIMEOUT)
    assert heard == ["Hello you"] * 8
    assert [event.kind for event in events] == ["started", "interrupted"]


def test_an_engine_that_waits_is_stopped() -> None:
    engine = Letters(wait_at="you")
    speech = voice(engine)
    delivery = deliver(Model("Hello you there.").stream, speech)
    assert engine.waits.wait(TIMEOUT)
    speech.interrupt()
    delivery.wait(TIMEOUT)
    assert engine.stops >= 1


class Deaf(Letters):
    """Does not stop when it is asked to."""

    def stop(self) -> None:
        self.stops += 1


def test_an_engine_that_hangs_does_not_hold_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.speech.synthesis._CLOSING_SECONDS", 0.01)
    engine = Deaf(wait_at="you.")
    speech = voice(engine)
    delivery = deliver(Model("Hello you.").stream, speech)
    assert engine.waits.wait(TIMEOUT)
    speech.interrupt()
    delivery.wait(TIMEOUT)
    engine.gate.set()


@pytest.mark.parametrize("sentences", [["Hello you."], ["Hello you.", *(f"Number {n}." for n in range(9))]])
def test_an_engine_that_gives_nothing_has_failed(sentences: list[str]) -> None:
    engine = Letters(wait_at="you.")
    with pytest.raises(SinkError, match=r"letters: no audio within 0\.25 s") as caught:
        deliver(of(*sentences), voice(engine, timeout=0.25)).wait()
    assert isinstance(caught.value.__cause__, SpeechError)
    assert caught.value.__cause__.part is engine


def test_a_failure_of_the_engine_names_it_and_the_text_goes_on() -> None:
    engine, text = Letters(error_at="you."), Collector[str]()
    delivery = deliver(of("Hello.", "Hello you.", "Bye."), voice(engine), text, on_sink_error="continue")
    with pytest.raises(SinkError, match="letters: no breath") as caught:
        delivery.wait()
    assert text.items == ["Hello.", "Hello you.", "Bye."]
    failure = caught.value.__cause__
    assert isinstance(failure, SpeechError)
    assert failure.part is engine
    assert isinstance(failure.__cause__, OSError)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("letters: no download", "letters: no download"),
        ("no download", "letters: no download"),
        ("a" * 301, "letters: " + "a" * 149 + "…" + "a" * 150),
    ],
)
def test_a_failure_names_the_part_once_and_is_not_a_page_long(reason: str, message: str) -> None:
    class Failing(Letters):
        name = "letters"

        def synthesize(self, _: str, /) -> Iterator[Audio]:
            raise OSError(reason)

    with pytest.raises(SinkError) as caught:
        deliver(of("a."), voice(Failing())).wait(TIMEOUT)
    assert str(caught.value) == f"sink Speech failed: {message}"


@pytest.mark.parametrize("call", ["start", "write", "drain", "close"])
def test_a_failure_of_the_output_names_it(call: str) -> None:
    tape = Tape(error_at=call)
    with pytest.raises(SinkError, match="tape: torn") as caught:
        deliver(of("Hello."), voice(output=tape)).wait()
    failure = caught.value.__cause__
    assert isinstance(failure, SpeechError)
    assert failure.part is tape
    assert tape.calls.count("close") == 1


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_exception_that_exits_fails_the_part_that_raised_it(error: BaseException) -> None:
    class Exits(Letters):
        def load(self) -> None:
            raise error

    class ExitsToo(Tape):
        def write(self, _: bytes, /) -> None:
            raise error

    for name, speech in (("Exits", voice(Exits())), ("ExitsToo", voice(output=ExitsToo()))):
        delivery = deliver(of("Hello.", "How are you?", "Bye.", "Bye.", "Bye."), speech)
        with pytest.raises(SinkError, match=f"{name}:") as caught:
            delivery.wait(TIMEOUT)
        assert isinstance(caught.value.__cause__, SpeechError)
        assert caught.value.__cause__.__cause__ is error


def test_an_exception_without_a_message_is_named() -> None:
    class Silent(SpeechEngine):
        def synthesize(self, _: str, /) -> Iterator[Audio]:
            raise KeyError

    with pytest.raises(SinkError, match="Silent: KeyError"):
        deliver(of("Hello."), voice(Silent())).wait()


async def _coroutine() -> list[Audio]:
    return []


@pytest.mark.parametrize(
    ("synthesize", "message"),
    [
        (lambda: [b"abc"], "Wrong: synthesize: expected an Audio, got bytes"),
        (lambda: None, "Wrong: synthesize: expected a generator or a list of Audio, got NoneType"),
        (lambda: b"abc", "Wrong: synthesize: expected a generator or a list of Audio, got bytes"),
        (lambda: Audio(b"", 1), "Wrong: synthesize: expected a generator or a list of Audio, got Audio"),
        (_coroutine, "Wrong: synthesize: expected a generator or a list of Audio, got coroutine"),
        (lambda: [Audio(b"abc", 1_000)], "Wrong: pcm: expected whole samples of two bytes, got 3 bytes"),
    ],
)
def test_what_is_not_audio_is_refused(synthesize: Callable[[], list[Audio]], message: str) -> None:
    class Wrong(SpeechEngine):
        def synthesize(self, _: str, /) -> list[Audio]:
            return synthesize()

    with pytest.raises(SinkError, match=message):
        deliver(of("Hello."), voice(Wrong())).wait()


def test_blanks_are_not_given_to_the_engine() -> None:
    engine = Letters()
    deliver(of("  ", " \n\t", "Hello.", "\n"), voice(engine)).wait()
    assert engine.texts == ["Hello."]


def test_all_audio_of_a_delivery_has_one_rate() -> None:
    class Changing(SpeechEngine):
        rate = 1_000

        def synthesize(self, _: str, /) -> list[Audio]:
            return [Audio(bytes(200), 2_000)]

    with pytest.raises(SinkError, match="expected 1000 samples a second, as before, got 2000"):
        deliver(of("Hello."), voice(Changing())).wait()


def test_a_voice_without_audio_has_an_end_too() -> None:
    class Mute(SpeechEngine):
        def synthesize(self, _: str, /) -> list[Audio]:
            return []

    tape = Tape()
    speech = voice(Mute(), tape)
    deliver(of("```\ncode\n```", "# !", "...", "---", "Hello."), speech).wait()
    assert tape.calls == []
    assert speech.interrupt() == "```\ncode\n``` # ! ... --- Hello."


def test_a_reader_that_has_gone_ends_the_voice_without_an_error() -> None:
    class Closed(Tape):
        def write(self, _: bytes, /) -> None:
            raise StopSink

    text = Collector[str]()
    deliver(of("Hello.", "Bye."), voice(output=Closed()), text).wait()
    assert text.items == ["Hello.", "Bye."]


def test_the_model_is_paused_when_enough_sentences_wait() -> None:
    engine = Letters(wait_at="0.")
    sent: list[str] = []
    most: list[int] = []

    def see(sentence: str) -> None:
        sent.append(sentence)
        most.append(len(sent) - len(engine.texts))

    stream = of(*(f"Number {number}." for number in range(40))).pipe(rx.do_action(see))
    delivery = deliver(stream, voice(engine, ahead=3))
    assert engine.waits.wait(TIMEOUT)
    engine.gate.set()
    delivery.wait(TIMEOUT)
    assert len(engine.texts) == 40
    assert max(most) <= 3 + 3  # one in the hands of each: the sink, its queue, the source


def test_the_next_sentence_is_synthesised_while_the_last_one_is_played() -> None:
    engine, turntable = Letters(wait_at="never."), Turntable()
    speech = voice(engine, turntable)
    delivery = deliver(Model("One.", "Two, never.", "Three.").stream, speech)
    assert engine.waits.wait(TIMEOUT)
    assert turntable.seconds == 0.0
    assert engine.texts == ["One.", "Two, never."]
    speech.interrupt()
    delivery.wait(TIMEOUT)


def test_a_short_sentence_leaves_a_slow_engine_the_time_for_the_one_after_it() -> None:
    engine, turntable = Letters(wait_at="long."), Turntable()
    speech = voice(engine, turntable)
    delivery = deliver(of("One.", "No.", "Very long."), speech)
    turntable.turn(0.1)
    assert engine.waits.wait(TIMEOUT)  # for the third, while the first is still played
    assert turntable.seconds < 4 * LETTER
    speech.interrupt()
    delivery.wait(TIMEOUT)


def test_no_more_than_some_seconds_of_audio_are_synthesised_in_advance() -> None:
    engine, turntable = Letters(wait_at="last."), Turntable()
    speech = voice(engine, turntable, ahead=5)
    delivery = deliver(of("a" * 60, "b" * 60, "The last."), speech)
    turntable.turn(5.0)  # most of the first
    assert "The last." not in engine.texts
    turntable.turn(6.4)  # the second is played, and does not wait any more
    assert engine.waits.wait(TIMEOUT)
    speech.interrupt()
    delivery.wait(TIMEOUT)


def test_a_voice_serves_one_delivery_after_the_other() -> None:
    turntable = Turntable()
    speech = voice(output=turntable)
    for _ in range(3):
        first = deliver(Model("Hello you.").stream, speech)
        turntable.turn(turntable.seconds + 0.5)
        assert speech.interrupt() == "Hello"
        second = deliver(of("Yes."), speech)
        turntable.turn(turntable.seconds + 0.4 + PAUSE)
        second.wait(TIMEOUT)
        first.wait(TIMEOUT)
        assert speech.interrupt() == "Yes."


def test_a_second_delivery_at_the_same_time_is_refused() -> None:
    turntable = Turntable()
    speech = voice(output=turntable)
    first = deliver(of("Hello."), speech)
    turntable.turn(0.2)
    with pytest.raises(SinkError, match="this voice still speaks"):
        deliver(of("Yes."), speech).wait()
    turntable.turn(0.6 + PAUSE)
    first.wait(TIMEOUT)
    assert speech.interrupt() == "Hello."


class Jammed(Tape):
    """Does not return from ``write`` until the test says so."""

    name = "jammed"

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()
        self.gate = threading.Event()

    def write(self, pcm: bytes, /) -> None:
        super().write(pcm)
        self.waits.set()
        assert self.gate.wait(TIMEOUT)


def test_a_delivery_waits_for_what_hangs_in_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.speech.playback._CLOSING_SECONDS", 0.01)
    jammed = Jammed()
    speech = voice(output=jammed)
    first = deliver(of("Hello."), speech)
    assert jammed.waits.wait(TIMEOUT)
    speech.interrupt()
    first.wait(TIMEOUT)
    second = deliver(of("Bye."), speech)
    jammed.gate.set()
    second.wait(TIMEOUT)
    assert jammed.calls[-4:] == ["close", f"start {RATE}", "drain", "close"]
    assert speech.interrupt() == "Bye."


def test_a_delivery_fails_if_what_hung_in_the_one_before_does_not_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("playback", "speech"):
        monkeypatch.setattr(f"ollama_rx.speech.{module}._CLOSING_SECONDS", 0.01)
    jammed = Jammed()
    speech = voice(output=jammed)
    first = deliver(of("Hello."), speech)
    assert jammed.waits.wait(TIMEOUT)
    speech.interrupt()
    first.wait(TIMEOUT)
    with pytest.raises(SinkError, match="jammed: it has not returned from the delivery before"):
        deliver(of("Bye."), speech).wait(TIMEOUT)
    jammed.gate.set()


def test_sentences_that_came_before_an_error_are_said() -> None:
    tape = Tape()
    error = OSError("the server died")
    with pytest.raises(OSError, match="the server died"):
        deliver(of("Hello.").pipe(rx.concat(throw(error))), voice(output=tape)).wait()
    assert tape.seconds == pytest.approx(6 * LETTER + PAUSE)


def test_a_voice_speaks_on_an_event_loop() -> None:
    tape = Tape()

    async def main() -> None:
        await deliver(of("Hello. ", "Bye."), voice(output=tape).after(op.split_sentences()))

    asyncio.run(main())
    assert tape.seconds == pytest.approx(10 * LETTER + 2 * PAUSE)


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_a_subscriber_that_fails_does_not_end_the_voice(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    speech = voice()

    def fail(_: SpeechEvent) -> None:
        raise error

    speech.events.subscribe(fail)
    events = events_of(speech)
    deliver(of("Hello."), speech).wait()
    assert [event.kind for event in events] == ["started", "spoken", "finished"]
    assert "a subscriber to the events of a voice has failed" in caplog.text


def test_a_subscriber_that_hangs_loses_no_event_of_the_next_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.speech.events._CLOSING_SECONDS", 0.01)
    speech = voice()
    gate, told = threading.Event(), threading.Event()
    texts: list[str] = []

    def hang(event: SpeechEvent) -> None:
        if event.text == "Hello.":
            assert gate.wait(TIMEOUT)
            return
        texts.append(f"{event.kind} {event.text}")
        if event.kind == "finished":
            told.set()

    speech.events.subscribe(hang)
    deliver(of("Hello."), speech).wait()
    deliver(of("Bye."), speech).wait()
    assert told.wait(TIMEOUT)
    assert texts == ["started Bye.", "spoken Bye.", "finished Bye."]
    gate.set()


def test_the_figures_are_those_of_the_last_delivery() -> None:
    speech = voice()
    deliver(of("Hello."), speech).wait()
    stats = speech.stats
    assert stats is not None
    assert stats.first_sentence is not None
    assert stats.first_audio is not None
    assert 0 <= stats.first_sentence <= stats.first_audio
    assert stats.audio == pytest.approx(0.7)
    assert stats.real_time_factor == stats.synthesis / stats.audio
    deliver(of("```\ncode\n```"), speech).wait()
    stats = speech.stats
    assert stats is not None
    assert (stats.first_audio, stats.audio, stats.real_time_factor) == (None, 0.0, None)


def test_the_output_is_a_path_a_file_or_a_function(tmp_path: Path) -> None:
    file, blocks = io.BytesIO(), list[bytes]()
    deliver(of("Hello."), Speech(Letters(), tmp_path / "a.wav", pause=0)).wait()
    deliver(of("Hello."), Speech(Letters(), file, pause=0)).wait()
    deliver(of("Hello."), Speech(Letters(), blocks.append, pause=0)).wait()
    with wave.open(str(tmp_path / "a.wav")) as written:
        assert written.readframes(10_000) == file.getvalue() == b"".join(blocks)


def test_words_are_pronounced_as_the_user_says_and_written_as_they_were() -> None:
    engine = Letters()
    speech = Speech(engine, Tape(), pronounce={"SQL": "sequel"}, pause=0)
    deliver(of("SQL is old."), speech).wait()
    assert engine.texts == ["sequel is old."]
    assert [speech.interrupt(played=at) for at in (0.5, 0.6, 0.8)] == ["", "SQL", "SQL is"]


def test_tags_are_handed_to_an_engine_that_knows_them_and_left_out_for_others() -> None:
    class Markup(Letters):
        tags = frozenset({"spell"})

    engine, text = Markup(), "<spell>NASA</spell> said<emotion value='joy'/> List<String>."
    deliver(of(text), Speech(engine, Tape(), tags=("spell", "emotion"))).wait()
    assert engine.texts == ["<spell>NASA</spell> said List<String>."]


@pytest.mark.parametrize(
    ("tags", "error", "message"),
    [
        ("spell", TypeError, "tags: expected a list, even for a single item, got str"),
        (["<spell>"], ValueError, "tags: expected names of tags, such as 'spell', without '<' and '>', got "),
    ],
)
def test_what_is_no_list_of_names_of_tags_is_refused(
    tags: Sequence[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}"):
        Speech(Letters(), Tape(), tags=tags)


def test_the_silence_of_the_engine_may_be_left() -> None:
    class Quiet(SpeechEngine):
        def synthesize(self, _: str, /) -> list[Audio]:
            return [Audio(bytes(600) + b"\xff\x7f" + bytes(600), 1_000)]

    tape = Tape()
    deliver(of("Hello."), Speech(Quiet(), tape, pause=None)).wait()
    assert len(tape.pcm) == 1202


def test_a_uri_names_a_wav_file_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answer.wav"
    assert isinstance(Speech.from_uri(str(path)), Speech)
    assert path.exists()
    monkeypatch.setattr(Loudspeaker, "unavailable", lambda: None)
    assert isinstance(Speech.from_uri(""), Speech)


def test_a_uri_for_a_loudspeaker_that_is_missing_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loudspeaker, "unavailable", lambda: "no loudspeaker")
    with pytest.raises(OSError, match=r"^no loudspeaker; speech:answer\.wav writes a file instead$"):
        Speech.from_uri("")


def test_a_voice_that_was_interrupted_needs_no_more_sentences() -> None:
    speech = voice()
    speech.open()
    speech.interrupt()
    with pytest.raises(StopSink):
        speech.on_next("Hello.")
    with pytest.raises(StopSink):
        speech.on_completed()
    speech.close()


def test_without_arguments_it_is_an_english_voice_on_the_loudspeaker() -> None:
    pytest.importorskip("hibari")
    assert isinstance(Speech(), Speech)


def test_only_the_first_failure_is_reported() -> None:
    class Torn(Tape):
        def drain(self) -> None:
            raise OSError("first")

        def close(self) -> None:
            raise OSError("second")

    with pytest.raises(SinkError, match="Torn: first"):
        deliver(of("Hello."), voice(output=Torn())).wait()


def test_what_fails_after_an_interruption_is_not_reported() -> None:
    class Unloadable(Letters):
        def load(self) -> None:
            assert self.gate.wait(TIMEOUT)
            raise OSError("no voice")

    speech = voice(Unloadable(), timeout=60)
    speech.open()
    speech.interrupt()
    speech.close()
    with pytest.raises(StopSink):
        speech.on_completed()


def test_an_engine_is_loaded_on_request_when_no_other_voice_uses_it() -> None:
    class Loaded(Letters):
        loads = 0

        def load(self) -> None:
            assert self.in_use.locked()
            self.loads += 1

    engine = Loaded()
    voice(engine).load()
    assert engine.loads == 1
    assert not engine.in_use.locked()


def test_an_engine_that_cannot_be_loaded_is_named() -> None:
    engine = SlowToLoad(OSError("no lungs"))
    engine.may_load.set()
    with pytest.raises(SpeechError, match=r"^slow to load: no lungs$"):
        voice(engine).load()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "hibari"}, "engine: expected"),
        ({"output": 1}, "output: expected a path, a binary file, a function or a SpeechOutput, got int"),
        ({"ahead": 0}, "ahead: expected"),
        ({"pause": -1}, "pause: expected"),
        ({"timeout": 0}, "timeout: expected"),
        ({"code": 1}, "code: expected"),
        ({"urls": "all"}, "urls: expected"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Speech(**{"engine": Letters(), "output": Tape(), **arguments})  # type: ignore[arg-type]


def test_wrong_arguments_of_an_interruption_are_refused() -> None:
    with pytest.raises(ValueError, match="played: expected"):
        voice().interrupt(played=-1)
    with pytest.raises(TypeError, match="resume: expected"):
        voice().interrupt(resume=1)  # type: ignore[arg-type]


def test_a_voice_needs_a_delivery() -> None:
    errors: list[Exception] = []
    of("Hello.").pipe(rx.do_action(voice().on_next)).subscribe(on_error=errors.append)
    assert "deliver(stream, voice)" in str(errors[0])
    voice().close()
