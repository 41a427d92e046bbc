"""Choose what speaks an answer, and where it is heard: ``--engine``, ``--voice``, ``--out`` and so on."""

import os
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.terminal import usage_errors
from ollama_rx.errors import OllamaError
from ollama_rx.speech import SpeechEngine, SpeechOutput, WavFile
from ollama_rx.speech.outputs.loudspeaker import Loudspeaker
from ollama_rx.speech.outputs.wav_file import EMPTY_FILE_BYTES, check_wav_name

_KEY = "OLLAMA_RX_SPEECH_KEY"  # a variable of the environment
_OPENAI_MODEL, _OPENAI_VOICE = "tts-1", "alloy"  # OpenAI's first ones, which compatible servers accept


class NoVoiceError(OllamaError):
    """An engine of speech needs something that is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceOptions:
    """The voice, as it stands on the command line."""

    engine: str | None
    voice: str | None
    speed: float
    model: str | None

    def build(self, note: Callable[[str], object]) -> SpeechEngine:
        """Return the engine; without a name hibari, or else espeak-ng, after a note that says so.

        Raises:
            NoVoiceError: the engine's extra is not installed; the message has the command.
            FileNotFoundError: the program espeak-ng is missing.
        """
        names = {"url": "--engine", "engine": "--engine", "voice": "--voice", "speed": "--speed"}
        with usage_errors(names | {"model": "--speech-model", "key": _KEY}):
            try:
                return self._engine("hibari" if self.engine is None else self.engine)
            except ImportError as error:
                if self.engine is not None or not shutil.which("espeak-ng"):
                    raise NoVoiceError(str(error)) from error
                note(f"espeak-ng speaks, because {error}")
                return self._engine("espeak-ng")

    def _engine(self, name: str) -> SpeechEngine:
        if name.startswith(("http://", "https://")):
            return self._openai_endpoint(name)
        self._refuse("model", self.model, name)
        if name.startswith(("tcp://", "unix://")):
            return self._wyoming(name)
        if name == "hibari":
            from ollama_rx.speech.engines.hibari import Hibari  # noqa: PLC0415 - an extra

            return Hibari(self._voice_or("heart"), speed=self.speed)
        if name == "piper":
            from ollama_rx.speech.engines.piper import Piper  # noqa: PLC0415 - an extra

            return Piper(self.voice, speed=self.speed)
        if name == "espeak-ng":
            from ollama_rx.speech.engines.espeak_ng import EspeakNg  # noqa: PLC0415 - rarely needed

            return EspeakNg(self._voice_or("en"), speed=self.speed)
        raise ValueError(
            f"engine: expected hibari, piper, espeak-ng, or a URL with http or tcp, got {name!r}"
        )

    def _openai_endpoint(self, url: str) -> SpeechEngine:
        from ollama_rx.speech.engines.openai_endpoint import OpenAiEndpoint  # noqa: PLC0415 - rarely needed

        return OpenAiEndpoint(
            url,
            model=_OPENAI_MODEL if self.model is None else self.model,
            voice=self._voice_or(_OPENAI_VOICE),
            key=os.environ.get(_KEY) or None,  # never an option: all users can see a command line
            speed=self.speed,
        )

    def _wyoming(self, url: str) -> SpeechEngine:
        from ollama_rx.speech.engines.wyoming import Wyoming  # noqa: PLC0415 - an extra

        self._refuse("speed", None if self.speed == 1 else self.speed, url)
        return Wyoming(url, voice=self.voice)

    def _voice_or(self, default: str) -> str:
        return default if self.voice is None else self.voice

    def _refuse(self, argument: str, given: object, engine: str) -> None:
        if given is not None:
            raise ValueError(f"{argument}: {engine} has no such setting")


@contextmanager
def open_output(out: str | None, note: Callable[[str], object]) -> Generator[SpeechOutput]:
    """Yield the file ``out``; without one the loudspeaker, or else a new file, after a note that says so.

    Raises:
        OSError: the file cannot be written.
    """
    if out is not None:
        yield WavFile("/dev/stdout" if out == "-" else out)
    elif missing := Loudspeaker.unavailable():
        path = _make_file()
        note(f"speaking into {path}: {printable(missing)}")
        try:
            yield WavFile(path)
        finally:
            _remove_empty(path)
    else:
        yield Loudspeaker()


def check_output(out: str | None) -> None:
    """Refuse what cannot be meant as a WAV file; ``-`` is standard output, which takes one too."""
    if out is None:
        return
    if not out:
        raise ValueError("out: the name of the file is empty")
    if out == "-" and sys.stdout.isatty():
        raise ValueError("out: standard output is a terminal, which cannot take audio; pipe it to a program")
    check_wav_name("out", out)


def _make_file() -> Path:
    """Make answer.wav in the current directory, or answer-2.wav if there is one, and so on."""
    names = chain(("answer.wav",), (f"answer-{number}.wav" for number in count(2)))
    return next(path for path in map(Path, names) if _make(path))


def _make(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _remove_empty(path: Path) -> None:
    """Remove the file if nothing was spoken, because the model could not be asked, for instance."""
    with suppress(OSError):
        if path.stat().st_size <= EMPTY_FILE_BYTES:
            path.unlink()
