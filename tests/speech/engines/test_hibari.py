"""The engine of hibari, with the voice that comes with its package."""

import importlib.util
from collections.abc import Iterator

import pytest

from ollama_rx.speech import Audio
from ollama_rx.speech.engines.hibari import Hibari

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hibari") is None, reason='needs: pip install "ollama-rx[tts]"'
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Hibari]:
    with Hibari() as engine:
        engine.load()
        yield engine


def say(engine: Hibari, text: str) -> list[Audio]:
    return list(engine.synthesize(text))


def test_each_sentence_is_a_piece_of_audio_that_can_be_heard(engine: Hibari) -> None:
    pieces = say(engine, "Hello there. How are you?")
    assert [piece.rate for piece in pieces] == [engine.rate, engine.rate]
    for piece in pieces:
        assert 0.5 < piece.seconds < 3
        assert max(memoryview(piece.pcm).cast("h")) > 3_000


def test_the_same_text_gives_the_same_samples(engine: Hibari) -> None:
    assert say(engine, "Hello there.")[0].pcm == say(engine, "Hello there.")[0].pcm


@pytest.mark.parametrize("text", ["", " ", "你好"])
def test_a_text_without_sounds_has_no_audible_samples(engine: Hibari, text: str) -> None:
    assert all(max(memoryview(piece.pcm).cast("h")) < 300 for piece in say(engine, text))


def test_a_voice_that_hibari_does_not_have_is_refused_when_the_engine_is_built() -> None:
    with pytest.raises(ValueError, match=r"voice: expected one of 'heart', 'emma', .*, got 'joe'"):
        Hibari("joe")


@pytest.mark.parametrize("speed", [0, 0.4, 2.1, float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed: expected a number"):
        Hibari(speed=speed)


def test_a_missing_extra_is_named_when_the_engine_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.speech.engines.hibari.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r'Hibari needs hibari-tts: pip install "ollama-rx\[tts\]"'):
        Hibari()


def test_a_closed_engine_loads_again() -> None:
    engine = Hibari()
    engine.close()
    assert say(engine, "Yes.")
