"""A WAV file is valid whenever one looks at it."""

import os
import signal
import subprocess
import sys
import threading
import wave
from array import array
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from ollama_rx.sinks import StopSink, sink_from_uri
from ollama_rx.speech import WavFile
from ollama_rx.speech.outputs import wav_file

RATE = 24_000
ROOT = Path(__file__).parents[3]


def speak(output: WavFile, *blocks: bytes, rate: int = RATE) -> None:
    output.start(rate)
    for block in blocks:
        output.write(block)
    output.drain()
    output.close()


def samples(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        pcm: bytes = file.readframes(file.getnframes())
        assert len(pcm) == 2 * file.getnframes(), "the header promises more than there is"
        return pcm


def test_the_blocks_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    speak(WavFile(path), b"abcd", b"ef")
    assert samples(path) == b"abcdef"
    assert path.stat().st_size == 44 + 6


def test_a_path_may_be_text_and_stays_the_same_if_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = WavFile("answer.wav")
    speak(output, b"ab")
    monkeypatch.chdir("/")
    speak(output, b"cd")
    assert samples(tmp_path / "answer.wav") == b"abcd"


def test_a_block_is_in_the_file_before_the_next_one_comes(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    output.start(RATE)
    assert samples(path) == b""
    output.write(b"abcd")
    assert samples(path) == b"abcd"
    output.write(b"ef")
    assert samples(path) == b"abcdef"
    output.close()


def test_what_is_cut_fades_out_within_5_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output, loud = WavFile(path), array("h", [1000])
    output.start(RATE)
    output.write((loud * 240).tobytes())
    output.write((loud * 10).tobytes())
    output.stop()
    output.write((loud * 240).tobytes())
    output.stop()
    output.close()
    fade = [1000 * left // 120 for left in range(120, 0, -1)]
    assert list(array("h", samples(path))) == [1000] * 130 + fade + [1000] * 120 + fade


def test_a_cut_before_or_after_a_speech_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    speak(output, b"abcd")
    output.stop()
    speak(output, b"efgh")
    assert samples(path) == b"abcdefgh"


class Watched(FileIO):
    """Looks at the file after each call that changes it; writes in small parts."""

    looks = 0

    def look(self) -> None:
        samples(Path(self.name))
        self.looks += 1

    def write(self, data: Any, /) -> int:
        written = super().write(data if len(data) == 44 else data[:5])
        self.look()
        return written

    def truncate(self, size: int | None = None, /) -> int:
        length = super().truncate(size)
        self.look()
        return length


@pytest.mark.parametrize("old", [b"", b"an older file, which is longer than a header and its samples" * 9])
def test_the_file_is_valid_after_each_system_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes
) -> None:
    path = tmp_path / "answer.wav"
    path.write_bytes(old)
    monkeypatch.setattr(wav_file, "FileIO", Watched)
    output = WavFile(path)
    output.start(RATE)
    output.write(b"twelve bytes")
    output.write(b"four")
    assert isinstance(output._file, Watched)
    assert output._file.looks == 8 + (not old)  # a new file gets a header at once
    output.close()
    assert samples(path) == b"twelve bytesfour"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("blocks", [1, 3, 50])
def test_a_killed_process_leaves_a_valid_file_with_all_blocks_but_the_last(
    tmp_path: Path, blocks: int
) -> None:
    path = tmp_path / "answer.wav"
    program = (
        "import sys; from ollama_rx.speech import WavFile; "
        "output = WavFile(sys.argv[1]); output.start(24_000); block = bytes(24_000)\n"
        "while True: output.write(block); print(flush=True)"
    )
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, path],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        for _ in range(blocks):
            assert process.stdout.readline() == b"\n"
        process.send_signal(signal.SIGKILL)
        finished = blocks + len(process.stdout.read())
    size = len(samples(path))
    assert size in (finished * 24_000, (finished + 1) * 24_000)


def test_speeches_follow_each_other_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    for block in (b"ab", b"cd", b"ef"):
        speak(output, block)
    assert samples(path) == b"abcdef"


def test_another_rate_is_refused_and_the_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    speak(output, b"ab")
    with pytest.raises(
        ValueError,
        match=r"^rate: expected 24000, the rate of what .*answer\.wav holds already, got 22050; use",
    ):
        output.start(22_050)
    output.close()
    assert samples(path) == b"ab"


def test_a_file_that_was_removed_meanwhile_is_begun_anew_with_any_rate(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    speak(output, b"abcd", rate=22_050)
    path.unlink()
    speak(output, b"ef")
    assert samples(path) == b"ef"


def test_an_old_file_stays_until_the_first_audio_comes(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    path.write_bytes(b"an older file, which is much longer than the header" * 2)
    output = WavFile(path)
    output.start(RATE)
    assert path.read_bytes().startswith(b"an older file")
    output.write(b"ab")
    assert samples(path) == b"ab"
    assert path.stat().st_size == 46
    output.close()


def test_a_speech_that_breaks_off_before_its_first_audio_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    path.write_bytes(b"old")
    output = WavFile(path)
    output.start(RATE)
    output.close()
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("old", [b"", b"old"])
def test_a_speech_without_any_audio_leaves_an_empty_wav_file(tmp_path: Path, old: bytes) -> None:
    path = tmp_path / "answer.wav"
    path.write_bytes(old)
    speak(WavFile(path))
    assert samples(path) == b""


def test_a_speech_without_any_audio_adds_nothing_to_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    speak(output, b"ab")
    speak(output)
    assert samples(path) == b"ab"


def test_a_new_file_is_an_empty_wav_file_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    assert samples(path) == b""
    speak(output, b"ab", rate=RATE)
    assert samples(path) == b"ab"


def voice_of_uri(name: str) -> object:
    return sink_from_uri(f"speech:{name}")


@pytest.mark.parametrize("build", [WavFile, voice_of_uri])
def test_the_name_of_another_format_is_refused(build: Callable[[str], object]) -> None:
    message = r"path: expected a name that ends in \.wav, because only WAV files are written, got 'x\.mp3'$"
    with pytest.raises(ValueError, match=message):
        build("x.mp3")


def test_a_path_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        WavFile(tmp_path)
    with pytest.raises(TypeError, match=r"^path: expected a path, got bytes$"):
        WavFile(b"answer.wav")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_is_refused() -> None:
    ours, theirs = os.openpty()
    message = r"^path: expected a file or a pipe, got a terminal; pipe it to a player$"
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb"), pytest.raises(ValueError, match=message):
        WavFile(os.ttyname(theirs))


def test_an_output_that_is_never_used_closes_its_file(tmp_path: Path) -> None:
    WavFile(tmp_path / "answer.wav")  # a warning about an open file would be an error


def test_more_than_the_format_can_hold_is_a_clear_error_and_what_is_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav_file, "_MAX_BYTES", 4)
    path = tmp_path / "answer.wav"
    output = WavFile(path)
    output.start(RATE)
    output.write(b"abcd")
    with pytest.raises(
        OSError, match=r"a WAV file holds at most 4 GiB, .* use another file: '.*answer\.wav'$"
    ):
        output.write(b"ef")
    output.close()
    assert samples(path) == b"abcd"


def test_the_longest_file_fits_into_the_header() -> None:
    longest = wav_file._MAX_BYTES
    assert longest % 2 == 0
    header = wav_file._header(RATE, 36 + longest, longest)
    assert header[4:8] == (0xFFFFFFFE).to_bytes(4, "little")
    assert header[40:] == (0xFFFFFFFE - 36).to_bytes(4, "little")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_gets_one_header_for_each_speech_with_unknown_sizes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []

    def start_reader() -> threading.Thread:
        reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
        reader.start()
        return reader

    reader = start_reader()
    output = WavFile(path)
    speak(output, b"abcd", b"ef")
    reader.join(5)
    reader = start_reader()
    speak(output, b"gh", rate=22_050)
    reader.join(5)
    assert [data[44:] for data in received] == [b"abcdef", b"gh"]
    assert [data[:8] for data in received] == [b"RIFF\xff\xff\xff\xff"] * 2
    assert [data[40:44] for data in received] == [b"\xff\xff\xff\xff"] * 2
    assert [int.from_bytes(data[24:28], "little") for data in received] == [RATE, 22_050]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_whose_reader_has_exited_stops_the_voice_without_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    output = WavFile(path)
    output.start(RATE)
    os.close(reader)
    with pytest.raises(StopSink):
        output.write(b"ab")
    output.close()


def test_a_device_is_written_to_although_it_cannot_be_emptied() -> None:
    speak(WavFile(os.devnull), b"ab")
