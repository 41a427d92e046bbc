"""hibari: a small English voice that computes a sentence on one core in a hundredth of its duration."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, Self, cast

from ollama_rx.arguments import check_choice, check_positive, wrong_value
from ollama_rx.speech.audio import Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine

_SLOWEST, _FASTEST = 0.5, 2.0  # what hibari documents; below 25 ms a sound, its model gets no faster
_SEED = 0
_LOUDEST = 32_767
# A word of the lexicon, one that must be guessed, and numbers that are written out.
_WARM_UP = "Ready, zyqlix, at 7:30 on May 3rd with $1,250."


class _Samples(Protocol):
    """What is used of a numpy array."""

    def __mul__(self, factor: float, /) -> Self: ...
    def clip(self, least: float, most: float, /) -> Self: ...
    def astype(self, kind: str, /) -> Self: ...
    def tobytes(self) -> bytes: ...


class _HibariModel(Protocol):
    def stream(self, text: str, speed: float, seed: int) -> Iterator[_Samples]: ...


class _HibariModule(Protocol):
    def Hibari(self, *, voice: str, threads: int) -> _HibariModel: ...  # noqa: N802 - its name


class Hibari(SpeechEngine):
    """Speaks English with hibari-tts (24,000 samples a second), which the extra ``tts`` installs.

    ``voice`` is one of hibari's: "heart" comes with the package; the others (British ones too) are
    downloaded by hibari the first time they are loaded. ``speed`` is from 0.5 to 2.0. The same text always
    gives the same samples. Writing systems other than Latin are not spoken.

    Raises:
        ImportError: hibari-tts is not installed.
        ValueError: hibari has no such voice, or ``speed`` is out of range.
    """

    name = "hibari"
    rate = 24_000

    def __init__(self, voice: str = "heart", *, speed: float = 1.0) -> None:
        check_choice("voice", voice, _voices())
        check_positive("speed", speed)
        if not _SLOWEST <= speed <= _FASTEST:
            raise wrong_value("speed", f"a number from {_SLOWEST} to {_FASTEST}", speed)
        self._voice = voice
        self._speed = speed
        self._model: _HibariModel | None = None

    def load(self) -> None:
        """Import hibari, load the voice, and speak once; this takes about a second."""
        if self._model is None:
            hibari = cast(_HibariModule, import_module("hibari"))
            self._model = hibari.Hibari(voice=self._voice, threads=1)
            for _ in self._model.stream(_WARM_UP, self._speed, _SEED):
                pass

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        """Yield the audio of the sentences that hibari finds in the text."""
        self.load()
        for samples in cast(_HibariModel, self._model).stream(text, self._speed, _SEED):
            pcm = (samples * _LOUDEST).clip(-_LOUDEST, _LOUDEST).astype("<i2").tobytes()
            yield Audio(pcm, self.rate)

    def close(self) -> None:
        """Free the memory of the voice."""
        self._model = None


def _voices() -> Sequence[str]:
    """Read the names of the voices without importing hibari, which takes half a second."""
    package = find_spec("hibari")
    if package is None or package.origin is None:
        raise ImportError('Hibari needs hibari-tts: pip install "ollama-rx[tts]"')
    file = Path(package.origin).parent / "assets" / "voices.json"
    return tuple(cast("Mapping[str, object]", json.loads(file.read_bytes())))
