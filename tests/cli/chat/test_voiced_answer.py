"""`chat --voice`: the answer is said and printed, and a key silences it."""

import os
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ollama_rx.cli.ask import choose_voice
from ollama_rx.testing import FakeOllama, answer, endless, pause
from tests.cli.chat.conftest import TypedChat
from tests.cli.chat.test_chat import BANNER
from tests.cli.chat.typist import press_ctrl_c, said
from tests.speech.voices import Letters, Turntable

VOICE = ("-m", "mine", "--voice")


class Loudspeaker(Turntable):
    """Plays as far as its class was told, and tells what it has played."""

    plays = 999.0
    on_sound: ClassVar[list[Callable[[], object]]] = []

    @staticmethod
    def unavailable() -> str | None:
        return None

    def start(self, rate: int) -> None:
        super().start(rate)
        self.turn(self.plays, least=0)

    def unplayed(self) -> float:
        left = super().unplayed()
        if self.on_sound and self.seconds >= self.plays:
            self.on_sound.pop()()
            type(self).plays = 999.0
        return left


def always(engine: Letters) -> Callable[..., Letters]:
    """Return a function that stands for the class of an engine."""

    def make(*_: object, **__: object) -> Letters:
        return engine

    return make


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Letters]:
    engine = Letters()
    monkeypatch.setattr("ollama_rx.speech.engines.hibari.Hibari", always(engine))
    monkeypatch.setattr(choose_voice, "Loudspeaker", Loudspeaker)
    yield engine
    Loudspeaker.plays = 999.0
    Loudspeaker.on_sound.clear()


def test_an_answer_is_said_and_printed(typed: TypedChat, fake: FakeOllama, engine: Letters) -> None:
    fake.play(answer("It **is** bl", "ue. Yes."), answer("No."))
    chat = typed("Why?", "Really?", options=VOICE)
    assert (chat.out, chat.err, chat.exit_code) == ("It **is** blue. Yes.\nNo.\n", BANNER, 0)
    assert engine.texts == ["It is blue.", "Yes.", "No."]
    assert said(fake)[1] == ("assistant", "It **is** blue. Yes.")


def test_a_key_silences_the_voice_and_the_history_has_what_was_heard(
    typed: TypedChat, fake: FakeOllama, keyboard: int
) -> None:
    Loudspeaker.plays = 0.5  # as long as "It was" takes
    Loudspeaker.on_sound.append(lambda: os.write(keyboard, b"S"))
    fake.play(answer("It was a dark night. ", endless("And so on. ", every=0.02)), answer("Yes."))
    chat = typed("Tell", "Stop.", options=VOICE)
    assert said(fake) == [("user", "Tell"), ("assistant", "It was"), ("user", "Stop.")]
    assert chat.out in {"It was\nYes.\n", "It was a\nYes.\n"}  # a word is printed when it begins
    assert chat.err == BANNER + "stopped; the history keeps the answer as far as it was heard\n"
    assert chat.drafts == ["", "", ""]
    assert os.read(sys.stdin.fileno(), 9) == b"S"
    fake.wait_for_disconnect()


def test_ctrl_c_silences_the_voice_too(typed: TypedChat, fake: FakeOllama) -> None:
    Loudspeaker.plays = 0.5
    Loudspeaker.on_sound.append(press_ctrl_c)
    fake.play(answer("It was a dark night. ", endless("And so on. ", every=0.02)), answer("Yes."))
    typed("Tell", "Stop.", options=VOICE)
    assert said(fake)[1] == ("assistant", "It was")


def test_a_key_before_the_first_word_takes_the_message_back(
    typed: TypedChat, fake: FakeOllama, keyboard: int
) -> None:
    def reply(_: object) -> Any:
        os.write(keyboard, b"S")
        return answer(pause(60), "never")

    fake.play(reply, answer("Yes."))
    chat = typed("Tell", "Stop.", options=VOICE)
    assert said(fake) == [("user", "Stop.")]
    assert "stopped before the answer began" in chat.err
    assert chat.drafts == ["", "", ""]


def test_without_a_loudspeaker_each_answer_has_a_file(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loudspeaker, "unavailable", staticmethod(lambda: "no loudspeaker"))
    fake.play(answer("Yes."))
    chat = typed("One", "Two", options=VOICE)
    assert "speaking into answer.wav: no loudspeaker\nspeaking into answer-2.wav: " in chat.err
    for name in ("answer.wav", "answer-2.wav"):
        with wave.open(name) as audio:
            assert audio.getnframes() > 0
    assert sorted(path.name for path in Path().iterdir()) == ["answer-2.wav", "answer.wav"]


def test_an_engine_that_fails_is_one_line_and_the_chat_goes_on(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.speech.engines.hibari.Hibari", always(Letters(error_at="fails.")))
    fake.play(answer("It fails."), answer("Yes."))
    chat = typed("One", "Two", options=VOICE)
    assert chat.err == BANNER + "ollama-rx: letters: no breath\n"
    assert chat.out.endswith("Yes.\n")


def test_a_missing_extra_is_one_line_before_anything_is_asked(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise ImportError('speakable() needs markdown-it-py: pip install "ollama-rx[speech]"')

    monkeypatch.setattr("ollama_rx.cli.ask.spoken_answer.Speech", missing)
    chat = typed("One", options=VOICE)
    assert chat.err.endswith('pip install "ollama-rx[speech]"\n')
    assert len(fake.requests) < 5


def test_an_option_of_the_voice_is_enough_to_hear_it(
    typed: TypedChat, fake: FakeOllama, engine: Letters
) -> None:
    fake.play(answer("Yes."))
    typed("One", options=("-m", "mine", "--voice-name", "ada"))
    assert engine.texts == ["Yes."]
