"""Write speech to a WAV file that is valid at any moment."""

import errno
import os
import stat
import struct
from contextlib import closing
from io import FileIO
from os import PathLike, fspath
from pathlib import Path

from ollama_rx.arguments import as_path, wrong_value
from ollama_rx.sinks._broken_pipe import stop_after_broken_pipe
from ollama_rx.speech.audio import BYTES_PER_SAMPLE
from ollama_rx.speech.outputs._fade_out import fade_bytes, fade_out
from ollama_rx.speech.outputs._no_terminal import refuse_terminal
from ollama_rx.speech.outputs._speech_output import SpeechOutput

# Source: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
EMPTY_FILE_BYTES = _HEADER.size
_HEADER_AFTER_SIZE = _HEADER.size - 8  # the size in the header's beginning counts what follows it
_PCM = 1
_PLACEHOLDER_RATE = 24_000  # of a new file, until the first speech tells its own
_OTHER_FORMATS = {".mp3", ".ogg", ".opus", ".flac", ".m4a", ".aac", ".mp4", ".webm"}
_UNKNOWN_SIZE = 0xFFFFFFFF  # what sox and ffmpeg write to a pipe, and read as "until the end"
_MAX_BYTES = _UNKNOWN_SIZE - 1 - _HEADER_AFTER_SIZE  # of samples


class WavFile(SpeechOutput):
    """Writes a WAV file with one channel of 16-bit samples.

    The file is valid at any moment, with all but the last half second of what was spoken: a process that is
    killed, or a player that opens the file meanwhile, loses no more than that. The speeches of several
    deliveries follow each other in the file; their rate must be the same. Where the listener has interrupted,
    the last 5 ms fade out.

    The path is opened at once, so that one that cannot be written is an error here. What an existing file
    holds is kept until the first audio comes, or the speech completes without any: then the file is an empty
    WAV file. A new file is one from the beginning.

    A path that cannot seek (a named pipe, ``/dev/stdout`` before ``| sox -t wav - answer.flac``) gets a WAV
    file for each delivery, with the size that means "until the end". If the reader of a pipe has exited, the
    voice stops without an error.

    Raises:
        ValueError: the name has the suffix of another format, such as "answer.mp3".
        OSError: the path cannot be written; also later, if a file exceeds the format's 4 GiB (a day).
    """

    block = 0.5  # half a second may be lost, and a block costs four system calls

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = as_path("path", path).absolute()
        check_wav_name("path", path)
        self._rate = 0
        self._size: int | None = None  # bytes of samples in the file; None before there is a header of ours
        self._can_seek = False
        self._last = b""  # the samples at the end of the file that would fade out
        self._is_cut = False
        self._file = self._open()
        refuse_terminal("path", self._file)
        status = os.fstat(self._file.fileno())
        self._is_new = stat.S_ISREG(status.st_mode) and status.st_size == 0
        if self._is_new:
            self._write_all(_header(_PLACEHOLDER_RATE, _HEADER_AFTER_SIZE, 0))

    def start(self, rate: int) -> None:
        """Prepare to continue the file of earlier speeches, or to begin one.

        Raises:
            ValueError: the file has another rate.
        """
        if self._file.closed:
            self._file = self._open()
        status = os.fstat(self._file.fileno())
        self._can_seek = stat.S_ISREG(status.st_mode)
        if self._size is not None and status.st_size < _HEADER.size + self._size:
            self._size = None  # it is another file than before, or a pipe
        if self._size is not None and rate != self._rate:
            raise ValueError(
                f"rate: expected {self._rate}, the rate of what {self._path} holds already, got {rate}; "
                "use another file"
            )
        self._rate = rate
        if self._is_new or status.st_size == 0:  # there is nothing to lose
            self._is_new = False
            self._begin()

    def write(self, pcm: bytes, /) -> None:
        """Append a block; the file is valid before, after, and at any moment between."""
        before = self._begin()
        if not self._can_seek:
            self._write_all(pcm)
            return
        size = before + len(pcm)
        if size > _MAX_BYTES:
            hours = _MAX_BYTES / BYTES_PER_SAMPLE / self._rate / 3600
            reason = f"a WAV file holds at most 4 GiB, {hours:.0f} hours at this rate; use another file"
            raise OSError(errno.EFBIG, reason, str(self._path))
        self._fade_out_if_cut()
        self._file.seek(_HEADER.size + before)
        self._write_all(pcm)
        self._write_header(size)  # last, because a header must not promise more than there is
        self._last = (self._last + pcm)[-fade_bytes(self._rate) :]

    def drain(self) -> None:
        """Make an empty WAV file of a speech without any audio."""
        self._begin()

    def stop(self) -> None:
        """Let what was written end softly; the thread that writes does it."""
        self._is_cut = True

    def close(self) -> None:
        """Close the file; the next speech continues it."""
        with closing(self._file):
            self._fade_out_if_cut()
            self._last = b""

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # it was opened, and nothing may have been spoken
            self._file.close()

    def _open(self) -> FileIO:
        """Open the path without emptying it, and without a buffer, whose content a kill would lose."""
        return FileIO(self._path, "w", opener=_open_to_keep)

    def _begin(self) -> int:
        """Replace what the file holds by an empty WAV file, unless that was done; return the size so far."""
        if self._size is None:
            self._write_header(0 if self._can_seek else None)
            if self._can_seek:
                self._file.truncate()
        return self._size or 0

    def _fade_out_if_cut(self) -> None:
        if self._is_cut:
            self._is_cut = False  # first: another thread may set it again
            if self._last:
                self._file.seek(_HEADER.size + (self._size or 0) - len(self._last))
                self._write_all(fade_out(self._last))
                self._last = b""

    def _write_header(self, size: int | None) -> None:
        """Write the header, in one call: so it is never there by halves."""
        if size is None:
            self._write_all(_header(self._rate, _UNKNOWN_SIZE, _UNKNOWN_SIZE))
        else:
            self._file.seek(0)
            self._write_all(_header(self._rate, _HEADER_AFTER_SIZE + size, size))
        self._size = size or 0

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:  # an unbuffered file may write a part only
                rest = rest[self._file.write(rest) :]
        except BrokenPipeError as error:
            raise stop_after_broken_pipe(self._file) from error


def check_wav_name(argument: str, path: str | PathLike[str]) -> None:
    """Refuse the name of a file of another audio format."""
    name = fspath(path)
    if Path(name).suffix.lower() in _OTHER_FORMATS:
        expected = "a name that ends in .wav, because only WAV files are written"
        raise wrong_value(argument, expected, name)


def _header(rate: int, file_size: int, size: int) -> bytes:
    rate_of_bytes = rate * BYTES_PER_SAMPLE
    sample = BYTES_PER_SAMPLE, BYTES_PER_SAMPLE * 8
    layout = b"fmt ", 16, _PCM, 1, rate, rate_of_bytes, *sample
    return _HEADER.pack(b"RIFF", file_size, b"WAVE", *layout, b"data", size)


def _open_to_keep(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o666)
