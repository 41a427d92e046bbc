"""The engine of hibari, with the voice that comes with its package."""

import importlib.util
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence

import pytest

from ollama_rx.speech import Audio
from ollama_rx.speech.engines import hibari
from ollama_rx.speech.engines.hibari import Hibari
from tests.speech.engines.audible_stretches import audible_stretches

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hibari") is None, reason='needs: pip install "ollama-rx[tts]"'
)

TEXTS = [
    "Hello there. How are you?",
    "Well — \"it's 5 km away\", isn't it?",
    "Dr. Smith paid $5 million on 3/4/2024, i.e. 2.5% of it.",
    "— Visit https://example.com … or 你好 —",
    "It goes on, and on; " * 40,
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Hibari]:
    with Hibari() as engine:
        engine.load()
        yield engine


def say(engine: Hibari, text: str) -> list[Audio]:
    return list(engine.synthesize(text))


def words_of(pieces: Sequence[Audio]) -> list[str]:
    return [word.text for piece in pieces for word in piece.words]


def test_each_sentence_is_a_piece_of_audio_that_can_be_heard(engine: Hibari) -> None:
    pieces = say(engine, "Hello there. How are you?")
    assert [piece.rate for piece in pieces] == [engine.rate, engine.rate]
    assert [words_of([piece]) for piece in pieces] == [["Hello", "there."], ["How", "are", "you?"]]
    for piece in pieces:
        assert audible_stretches(piece, pause=0.5)


def test_the_same_text_gives_the_same_samples(engine: Hibari) -> None:
    assert say(engine, "Hello there.") == say(engine, "Hello there.")


@pytest.mark.parametrize("text", ["", " ", "你好"])
def test_a_text_that_hibari_cannot_say_is_silent(engine: Hibari, text: str) -> None:
    assert [audible_stretches(piece, pause=0.5) for piece in say(engine, text) if piece.pcm] == []


@pytest.mark.parametrize("text", TEXTS)
def test_the_words_are_those_of_the_text_and_follow_each_other_within_their_piece(
    engine: Hibari, text: str
) -> None:
    pieces = say(engine, text)
    assert words_of(pieces) == text.split()
    for piece in pieces:
        times = [time for word in piece.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= piece.seconds


def test_a_number_lasts_as_long_as_the_words_that_are_said_for_it(engine: Hibari) -> None:
    (written,) = say(engine, "It costs $3.50 and 1,250 people paid at 7:30 pm.")
    (said,) = say(
        engine,
        "It costs three dollars and fifty cents and one thousand two hundred fifty people paid "
        "at seven thirty P.M.",
    )
    assert written.pcm == said.pcm
    ends = [word.end for word in said.words]
    assert [word.end for word in written.words] == [*ends[:2], ends[6], ends[7], *ends[12:16], *ends[17:]]


def test_a_word_that_hibari_fails_to_read_is_left_out(engine: Hibari) -> None:
    (audio,) = say(engine, f"It costs {'1' * 60} dollars.")
    times = {word.text.strip("."): word.end - word.start for word in audio.words}
    assert [word for word, seconds in times.items() if seconds > 0] == ["It", "costs", "dollars"]
    assert say(engine, "1" * 60) == []


@pytest.mark.parametrize("speed", [0.5, 1])
def test_words_are_heard_when_they_are_said_to_be(speed: float) -> None:
    (audio,) = say(Hibari(speed=speed), "Nine — million — nine — million.")
    words = [(word.start, word.end) for word in audio.words if word.text != "—"]
    heard = audible_stretches(audio, pause=0.04 / speed)
    assert len(heard) == len(words)
    for (start, end), (first, last) in zip(words, heard, strict=True):
        assert start == pytest.approx(first, abs=0.05 / speed)
        assert end == pytest.approx(last, abs=0.1 / speed)


def test_speed_divides_the_time_that_a_sentence_takes(engine: Hibari) -> None:
    text = "Nine million people live here."
    (normal,), (slow,), (fast,) = (say(each, text) for each in (engine, Hibari(speed=0.5), Hibari(speed=2)))
    assert slow.seconds == pytest.approx(normal.seconds * 2, rel=0.1)
    assert fast.seconds == pytest.approx(normal.seconds / 2, rel=0.2)
    for piece in (slow, fast):
        assert words_of([piece]) == text.split()


def test_a_model_that_does_not_tell_its_durations_speaks_without_words(
    engine: Hibari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hibari, "_DURATIONS", "/Renamed_output_0")
    (without,) = say(Hibari(), "Hello there.")
    (known,) = say(engine, "Hello there.")
    assert without.words == ()
    assert without.pcm == known.pcm


def test_samples_that_are_too_loud_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hibari, "_FULL_SCALE", 32_767 * 20)
    (audio,) = say(Hibari(), "Hello.")
    samples = memoryview(audio.pcm).cast("h")
    assert (min(samples), max(samples)) == (-32_768, 32_767)


def test_a_closed_engine_frees_the_voice_at_once() -> None:
    engine = Hibari()
    engine.load()
    voice = weakref.ref(engine._voice)
    engine.close()
    assert voice() is None


def test_a_loaded_engine_is_not_loaded_again(engine: Hibari, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(hibari, "import_module")
    engine.load()


def test_a_closed_engine_loads_again() -> None:
    engine = Hibari()
    engine.close()
    assert say(engine, "Yes.")


def test_building_the_engine_imports_nothing_that_is_slow() -> None:
    program = """
import sys
from ollama_rx.speech.engines.hibari import Hibari
from ollama_rx.speech.engines.piper import Piper
Hibari()
print({"hibari", "numpy", "onnxruntime", "piper"} & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # noqa: S603
    assert run.stdout == "set()\n"


def test_a_voice_that_hibari_does_not_have_is_refused_when_the_engine_is_built() -> None:
    with pytest.raises(ValueError, match=r"voice: expected one of 'heart', 'emma', .*, got 'joe'"):
        Hibari("joe")


@pytest.mark.parametrize("speed", [0, 0.4, 2.1, float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed: expected a"):
        Hibari(speed=speed)


def test_a_missing_extra_is_named_when_the_engine_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hibari, "find_spec", dict[str, object]().get)
    with pytest.raises(ImportError, match=r'Hibari needs hibari-tts: pip install "ollama-rx\[tts\]"'):
        Hibari()
