"""What is said about an answer: how it ended, what is missing, and the statistics."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx import Metrics, SinkError, Stats
from ollama_rx.cli.ask.answer_report import AnswerReport, format_stats
from ollama_rx.sinks import Collector
from ollama_rx.stats import EndedBy
from ollama_rx.testing import FakeOllama, Reply, answer, endless, midstream_error, thinking, tool_call
from tests.cli.pseudo_terminal import run_in_terminal

CommandLine = Callable[..., Result]
THOUGHTS_CUT = "no answer: thoughts used up the token limit, which -o num_predict raises"


def _stats(
    metrics: Metrics | None = None, gap: float | None = None, *, ended_by: EndedBy = "disposed"
) -> Stats:
    return Stats(
        model="mine",
        ended_by=ended_by,
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
    assert format_stats(_stats(None, None), "interrupted").splitlines() == [
        "model     mine",
        "end       interrupted",
        "duration  2.00 s",
        "text      12 characters in 3 chunks",
    ]


def test_one_is_singular() -> None:
    stats = replace(_stats(Metrics(eval_count=1)), characters=1, chunks=1)
    assert format_stats(stats, "token limit").splitlines()[-2:] == [
        "answer    1 token",
        "text      1 character in 1 chunk",
    ]


def test_known_figures_are_printed_with_their_units() -> None:
    metrics = Metrics(load_duration=0.25, prompt_eval_count=9, eval_count=4)
    assert format_stats(_stats(metrics, 0.0251), "token limit").splitlines() == [
        "model       mine",
        "end         token limit",
        "first text  0.75 s",
        "duration    2.00 s",
        "loading     0.25 s",
        "prompt      9 tokens, 1234.6 a second",
        "answer      4 tokens",
        "text        12 characters in 3 chunks",
        "gaps        25 ms between chunks (median), 95 % below 25 ms, at most 25 ms",
    ]


@pytest.mark.parametrize(
    ("ended_by", "error", "words"),
    [
        ("stop", None, "the model finished"),
        ("length", None, "token limit"),
        ("load", None, "the model was only loaded"),
        ("unload", None, "the model was unloaded"),
        ("error", ValueError(), "an error"),
        ("disposed", KeyboardInterrupt(), "interrupted"),
        ("disposed", SinkError(Collector[str](), "out of paper"), "a sink failed"),
        ("disposed", None, "the output was closed"),
        ("stop", KeyboardInterrupt(), "the model finished"),
    ],
)
def test_the_end_is_said_in_words(ended_by: EndedBy, error: BaseException | None, words: str) -> None:
    assert AnswerReport(stats=_stats(ended_by=ended_by), error=error).end() == words


def test_without_statistics_nothing_is_said_to_be_missing() -> None:
    assert AnswerReport().missing() is None


def test_a_stop_word_of_an_option_is_not_mistaken_for_the_end_of_the_model() -> None:
    report = AnswerReport(stats=_stats(ended_by="stop"), stop_option=True)
    assert report.end() == "the model finished, or met a stop word of -o stop"


def test_a_stop_word_is_named(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("One, tw", "o, EN", "D", endless()))
    result = command_line("run", "Count", "--host", fake.url, "--stop", "ND", "--stop", "END", "--stats")
    assert result.stdout == "One, two, \n"
    assert 'end         stop word "END"\n' in result.stderr


@pytest.mark.parametrize(
    ("reply", "options", "words"),
    [
        (answer(), (), "the answer is empty"),
        (answer(" ", "\n"), (), "the answer is empty"),
        (answer(done_reason="length"), (), "no answer: the token limit was reached before it began"),
        (
            answer(thinking("Hm"), thinking("."), done_reason="length"),
            (),
            f"{THOUGHTS_CUT}; --thinking shows them",
        ),
        (answer(thinking("Hm")), (), "no answer: only thoughts; --thinking shows them"),
        (
            answer(tool_call("weather", {"city": "Oslo"}), tool_call("time")),
            (),
            "no answer: the model only called tools (weather, time)",
        ),
        (
            answer("END of it", endless()),
            ("--stop", "END"),
            'no answer: the model began with the stop word "END"',
        ),
        (
            answer('{"name": ', done_reason="length"),
            ("--format", "json"),
            "the token limit cut the answer, so its JSON is incomplete",
        ),
    ],
)
def test_an_answer_that_shows_nothing_is_explained(
    command_line: CommandLine, fake: FakeOllama, *, reply: Reply, options: tuple[str, ...], words: str
) -> None:
    fake.play(reply)
    result = command_line("run", "Hi", "--host", fake.url, *options)
    assert (result.stderr, result.exit_code) == (words + "\n", 0)


def test_shown_thoughts_are_not_advertised(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), done_reason="length"))
    result = command_line("run", "Hi", "--host", fake.url, "--thinking")
    assert result.stdout == ""
    assert result.stderr == f"Hm.\n{THOUGHTS_CUT}\n"


@pytest.mark.parametrize("reply", [answer("Yes."), answer("Yes", done_reason="length")])
def test_nothing_is_said_about_an_answer_that_is_there(
    command_line: CommandLine, fake: FakeOllama, reply: Reply
) -> None:
    fake.play(reply)
    assert command_line("run", "Hi", "--host", fake.url).stderr == ""


def test_an_answer_that_fails_before_its_text_gets_one_line(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer(thinking("Hm"), midstream_error("out of memory")))
    result = command_line("run", "Hi", "--host", fake.url)
    assert result.stderr == "ollama-rx: the server stopped the answer: out of memory\n"


def test_an_answer_in_a_file_is_not_missing(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "--to", f"jsonl:{tmp_path / 'a'}")
    assert (result.stdout, result.stderr) == ("", "")


def test_on_a_terminal_an_empty_line_precedes_the_statistics(fake: FakeOllama) -> None:
    fake.play(answer("Hello", "."))
    screen, _ = run_in_terminal("run", "Hi", "-m", "mine", "--host", fake.url, "--stats")
    assert screen[:2] == ["Hello.", ""]
    assert screen[2].startswith("model ")
