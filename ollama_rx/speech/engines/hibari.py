"""hibari: a small English voice that computes a sentence on one core in a hundredth of its duration."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, Self, cast

from ollama_rx.arguments import check_between, check_choice
from ollama_rx.speech.audio import Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.onnx_outputs import append_output
from ollama_rx.speech.engines.word_times import WordTimes

_SLOWEST, _FASTEST = 0.5, 2  # what hibari documents; its model makes no sound shorter than 25 ms
_RATE = 24_000
_SEED = 0
_FULL_SCALE = 32_767
# In hibari's model: how long each symbol lasts, in units of two of its frames (25 ms).
_DURATIONS = "/Clip_output_0"
_SAMPLES_PER_UNIT = 600
_SILENT = " "  # what hibari puts before and after a sentence
_KNOWN_WORDS = 4096  # whose sounds are remembered
# Which hibari 0.2.1 raises for a number of more than 36 digits, and for "①ß".
_UNREADABLE = (LookupError, TypeError, ValueError)
# Has a word that must be guessed, for which hibari loads a second model when it first needs it.
_WARM_UP = "Ready, zyqlix, at 7:30."


class _HibariArray(Protocol):
    """What is used of a numpy array."""

    def __mul__(self, factor: float, /) -> Self: ...
    def clip(self, least: float, most: float, /) -> Self: ...
    def astype(self, kind: str, /) -> Self: ...
    def tobytes(self) -> bytes: ...
    def ravel(self) -> Self: ...
    def tolist(self) -> list[float]: ...


class _HibariSession(Protocol):
    def run(self, names: None, inputs: object, /) -> list[_HibariArray]: ...


class _HibariVoice(Protocol):
    sess: _HibariSession
    vocab: Mapping[str, int]

    def phonemize(self, text: str, /) -> list[str]: ...
    def from_phonemes(self, phonemes: str, /, *, speed: float, seed: int) -> _HibariArray: ...


class _HibariVoices(Protocol):
    def voice_path(self, name: str, /) -> str: ...


class _HibariModule(Protocol):
    voices: _HibariVoices

    def Hibari(self, *, voice: str, model: bytes, threads: int) -> _HibariVoice: ...  # noqa: N802 - its name


class Hibari(SpeechEngine):
    """Speaks English with hibari-tts, which the extra ``tts`` installs.

    ``voice`` is one of hibari's: "heart" comes with the package; the others (British ones too) are
    downloaded by hibari when they are first loaded. ``speed`` is a factor from 0.5 to 2. The same text
    always gives the same samples. It speaks the Latin alphabet only, and knows when each word is said.

    Raises:
        ImportError: hibari-tts is not installed.
        ValueError: hibari has no such voice, or ``speed`` is out of range.
    """

    name = "hibari"
    rate = _RATE

    def __init__(self, voice: str = "heart", *, speed: float = 1.0) -> None:
        check_choice("voice", voice, _voice_names())
        check_between("speed", speed, _SLOWEST, _FASTEST, what="a factor")
        self._voice_name = voice
        self._speed = speed
        self._voice: _LoadedVoice | None = None

    def load(self) -> None:
        """Import hibari, load the voice, and speak once; this takes about a second."""
        self._loaded()

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        """Yield the audio of the sentences that hibari finds in the text, with their words."""
        return self._loaded().speak(text, self._speed)

    def close(self) -> None:
        """Free the memory of the voice."""
        self._voice = None

    def _loaded(self) -> "_LoadedVoice":
        if self._voice is None:
            self._voice = _LoadedVoice(self._voice_name)
            for _ in self._voice.speak(_WARM_UP, self._speed):
                pass
        return self._voice


class _LoadedVoice:
    def __init__(self, name: str) -> None:
        module = cast(_HibariModule, import_module("hibari"))
        model = Path(module.voices.voice_path(name)).read_bytes()
        extended = append_output(model, _DURATIONS)
        self._hibari = hibari = module.Hibari(voice=name, model=extended, threads=1)
        self._durations: _DurationsRecorder | None = None
        if extended != model:
            self._durations = hibari.sess = _DurationsRecorder(hibari.sess)
        self._pronounce = lru_cache(_KNOWN_WORDS)(partial(_pronounce, hibari))

    def speak(self, text: str, speed: float) -> Iterator[Audio]:
        sentences = _phonemes(self._hibari, text)
        pieces = (self._speak_sentence(sentence, speed) for sentence in sentences)
        if self._durations is None:
            yield from pieces
            return
        words = WordTimes(text, self._pronounce, [_symbols(self._hibari, sentence) for sentence in sentences])
        for piece in pieces:
            yield words.add_words(piece, self._durations.last)

    def _speak_sentence(self, phonemes: str, speed: float) -> Audio:
        samples = self._hibari.from_phonemes(phonemes, speed=speed, seed=_SEED)
        return Audio((samples * _FULL_SCALE).clip(-32_768, 32_767).astype("<i2").tobytes(), _RATE)


def _phonemes(hibari: _HibariVoice, text: str) -> list[str]:
    """Return the phonemes of each sentence, without the words that hibari fails to read."""
    try:
        return hibari.phonemize(text)
    except _UNREADABLE:
        words = text.split()
        if len(words) == 1:
            return []
        return [" ".join(phonemes for word in words for phonemes in _phonemes(hibari, word))]


def _symbols(hibari: _HibariVoice, phonemes: str) -> list[str]:
    """Return what the model is given for phonemes, a symbol each."""
    return [_SILENT, *(symbol for symbol in phonemes if symbol in hibari.vocab), _SILENT]


def _pronounce(hibari: _HibariVoice, word: str) -> list[str]:
    return _symbols(hibari, " ".join(_phonemes(hibari, word)))


class _DurationsRecorder:
    """hibari's session, but with the outputs that hibari expects: the additional last one is kept here."""

    def __init__(self, session: _HibariSession) -> None:
        self._session = session
        self.last: list[int] = []
        """How many samples each symbol of the last sentence lasts."""

    def run(self, names: None, inputs: object, /) -> list[_HibariArray]:
        *outputs, durations = self._session.run(names, inputs)
        self.last = [int(units) * _SAMPLES_PER_UNIT for units in durations.ravel().tolist()]
        return outputs


def _voice_names() -> Sequence[str]:
    """Read the names of hibari's voices without importing it, which takes half a second."""
    package = find_spec("hibari")
    if package is None or package.origin is None:
        raise ImportError('Hibari needs hibari-tts: pip install "ollama-rx[tts]"')
    file = Path(package.origin).parent / "assets" / "voices.json"
    return tuple(cast("Mapping[str, object]", json.loads(file.read_bytes())))
