"""`ollama-rx run`: the request and the sinks."""

import wave
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from ollama_rx.testing import FakeOllama, answer, cut, endless, error_status
from tests.recording_sink import RecordingSink
from tests.speech.voices import RATE, Letters

CommandLine = Callable[..., Result]


def test_standard_output_gets_only_the_answer_and_a_newline(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("Hello", " world"))
    result = command_line("run", "Hi", "--host", fake.url)
    assert (result.stdout, result.stderr, result.exit_code) == ("Hello world\n", "", 0)


def test_the_request_contains_the_options(command_line: CommandLine, fake: FakeOllama) -> None:
    command_line(
        *("run", "Hi", "--host", fake.url, "--model", "mine", "--system", "Be short."),
        *("-o", "temperature=0", "-o", "num_predict=5", "--option", 'stop=["a", "b"]'),
    )
    (request,) = fake.requests
    assert request.path == "/api/generate"
    assert {name: request.json[name] for name in ("model", "prompt", "system", "options")} == {
        "model": "mine",
        "prompt": "Hi",
        "system": "Be short.",
        "options": {"temperature": 0, "num_predict": 5, "stop": ["a", "b"]},
    }
    assert "think" not in request.json


def test_without_options_none_are_sent(command_line: CommandLine, fake: FakeOllama) -> None:
    command_line("run", "Hi", "--host", fake.url, "--model", "mine")
    assert set(fake.requests[0].json) == {"model", "prompt", "stream"}


def test_a_stop_word_ends_the_answer_and_the_request(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("One, tw", "o, EN", "D", endless()))
    result = command_line("run", "Count", "--host", fake.url, "--stop", "END", "--stop", "STOP")
    assert (result.stdout, result.exit_code) == ("One, two, \n", 0)
    fake.wait_for_disconnect()


def test_each_sentence_is_on_its_own_line(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("It is blu", "e. Sunlight scat", "ters. Yes", "!"))
    result = command_line("run", "Why?", "--host", fake.url, "--sentences")
    assert result.stdout == "It is blue.\nSunlight scatters.\nYes!\n"


def test_statistics_are_printed_on_standard_error(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("run", "Hi you", "--host", fake.url, "--stats")
    assert result.stdout == "Hi you\n"
    figures = dict(line.split("  ", 1) for line in result.stderr.splitlines())
    assert figures["model"].strip() == "echo:latest"
    assert figures["answer"].strip() == "2 tokens, 50.0 a second"
    assert figures["text"].strip() == "6 characters in 3 chunks"


def test_statistics_are_printed_for_a_failed_answer_too(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("Hel", cut()))
    result = command_line("run", "Hi", "--host", fake.url, "--stats")
    assert (result.stdout, result.exit_code) == ("Hel\n", 1)
    assert "end         an error\n" in result.stderr


@pytest.mark.usefixtures("sinks")
def test_the_text_goes_to_every_named_sink(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    file = tmp_path / "answer.jsonl"
    fake.play(answer("One. ", "Two."))
    result = command_line(
        *("run", "Hi", "--host", fake.url, "--sentences", "--to", "console"),
        *("--to", f"jsonl:{file}", "--to", "shout:!"),
    )
    assert result.stdout == "One.\nONE.!\nTwo.\nTWO.!\n"
    assert [orjson.loads(line) for line in file.read_bytes().splitlines()] == ["One.", "Two."]


@pytest.mark.usefixtures("sinks")
@pytest.mark.parametrize(
    ("more", "printed"),
    [
        ((), "[It is blue,]\n[because of the air.]\n[Yes]\n"),  # the first piece may be a clause
        (("--sentences",), "[It is blue, because of the air.]\n[Yes]\n"),
    ],
)
def test_a_sink_that_takes_sentences_gets_each_of_them_once(
    command_line: CommandLine, fake: FakeOllama, more: tuple[str, ...], printed: str
) -> None:
    fake.play(answer("It is blu", "e, because of", " the air. Yes"))
    result = command_line("run", "Why?", "--host", fake.url, "--to", "tell", *more)
    assert (result.stdout, result.exit_code) == (printed, 0)


@pytest.mark.usefixtures("sinks")
def test_other_sinks_beside_it_get_the_text_as_it_arrives(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("It is blu", "e. Yes."))
    result = command_line("run", "Why?", "--host", fake.url, "--to", "shout:!", "--to", "tell")
    assert result.stdout == "IT IS BLU!\nE. YES.!\n[It is blue.]\n[Yes.]\n"


@pytest.mark.usefixtures("sinks")
def test_the_sentence_in_which_an_answer_breaks_off_is_not_lost(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("It is blue. Sunlight", cut()))
    result = command_line("run", "Why?", "--host", fake.url, "--to", "tell")
    assert (result.stdout, result.exit_code) == ("[It is blue.]\n[Sunlight]\n", 1)


@pytest.mark.parametrize("more", [(), ("--sentences",)])
def test_a_voice_speaks_sentences_into_a_file(
    command_line: CommandLine,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    more: tuple[str, ...],
) -> None:
    engine = Letters()
    monkeypatch.setattr("ollama_rx.speech.speech.Hibari", lambda: engine)
    file = tmp_path / "answer.wav"
    fake.play(answer("**It** is blu", "e. Ye", "s."))
    result = command_line("run", "Why?", "--host", fake.url, *more, "--to", f"speech:{file}")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)
    assert engine.texts == ["It is blue.", "Yes."]
    with wave.open(str(file)) as audio:
        assert audio.getnframes() > RATE


@pytest.mark.usefixtures("sinks")
def test_a_request_that_fails_leaves_the_file_as_it_is(
    command_line: CommandLine, fake: FakeOllama, unused_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "answer.jsonl"
    file.write_text('"an old answer"\n')
    fake.play(error_status(404))
    for host in (unused_url, fake.url):
        result = command_line("run", "Hi", "-m", "none", "--host", host, "--to", f"jsonl:{file}")
        assert result.exit_code == 1
        assert file.read_text() == '"an old answer"\n'


@pytest.mark.usefixtures("sinks")
def test_without_the_console_nothing_is_printed(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "--to", f"jsonl:{tmp_path / 'a'}")
    assert (result.stdout, result.exit_code) == ("", 0)


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [
        (["--model", "m"], ["next Hello", "completed", "close"]),
        (["--to", "unknown"], ["close"]),
        (["--host", "ftp://ollama.example"], ["close"]),
    ],
)
def test_a_sink_is_closed_once_even_if_nothing_is_sent_to_it(
    command_line: CommandLine,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    calls: list[str],
) -> None:
    sink = RecordingSink()

    def sink_from_uri(uri: str) -> RecordingSink:
        if uri == "record":
            return sink
        raise ValueError("no such sink")

    monkeypatch.setattr("ollama_rx.cli.ask.run.sink_from_uri", sink_from_uri)
    fake.play(answer("Hello"))
    command_line("run", "Hi", "--host", fake.url, "--to", "record", *arguments)
    assert sink.calls == calls


def test_control_characters_of_an_answer_do_not_reach_the_terminal(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("\x1b[2J\x07boo"))
    assert command_line("run", "Hi", "--host", fake.url).stdout == "\\x1b[2J\\x07boo\n"


def test_control_characters_of_an_error_do_not_reach_the_terminal(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(error_status(400, "\x1b]0;owned\x07"))
    result = command_line("run", "Hi", "--host", fake.url)
    assert "\x1b" not in result.stderr
    assert "\\x1b]0;owned" in result.stderr
    assert result.exit_code == 1
