"""Thoughts are printed on standard error, wherever they stand in the answer."""

from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx import Chunk
from ollama_rx.cli.ask.run import console_on_terminal
from ollama_rx.cli.ask.thoughts import Thoughts
from ollama_rx.sinks import Collector, Console
from ollama_rx.testing import FakeOllama, answer, endless, piece, thinking
from tests.cli.pseudo_terminal import PseudoTerminal, run_in_terminal

CommandLine = Callable[..., Result]


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


def test_thoughts_after_the_first_text_are_shown_too(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(
        answer(thinking("Hm"), "Yes, ", thinking("Wait"), thinking("."), "no", piece(".", thinking="Ah"))
    )
    result = command_line("run", "Really?", "--host", fake.url, "--thinking")
    assert (result.stdout, result.stderr) == ("Yes, no.\n", "Hm\nWait.\nAh\n")


def test_thoughts_that_end_their_line_get_no_second_one(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm\n"), "Yes.", thinking("Ah\n")))
    result = command_line("run", "Really?", "--host", fake.url, "--thinking")
    assert result.stderr == "Hm\nAh\n"


def test_a_stop_word_closes_the_request_of_a_model_that_thinks(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer(thinking("Hm"), "One END", endless()))
    result = command_line("run", "Count", "--host", fake.url, "--thinking", "--stop", "END")
    assert (result.stdout, result.stderr) == ("One \n", "Hm\n")
    fake.wait_for_disconnect()


def test_on_a_terminal_thoughts_are_dim_and_on_lines_of_their_own(fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), "Yes, ", thinking("Wait."), "no", ".\n", thinking("Ah."), "Sure"))
    screen, code = run_in_terminal("run", "Hi", "-m", "mine", "--host", fake.url, "--thinking")
    assert (screen, code) == (["Hm.", "Yes, ", "Wait.", "no.", "Ah.", "Sure"], 0)


def test_beside_the_answer_thoughts_begin_a_new_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    thoughts = Thoughts(beside=console)
    for thought, text in (("Hm", ""), ("", "Yes"), ("Wait", ""), (".", ""), ("", "no.\n"), ("Ah", "")):
        thoughts.show(Chunk({"thinking": thought, "response": text}))
        console.on_next(text)
    thoughts.end()
    assert capsys.readouterr() == ("Yes\nno.\n", "Hm\nWait.\nAh\n")


@pytest.mark.parametrize(
    ("out", "err", "found"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_only_a_console_on_the_same_terminal_is_beside_the_thoughts(
    monkeypatch: pytest.MonkeyPatch, *, out: bool, err: bool, found: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: out)
    monkeypatch.setattr("sys.stderr.isatty", lambda: err)
    console = Console()
    assert console_on_terminal([Collector[str](), console]) is (console if found else None)
    assert console_on_terminal([Collector[str]()]) is None


def test_without_colours_thoughts_are_not_dim(fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), "Yes."))
    words = ("run", "Hi", "-m", "mine", "--host", fake.url, "--thinking")
    for environment, shown in (
        ({"NO_COLOR": "1"}, "Hm.\nYes.\n"),
        ({"NO_COLOR": ""}, "\x1b[2mHm.\x1b[22m\nYes.\n"),
    ):
        with PseudoTerminal(*words, environment=environment) as terminal:
            terminal.finish()
            assert terminal.written.endswith(shown)


def test_each_sentence_stays_on_one_line_beside_thoughts(fake: FakeOllama) -> None:
    fake.play(answer("One. Two", thinking("Hm."), " is it. ", "Three"))
    screen, _ = run_in_terminal("run", "Hi", "-m", "mine", "--host", fake.url, "--thinking", "--sentences")
    assert screen == ["One.", "Hm.", "Two is it.", "Three"]


def test_if_nobody_reads_standard_error_the_thoughts_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stderr.write", broken)
    thoughts = Thoughts()
    thoughts.show(Chunk({"thinking": "Hm", "response": "Yes"}))
    thoughts.end()
