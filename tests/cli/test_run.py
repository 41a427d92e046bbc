"""`ollama-rx run`: the request, the sinks, the prompt, the options and the statistics."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from ollama_rx import Metrics, Stats
from ollama_rx.cli.run import format_stats, parse_options, read_prompt
from ollama_rx.testing import FakeOllama, answer, cut, endless, error_status, thinking
from tests.recording_sink import RecordingSink

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


def test_thinking_is_requested_and_shown_on_standard_error(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer(thinking("Hm"), thinking(", well."), "Yes", "."))
    result = command_line("run", "Really?", "--host", fake.url, "--thinking")
    assert (result.stdout, result.stderr) == ("Yes.\n", "Hm, well.\n")
    assert fake.requests[-1].json["think"] is True


def test_thinking_between_tags_is_shown_too(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("<thi", "nk>Hm</think>", "Yes."))
    result = command_line("run", "Really?", "--host", fake.url, "--thinking")
    assert (result.stdout, result.stderr) == ("Yes.\n", "Hm\n")


def test_thinking_that_was_not_requested_is_not_shown(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm"), "Yes."))
    result = command_line("run", "Really?", "--host", fake.url)
    assert (result.stdout, result.stderr) == ("Yes.\n", "")


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
    assert "ended by    error\n" in result.stderr


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

    monkeypatch.setattr("ollama_rx.cli.run.sink_from_uri", sink_from_uri)
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


@pytest.mark.parametrize("words", [["run"], ["run", "-"]])
def test_a_piped_prompt_is_read_to_its_end(
    command_line: CommandLine, fake: FakeOllama, words: list[str]
) -> None:
    result = command_line(*words, "--host", fake.url, input="Hello\nwörld\n")
    assert result.stdout == "Hello\nwörld\n"
    assert fake.requests[-1].json["prompt"] == "Hello\nwörld\n"


def test_a_prompt_on_the_command_line_leaves_standard_input_alone(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    assert command_line("run", "Hi", "--host", fake.url, input="not this").stdout == "Hi\n"


def test_invalid_bytes_in_a_piped_prompt_are_replaced_and_a_line_says_so(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    result = command_line("run", "--host", fake.url, input=b"a\xffb")
    assert fake.requests[-1].json["prompt"] == "a\ufffdb"
    assert (result.stdout, result.exit_code) == ("a\ufffdb\n", 0)
    assert result.stderr == "the prompt is not UTF-8: bytes that cannot be read are replaced by \ufffd\n"


def test_without_a_prompt_a_terminal_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(ValueError, match="give a prompt, or pipe one in"):
        read_prompt(None)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=1", 1),
        ("a=-1", -1),
        ("a=0.5", 0.5),
        ("a=1e-3", 0.001),
        ("a=true", True),
        ("a=False", False),
        ('a=["x", "y"]', ["x", "y"]),
        ('a={"b": 1}', {"b": 1}),
        ('a="1"', "1"),
        ("a=text", "text"),
        ("a=b=c", "b=c"),
        ("a=", ""),
        (" a = 1 ", 1),
        ("a=NaN", "NaN"),
    ],
)
def test_a_value_that_is_json_is_parsed(word: str, value: object) -> None:
    assert parse_options([word]) == {"a": value}
    assert type(parse_options([word])["a"]) is type(value)


def test_the_last_of_two_values_is_used() -> None:
    assert parse_options(["a=1", "a=2"]) == {"a": 2}


def _stats(metrics: Metrics | None, gap: float | None) -> Stats:
    return Stats(
        model="mine",
        ended_by="disposed",
        time_to_first_chunk=0.5,
        time_to_first_text=None if gap is None else 0.75,
        duration=2.0,
        gap_p50=gap,
        gap_p95=gap,
        gap_max=gap,
        chunks=3,
        characters=12,
        metrics=metrics,
        tokens_per_second=None,
        prompt_tokens_per_second=None if metrics is None else 1234.56,
    )


def test_unknown_figures_are_omitted() -> None:
    assert format_stats(_stats(None, None)).splitlines() == [
        "model     mine",
        "ended by  disposed",
        "duration  2.00 s",
        "text      12 characters in 3 chunks",
    ]


def test_known_figures_are_printed_with_their_units() -> None:
    metrics = Metrics(load_duration=0.25, prompt_eval_count=9, eval_count=4)
    assert format_stats(_stats(metrics, 0.0251)).splitlines() == [
        "model       mine",
        "ended by    disposed",
        "first text  0.75 s",
        "duration    2.00 s",
        "loading     0.25 s",
        "prompt      9 tokens, 1234.6 a second",
        "answer      4 tokens",
        "text        12 characters in 3 chunks",
        "gaps        25 ms between chunks (median), 95 % below 25 ms, at most 25 ms",
    ]
