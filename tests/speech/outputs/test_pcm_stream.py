"""Raw samples go to a file that is open."""

import io
import os
import socket
import subprocess
import sys
from typing import Any

import pytest

from ollama_rx.sinks import StopSink
from ollama_rx.speech import PcmStream


def test_the_samples_are_in_the_file_which_stays_open() -> None:
    file = io.BytesIO()
    output = PcmStream(file)
    for _ in range(2):
        output.start(24_000)
        output.write(b"abcd")
        output.write(b"ef")
        output.drain()
        output.close()
    assert file.getvalue() == b"abcdefabcdef"


def test_each_block_is_flushed() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file, os.fdopen(reading, "rb", 0) as reader:
        PcmStream(file).write(b"abcd")
        assert reader.read(100) == b"abcd"


def test_a_socket_can_be_written_to() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("wb") as file, ours.makefile("wb", buffering=0) as raw:
        PcmStream(file).write(b"abcd")
        assert theirs.recv(100) == b"abcd"
        PcmStream(raw).write(b"ef")
        assert theirs.recv(100) == b"ef"


def test_a_block_is_completed_after_a_partial_write() -> None:
    class PartialWriter(io.RawIOBase):
        written = b""

        def write(self, data: Any, /) -> int:
            self.written += bytes(data[:3])
            return len(data[:3])

    file = PartialWriter()
    PcmStream(file).write(b"abcdefgh")
    assert file.written == b"abcdefgh"


def test_a_file_that_never_blocks_is_an_error_when_it_is_full() -> None:
    class Full(io.RawIOBase):
        def write(self, _: Any, /) -> None:
            return None

    with pytest.raises(BlockingIOError, match="a file that blocks is needed"):
        PcmStream(Full()).write(b"ab")


def test_a_file_of_the_users_own_needs_only_write_and_flush() -> None:
    class Blocks:
        written = b""

        def write(self, data: bytes) -> None:
            self.written += data

        def flush(self) -> None:
            self.written += b"!"

    file = Blocks()
    PcmStream(file).write(b"ab")
    assert file.written == b"ab!"


def test_a_broken_pipe_stops_the_voice_without_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", 0) as file, pytest.raises(StopSink):
        PcmStream(file).write(b"ab")


def test_after_a_broken_standard_output_the_interpreter_exits_quietly() -> None:
    program = (
        "import sys; from ollama_rx.sinks import StopSink; from ollama_rx.speech import PcmStream\n"
        "sys.stdin.read(); output = PcmStream(sys.stdout.buffer)\n"
        "try: output.write(b'abcd')\n"
        "except StopSink: pass"
    )
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(timeout=30)  # closes the standard input, which starts the writing
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_is_refused() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb") as terminal:
        message = r"^file: expected a file or a pipe, got a terminal; pipe it to a player$"
        with pytest.raises(ValueError, match=message):
            PcmStream(terminal)


@pytest.mark.parametrize(
    ("file", "got"), [("answer.pcm", "str"), (io.StringIO(), "StringIO"), (None, "NoneType")]
)
def test_what_is_not_a_binary_file_is_refused(file: Any, got: str) -> None:
    with pytest.raises(
        TypeError,
        match=f"^file: expected a binary file .* for writing, such as sys.stdout.buffer, got {got}$",
    ):
        PcmStream(file)
