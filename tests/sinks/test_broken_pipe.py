"""A reader that exits, as in `| head`, causes no error."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from reactivex import of

from ollama_rx import deliver
from ollama_rx.sinks import Collector, JsonLines


@pytest.fixture
def broken() -> Iterator[BinaryIO]:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError), os.fdopen(writing, "wb") as file:
        yield file


@pytest.mark.parametrize("flush", [True, False])
def test_json_lines_stop_at_a_broken_pipe_and_the_other_sinks_continue(
    broken: BinaryIO,
    flush: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    others = Collector[str]()
    deliver(of("One", "Two"), JsonLines(broken, flush=flush), others).wait()
    assert others.items == ["One", "Two"]


@pytest.mark.parametrize("sink", ["Console()", "JsonLines(sys.stdout.buffer)"])
def test_the_interpreter_exits_quietly_after_a_broken_pipe(sink: str) -> None:
    program = (
        "import sys; from reactivex import of; from ollama_rx import deliver; "
        "from ollama_rx.sinks import Console, JsonLines; "
        f"sys.stdin.read(); deliver(of('One', 'Two'), {sink}).wait()"
    )
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(timeout=30)  # closes the standard input, which starts the delivery
    assert (process.returncode, errors) == (0, b"")
