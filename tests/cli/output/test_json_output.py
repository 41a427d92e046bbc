"""With `--json` standard output has objects of JSON, one a line, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ollama_rx.cli.output.json_output import json_lines, print_json
from tests.cli.pseudo_terminal import PseudoTerminal

ROOT = Path(__file__).parents[3]


def test_an_object_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "two\nlines", "size": 5, "context_length": None})
    assert capsys.readouterr().out == '{"name":"two\\nlines","size":5,"context_length":null}\n'


def test_objects_of_a_stream_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    with json_lines() as lines:
        lines.on_next({"status": "pulling manifest"})
        lines.on_next({"status": "success"})
    assert capsys.readouterr().out == '{"status":"pulling manifest"}\n{"status":"success"}\n'


def test_a_closed_pipe_is_ignored() -> None:
    program = (
        "import sys; sys.stdin.read(); "
        "from ollama_rx.cli.output.json_output import print_json; print_json({'a': 1})"
    )
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (err, process.returncode) == (b"", 0)


def test_on_a_terminal_a_server_cannot_control_it_and_the_values_stay() -> None:
    program = r"from ollama_rx.cli.output.json_output import print_json; print_json({'a': '\x9b2J\u202e'})"
    with PseudoTerminal(program=program) as terminal:
        assert terminal.finish() == 0
        assert terminal.written == '{"a":"\\u009b2J\\u202e"}\n'
        assert json.loads(terminal.written) == {"a": "\x9b2J\u202e"}
