"""Read samples out of the bytes of a pipe or a connection, with or without the header of a WAV file.

Source: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
"""

import struct
import sys
from collections.abc import Callable

from ollama_rx.speech.audio import BYTES_PER_SAMPLE, Audio

_FILE_HEADER = 12  # bytes: "RIFF", the size of the file, "WAVE"
_CHUNK_HEADER = 8  # bytes: name and size of a chunk
_PCM = 1
_EXTENSIBLE = 0xFFFE  # the real format follows in the chunk
_EXTENSIBLE_SIZE = 26  # bytes up to the end of that format
_FORMAT_SIZES = range(16, 65)
_RATES = range(1_000, 384_001)

# A program that writes to a pipe does not know the size of its file. It announces 0, or about 2 or 4 GiB,
# which would be 12 hours of audio.
_MADE_UP_SIZE = 0x7FFF_F000

# How files begin that would be loud noise if they were played as samples: some servers send them whatever
# they are asked for, and call them "application/octet-stream". An MP3 without a tag begins like samples.
_COMPRESSED = (b"ID3", b"OggS", b"fLaC")


class SampleReader:
    """Turns bytes that arrive in pieces into `Audio` with whole samples.

    If the bytes begin with the header of a WAV file, it says the rate; a file that announces a made-up size
    ends with the bytes, and another file may follow, as some servers send one for each sentence. Other bytes
    are samples at ``rate``; without a rate they are an error.

    >>> reader = SampleReader(rate=24_000)
    >>> [audio.pcm for data in (b"a", b"bc", b"d") for audio in reader.feed(data)]
    [b'ab', b'cd']
    """

    def __init__(self, rate: int | None = None) -> None:
        self._rate = rate
        self._rest = b""  # of a header that is incomplete, or half a sample
        self._remaining = 0  # bytes of the chunk that is read
        self._found = False  # samples, or the place where they begin
        self._step: Callable[[], bytes | None] = self._read_start

    def feed(self, data: bytes) -> list[Audio]:
        """Return the samples that are complete now, in one piece or none.

        Raises:
            ValueError: it is not one channel of 16-bit samples.
        """
        self._rest += data
        pieces: list[bytes] = []
        while self._rest and (pcm := self._step()) is not None:
            pieces.append(pcm)
        return self._audio(b"".join(pieces))

    def set_rate(self, rate: int) -> None:
        """Take the rate of the samples that follow.

        Raises:
            ValueError: it is another one than before.
        """
        if self._rate not in {None, rate}:
            raise ValueError(f"the rate of the audio changes from {self._rate} to {rate}")
        self._rate = rate

    def end(self) -> None:
        """Check that the bytes may end here.

        Raises:
            ValueError: they end within a sample or within the header.
        """
        if self._rest and self._step == self._read_samples:
            raise ValueError("the audio ends within a sample: it was cut, or its samples are not of 16 bits")
        if self._rest and not self._found:
            raise ValueError("the audio ends within the header of its WAV file")

    def _audio(self, pcm: bytes) -> list[Audio]:
        return [Audio(pcm, self._rate)] if pcm and self._rate is not None else []

    # Each step takes what it can from the rest. It returns the samples in it, or None if it needs more bytes.

    def _read_start(self) -> bytes | None:
        head = self._rest[:_FILE_HEADER]
        if not (b"RIFF".startswith(head[:4]) and b"WAVE".startswith(head[8:])):
            return self._read_other(head)
        if len(head) == _FILE_HEADER:
            self._rate = None  # the header says it
        return self._read_file_header()

    def _read_other(self, head: bytes) -> bytes | None:
        for beginning in _COMPRESSED:
            if head.startswith(beginning):
                raise ValueError(f"the audio is a compressed file ({beginning.decode()}); expected samples")
            if beginning.startswith(head):
                return None  # and wait for the rest
        return self._read_raw()

    def _read_raw(self) -> bytes:
        if self._rate is None:
            raise ValueError("the audio does not begin with the header of a WAV file")
        self._remaining, self._found, self._step = sys.maxsize, True, self._read_samples
        return b""

    def _read_file_header(self) -> bytes | None:
        if len(self._rest) < _FILE_HEADER:
            return None
        self._rest = self._rest[_FILE_HEADER:]
        self._step = self._read_chunk_header
        return b""

    def _read_chunk_header(self) -> bytes | None:
        if len(self._rest) < _CHUNK_HEADER:
            return None
        name, size = struct.unpack_from("<4sI", self._rest)
        if name == b"RIFF":
            return self._read_file_header()
        if name == b"fmt ":
            return self._read_format(size)
        self._rest = self._rest[_CHUNK_HEADER:]
        if name == b"data":
            if self._rate is None:
                raise ValueError("the WAV file is broken: it has samples before their format")
            is_made_up = size == 0 or size >= _MADE_UP_SIZE
            self._remaining, self._found = sys.maxsize if is_made_up else size, True
            self._step = self._read_samples
        else:
            self._remaining = size + size % 2  # chunks begin at even places
            self._step = self._skip
        return b""

    def _read_format(self, size: int) -> bytes | None:
        if size not in _FORMAT_SIZES:
            raise ValueError(f"the header of the WAV file is broken: its format has {size} bytes")
        if len(self._rest) < _CHUNK_HEADER + size:
            return None
        chunk, self._rest = self._rest[_CHUNK_HEADER:][:size], self._rest[_CHUNK_HEADER + size :]
        coding, channels, rate, bits = struct.unpack_from("<HHI6xH", chunk)
        if coding == _EXTENSIBLE and size >= _EXTENSIBLE_SIZE:
            (coding,) = struct.unpack_from("<H", chunk, _EXTENSIBLE_SIZE - 2)
        if coding != _PCM:
            raise ValueError(f"the WAV file holds format {coding}; expected 1, which is plain samples (PCM)")
        check_format(rate=rate, width=(bits + 7) // 8, channels=channels)
        self.set_rate(rate)
        return b""

    def _read_samples(self) -> bytes | None:
        size = min(len(self._rest), self._remaining)
        size -= size % BYTES_PER_SAMPLE
        pcm, self._rest = self._rest[:size], self._rest[size:]
        self._remaining -= size
        if self._remaining < BYTES_PER_SAMPLE:
            self._remaining, self._step = self._remaining % BYTES_PER_SAMPLE, self._skip
        return pcm if size else None

    def _skip(self) -> bytes:
        size = min(len(self._rest), self._remaining)
        self._rest = self._rest[size:]
        self._remaining -= size
        if self._remaining == 0:
            self._step = self._read_chunk_header
        return b""


def check_format(*, rate: int, width: int, channels: int) -> None:
    """Refuse audio that is not one channel of 16-bit samples; ``width`` is the bytes of a sample."""
    if (width, channels) != (BYTES_PER_SAMPLE, 1) or rate not in _RATES:
        raise ValueError(
            f"the audio has {channels} channels, {width} bytes per sample and {rate} samples a second; "
            f"expected 1 channel and {BYTES_PER_SAMPLE} bytes: set the server to that"
        )
