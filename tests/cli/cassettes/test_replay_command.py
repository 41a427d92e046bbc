"""`ollama-rx replay` answers from a cassette, and says which request is not in it."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pytest
from typer.testing import Result

from ollama_rx.testing.cassettes.cassette_file import CassetteWriter
from ollama_rx.testing.cassettes.recorded_exchange import End, RecordedExchange, RecordedLine, RecordedRequest
from tests.cli.cassettes.asking import asking
from tests.cli.conftest import CommandLine

LINES = [b'{"response":"Hel","done":false}\n', b'{"response":"lo","done":true}\n']


def write(cassette: Path, *, every: float = 0.0, end: End = "complete", status: int | None = 200) -> None:
    writer = CassetteWriter(cassette, texts=True)
    exchange = RecordedExchange(
        RecordedRequest("POST", "/api/generate", {"model": "m", "prompt": "Hi"}),
        status=status,
        content_type="application/x-ndjson",
        lines=[RecordedLine(every * number, line) for number, line in enumerate(LINES, start=1)],
        end=end,
        end_ms=3 * every,
        error="" if end == "complete" else "ConnectError",
        reason="[Errno 111] Connection refused",
    )
    if end != "complete":
        exchange.lines.pop()
    if status is None:
        exchange.lines.clear()
    writer.write(exchange, "2026-11-27T12:00:00Z")
    writer.close()


def test_a_command_gets_what_was_recorded(
    command_line: CommandLine, cassette: Path, answer_file: Path
) -> None:
    write(cassette)
    result = command_line("replay", cassette, "--", *asking(answer_file, code=7))
    assert (result.exit_code, result.output) == (7, "")
    assert answer_file.read_bytes() == b"".join(LINES) + b"end"


@pytest.mark.parametrize("words", [("--speed", "100000"), ("--at-once",)])
def test_the_pace_is_an_option(
    command_line: CommandLine, cassette: Path, answer_file: Path, words: tuple[str, ...]
) -> None:
    write(cassette, every=3_600_000)
    assert command_line("replay", cassette, *words, "--", *asking(answer_file)).exit_code == 0
    assert answer_file.read_bytes() == b"".join(LINES) + b"end"


def test_without_a_command_it_replays_until_ctrl_c(run_until: Callable[..., Result], cassette: Path) -> None:
    write(cassette)
    received: list[bytes] = []

    def use(url: str) -> None:
        body = {"model": "m", "prompt": "Hi", "stream": True}
        received.append(httpx.post(f"{url}/api/generate", json=body, trust_env=False).content)

    result = run_until("replay", str(cassette), use=use, end=signal.SIGINT)
    assert result.exit_code == 130
    assert result.stderr.startswith(f"{cassette} answers any Ollama client that has OLLAMA_HOST=http://127.")
    assert received == [b"".join(LINES)]


def test_a_stream_that_broke_breaks_at_the_port(
    command_line: CommandLine, cassette: Path, answer_file: Path
) -> None:
    write(cassette, end="broken")
    command_line("replay", cassette, "--", *asking(answer_file))
    assert answer_file.read_bytes() == LINES[0] + b"cut"


def test_a_server_that_was_not_reached_is_not_reached_again(
    command_line: CommandLine, cassette: Path, answer_file: Path
) -> None:
    write(cassette, end="broken", status=None)
    command_line("replay", cassette, "--", *asking(answer_file))
    status, _, body = answer_file.read_bytes().partition(b" ")
    expected = {"error": "cannot reach http://recorded.server: Connection refused"}
    assert (status, orjson.loads(body)) == (b"502", expected)


def test_a_request_that_is_not_in_the_cassette_is_told_and_answered(
    command_line: CommandLine, cassette: Path, answer_file: Path
) -> None:
    write(cassette)
    result = command_line("replay", cassette, "--", *asking(answer_file, "Ho"))
    words = (
        f"cassette {cassette}: no POST /api/generate in it is like this one; "
        "the nearest has prompt 'Hi' where this has 'Ho'"
    )
    assert result.stderr == f"ollama-rx: {words}\n"
    status, _, body = answer_file.read_bytes().partition(b" ")
    assert (status, orjson.loads(body)) == (b"501", {"error": words})


@pytest.mark.parametrize("code", [0, 1])
def test_a_note_says_that_the_command_sent_no_request(
    command_line: CommandLine, cassette: Path, code: int
) -> None:
    write(cassette)
    result = command_line("replay", cassette, "--", sys.executable, "-c", f"raise SystemExit({code})")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("ollama-rx: nothing was asked at http://127.0.0.1:")
    assert result.stderr.endswith("; does the command use OLLAMA_HOST?\n")


def test_there_is_no_note_about_a_command_that_a_signal_ended(
    command_line: CommandLine, cassette: Path
) -> None:
    write(cassette)
    result = command_line(
        "replay", cassette, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"
    )
    assert (result.exit_code, result.output) == (143, "")


def test_two_paces_are_a_usage_error(command_line: CommandLine, cassette: Path) -> None:
    result = command_line("replay", cassette, "--speed", "2", "--at-once", "--", "true")
    assert result.exit_code == 2
    assert "Invalid value for --speed: give a factor or --at-once, not both" in result.stderr


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf"])
def test_an_invalid_speed_is_a_usage_error(command_line: CommandLine, cassette: Path, speed: str) -> None:
    write(cassette)
    result = command_line("replay", cassette, "--speed", speed, "--", "true")
    assert result.exit_code == 2
    assert "Invalid value for --speed: expected a number above 0, got" in result.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "it cannot be read: No such file or directory"),
        ("hello", 'it is not a cassette: its first line is not {"cassette": 1, ...}'),
        ('{"cassette":1}\n{broken\n{}\n', "line 2 is not JSON"),
        ('{"cassette":1}\n{}\n', "line 2 is not an entry of a cassette"),
        ('{"cassette":9}\n', "it has version 9; this version of ollama_rx reads 1"),
    ],
)
def test_a_file_that_is_not_a_cassette_is_an_error(
    command_line: CommandLine, cassette: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        cassette.write_text(content)
    result = command_line("replay", cassette, "--", "true")
    assert (result.exit_code, result.stderr) == (1, f"ollama-rx: cassette {cassette}: {reason}\n")
