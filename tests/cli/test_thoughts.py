"""Thoughts are printed on standard error, wherever they stand in the answer."""

from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx import Chunk
from ollama_rx.cli.thoughts import Thoughts
from ollama_rx.testing import FakeOllama, answer, endless, piece, thinking
from tests.cli.pseudo_terminal import run_in_terminal

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
    thoughts = Thoughts(beside_answer=True)
    for thought, text in (("Hm", ""), ("", "Yes"), ("Wait", ""), ("", "no.\n"), ("Ah", "")):
        thoughts.show(Chunk({"thinking": thought, "response": text}))
    thoughts.end()
    assert capsys.readouterr().err == "Hm\n\nWait\nAh\n"


def test_each_sentence_stays_on_one_line_beside_thoughts(fake: FakeOllama) -> None:
    fake.play(answer("One. Two", thinking("Hm."), " is it. ", "Three"))
    screen, _ = run_in_terminal("run", "Hi", "-m", "mine", "--host", fake.url, "--thinking", "--sentences")
    assert screen == ["One.", "Hm.", "Two is it.", "Three"]


def test_if_nobody_reads_standard_error_the_thoughts_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stderr.write", broken)
    thoughts = Thoughts(beside_answer=False)
    thoughts.show(Chunk({"thinking": "Hm", "response": "Yes"}))
    thoughts.end()
