"""The engine espeak-ng: a robot's voice for more than a hundred languages, from a small program."""

import os
import re
import shutil
import subprocess
from collections.abc import Generator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from reactivex.disposable import Disposable, SingleAssignmentDisposable

from ollama_rx.arguments import check_between, check_text, wrong_value
from ollama_rx.errors import excerpt
from ollama_rx.speech.audio import Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.clean_text import clean_text
from ollama_rx.speech.engines.wav_header import SampleReader

_WORDS_PER_MINUTE = 175  # the default of espeak-ng
_SLOWEST, _FASTEST = 0.5, 4.0  # espeak-ng says nothing slower than 80 words a minute
_READ = 65_536  # bytes at most; a read returns what is there
_TO_INSTALL = (
    "EspeakNg needs the program espeak-ng: `sudo apt install espeak-ng` on Debian and Ubuntu, "
    "`brew install espeak-ng` on macOS, https://github.com/espeak-ng/espeak-ng/releases on Windows "
    "(add its folder to PATH)"
)
_UNKNOWN_VOICE = "Error: The specified espeak-ng voice does not exist"
# "[[" would begin phonemes instead of text.
_BEGINS_PHONEMES = re.compile(r"\[(?=\[)")


class EspeakNg(SpeechEngine):
    """Says text with espeak-ng, one process for each text.

    ``voice`` is a language such as "en", "de" or "pt-br", also with a variant ("en+f3"); `espeak-ng --voices`
    lists them. ``speed`` is a factor from 0.5 to 4, of 175 words a minute. The times of words are not known.

    A text whose synthesis is stopped ends without the rest of its audio.

    Raises:
        FileNotFoundError: the program is missing; the message says how to install it.
    """

    name = "espeak-ng"

    def __init__(self, voice: str = "en", *, speed: float = 1.0) -> None:
        check_text("voice", voice, "the name of a voice")
        check_between("speed", speed, _SLOWEST, _FASTEST, what="a factor")
        if not voice.isprintable() or not voice.strip():
            raise wrong_value("voice", "the name of a voice such as 'en'", voice)
        self._voice = voice
        self._words_per_minute = round(_WORDS_PER_MINUTE * speed)
        self._program()
        self._call = SingleAssignmentDisposable()

    def load(self) -> None:
        """Check that the program and the voice are there.

        Raises:
            FileNotFoundError: the program is missing.
            ValueError: espeak-ng does not have the voice.
            RuntimeError: espeak-ng failed.
        """
        if self.rate is None:
            for audio in self.synthesize("a"):
                self.rate = audio.rate
            if self.rate is None and not self._call.is_disposed:
                raise RuntimeError("espeak-ng gave no audio; does `espeak-ng hello` speak?")

    def synthesize(self, text: str, /) -> Generator[Audio, None, None]:
        """Yield the audio of a text as espeak-ng writes it; errors are those of `load`."""
        self._call = call = SingleAssignmentDisposable()
        return self._run(text, call)

    def stop(self) -> None:
        """Kill the process of the text that is being said."""
        self._call.dispose()

    def _run(self, text: str, call: SingleAssignmentDisposable) -> Generator[Audio, None, None]:
        reader = SampleReader()
        with TemporaryFile() as messages, self._start(messages) as process:
            call.disposable = Disposable(process.kill)  # at once, if this text was stopped already
            try:
                assert process.stdin is not None  # noqa: S101 - both are pipes
                assert process.stdout is not None  # noqa: S101
                with suppress(OSError), process.stdin as pipe:  # a process that failed says why when it ends
                    pipe.write(_BEGINS_PHONEMES.sub("[ ", clean_text(text)).encode())
                while data := os.read(process.stdout.fileno(), _READ):
                    yield from reader.feed(data)
                status = process.wait()
            finally:
                process.kill()
            if not call.is_disposed:
                if status:
                    raise self._failure(status, messages)
                reader.end()

    def _start(self, messages: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process. The text is never an argument, where it could be an option."""
        return subprocess.Popen(  # noqa: S603 - the only argument from outside is the value of an option
            [self._program(), "--stdin", "--stdout", "-b1", f"-s{self._words_per_minute}", "-v", self._voice],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,  # a file, which takes any amount while nobody reads it
            start_new_session=True,  # Ctrl-C is for the program that speaks, which then stops this process
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _program(self) -> str:
        program = shutil.which("espeak-ng")
        if program is None:
            raise FileNotFoundError(_TO_INSTALL)
        return program

    def _failure(self, status: int, messages: IO[bytes]) -> Exception:
        messages.seek(0)
        reason = " ".join(messages.read(_READ).decode("utf-8", "replace").split())
        if reason.startswith(_UNKNOWN_VOICE):
            return ValueError(
                f"espeak-ng does not have the voice {excerpt(repr(self._voice))}; `espeak-ng --voices` lists "
                "those it has"
            )
        return RuntimeError(
            f"espeak-ng ended with exit status {status}: {excerpt(reason) or 'no reason given'}"
        )
