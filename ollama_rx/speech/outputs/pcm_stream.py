"""Write the samples of speech to a file that is open."""

from io import RawIOBase, TextIOBase
from typing import Protocol

from ollama_rx.arguments import wrong_type
from ollama_rx.sinks._broken_pipe import stop_after_broken_pipe
from ollama_rx.speech.outputs._no_terminal import refuse_terminal
from ollama_rx.speech.outputs._speech_output import SpeechOutput


class BinaryFile(Protocol):
    """What is needed of a file."""

    def write(self, data: bytes, /) -> object:
        """Write all of the data; an unbuffered file (`RawIOBase`) may write a part and return its length."""
        ...

    def flush(self) -> object:
        """Pass on what was written."""
        ...


class PcmStream(SpeechOutput):
    """Writes raw samples (16-bit, signed, little-endian, one channel) to a binary file: a pipe, a socket.

    Each block is flushed; the file stays open. An interruption cannot call back what was written, which is
    never much behind a `Pacer`, and does not wake a file whose reader takes no more. If the reader of a pipe
    has exited, the voice stops without an error.

    ::

        player = subprocess.Popen(["aplay", "-q", "-f", "S16_LE", "-r", "24000"], stdin=subprocess.PIPE)
        deliver(sentences, Speech(output=Pacer(PcmStream(player.stdin)))).wait()

    Args:
        file: a binary file that is open for writing, not a terminal; it needs ``write`` and ``flush`` only.
    """

    def __init__(self, file: BinaryFile) -> None:
        _check_binary_file(file)
        refuse_terminal("file", file)
        self._file = file

    def write(self, pcm: bytes, /) -> None:
        """Write a block and flush it."""
        try:
            if isinstance(self._file, RawIOBase):
                _write_all(self._file, pcm)
            else:
                self._file.write(pcm)
            self._file.flush()
        except BrokenPipeError as error:
            raise stop_after_broken_pipe(self._file) from error


def _check_binary_file(file: object) -> None:
    if isinstance(file, TextIOBase) or not hasattr(file, "write"):
        raise wrong_type("file", "a binary file that is open for writing, such as sys.stdout.buffer", file)


def _write_all(file: RawIOBase, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # an unbuffered file may write a part only
        written = file.write(rest)
        if written is None:
            raise BlockingIOError("the file takes no more at the moment; a file that blocks is needed")
        rest = rest[written:]
