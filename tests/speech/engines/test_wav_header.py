import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollama_rx.speech.engines.wav_header import SampleReader

SAMPLES = bytes(range(1, 201))
RATE = 22_050


def chunk(name: bytes, content: bytes, *, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content


def wav_format(
    *, coding: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16, more: bytes = b""
) -> bytes:
    block = channels * bits // 8
    fields = struct.pack("<HHIIHH", coding, channels, rate, rate * block, block, bits)
    return chunk(b"fmt ", fields + more)


def wav(*chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WAVE" + b"".join(chunks)


PLAIN = wav(wav_format(), chunk(b"data", SAMPLES))
EXTENSIBLE = struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
READABLE = {
    "plain": PLAIN,
    "size of a pipe by espeak-ng": wav(wav_format(), chunk(b"data", SAMPLES, size=0x7FFF_F000)),
    "size 0": wav(wav_format(), chunk(b"data", SAMPLES, size=0)),
    "largest size": wav(wav_format(), chunk(b"data", SAMPLES, size=0xFFFF_FFFF)),
    "more bytes announced than sent": wav(wav_format(), chunk(b"data", SAMPLES, size=5_000)),
    "tags of ffmpeg first": wav(wav_format(), chunk(b"LIST", b"INFOISFT.."), chunk(b"data", SAMPLES)),
    "a chunk of odd size, padded": wav(wav_format(), chunk(b"note", b"abc") + b"\0", chunk(b"data", SAMPLES)),
    "tags last": wav(wav_format(), chunk(b"data", SAMPLES), chunk(b"LIST", b"INFO")),
    "rubbish last": PLAIN + b"xyz",
    "extensible": wav(wav_format(coding=0xFFFE, more=EXTENSIBLE), chunk(b"data", SAMPLES)),
    "two files": wav(wav_format(), chunk(b"data", SAMPLES[:80]))
    + wav(wav_format(), chunk(b"data", SAMPLES[80:])),
}


def read(data: bytes, cuts: list[int], rate: int | None = None) -> bytes:
    """Return the samples in ``data``, which arrives in pieces."""
    reader = SampleReader(rate)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [audio for start, stop in pairwise(places) for audio in reader.feed(data[start:stop])]
    reader.end()
    assert all(len(piece.pcm) % 2 == 0 and piece.rate == (rate or RATE) for piece in pieces)
    return b"".join(piece.pcm for piece in pieces)


CUTS = st.lists(st.integers(0, 400), max_size=20)


@pytest.mark.parametrize("kind", READABLE)
@settings(max_examples=20)
@given(cuts=CUTS)
def test_a_file_is_read_however_its_bytes_are_cut(kind: str, cuts: list[int]) -> None:
    assert read(READABLE[kind], cuts) == SAMPLES


@pytest.mark.parametrize("kind", READABLE)
def test_a_file_is_read_byte_by_byte(kind: str) -> None:
    data = READABLE[kind]
    assert read(data, list(range(len(data)))) == SAMPLES


@pytest.mark.parametrize("data", [SAMPLES, b"RIff", b"RIFFabcdWAV.", b"OggX"])
@settings(max_examples=20)
@given(cuts=CUTS)
def test_other_bytes_are_samples_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    assert read(data, cuts, rate=24_000) == data


def test_the_header_decides_about_the_rate() -> None:
    (audio,) = SampleReader(24_000).feed(PLAIN)
    assert (audio.pcm, audio.rate) == (SAMPLES, RATE)


def test_samples_are_returned_as_soon_as_they_are_complete() -> None:
    reader = SampleReader(8_000)
    assert [[audio.pcm for audio in reader.feed(data)] for data in (b"a", b"b", b"cde")] == [
        [],
        [b"ab"],
        [b"cd"],
    ]


def test_no_bytes_at_all_are_no_audio() -> None:
    assert read(b"", []) == b""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfb\x90 mp3", "does not begin with the header of a WAV file"),
        (b"RI", "ends within the header"),
        (PLAIN[:30], "ends within the header"),
        (PLAIN[:42], "ends within the header"),
        (wav(wav_format()) + b"LIST", "ends within the header"),
        (PLAIN[:-1], "ends within a sample"),
        (
            wav(wav_format(channels=2)),
            "has 2 channels, 2 bytes per sample and 22050 samples a second; expected 1",
        ),
        (wav(wav_format(bits=24)), "3 bytes per sample"),
        (wav(wav_format(bits=8)), "1 bytes per sample"),
        (wav(wav_format(rate=0)), "0 samples a second"),
        (wav(wav_format(coding=3, bits=32)), "holds format 3"),
        (wav(wav_format(coding=0xFFFE)), "holds format 65534"),
        (wav(chunk(b"fmt ", b"12")), "its format has 2 bytes"),
        (wav(chunk(b"data", SAMPLES)), "samples before their format"),
        (PLAIN + wav(wav_format(rate=8_000)), "changes from 22050 to 8000"),
    ],
)
@settings(max_examples=20)
@given(cuts=CUTS)
def test_what_cannot_be_played_is_refused(data: bytes, message: str, cuts: list[int]) -> None:
    with pytest.raises(ValueError, match=message):
        read(data, cuts)


@pytest.mark.parametrize("beginning", [b"ID3", b"OggS", b"fLaC"])
@pytest.mark.parametrize("cuts", [[], [1, 2, 3]])
def test_compressed_audio_is_not_played_as_samples(beginning: bytes, cuts: list[int]) -> None:
    with pytest.raises(ValueError, match=f"compressed file .{beginning.decode()}"):
        read(beginning + SAMPLES, cuts, rate=RATE)


def test_raw_audio_that_ends_within_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="ends within a sample"):
        read(b"abc", [], rate=8_000)
