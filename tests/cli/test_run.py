"""`ollama-rx run`: what is asked, and where the answer goes."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from ollama_rx.testing import FakeOllama, answer, cut, endless, error_status, json_reply, thinking

CommandLine = Callable[..., Result]


def test_only_the_answer_and_one_newline_stand_on_standard_output(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("Hello", " world"))
    result = command_line("run", "Hi", "--host", fake.url)
    assert (result.stdout, result.stderr, result.exit_code) == ("Hello world\n", "", 0)


def test_ollama_host_names_the_server(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    assert command_line("run", "Hi you").stdout == "Hi you\n"


def test_a_server_on_this_machine_is_found(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.client.host.DEFAULT_PORT", int(fake.url.rpartition(":")[2]))
    result = command_line("run", "Hi you")
    assert (result.stdout, result.stderr) == ("Hi you\n", "")


def test_what_the_options_say_is_in_the_request(command_line: CommandLine, fake: FakeOllama) -> None:
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


def test_without_a_name_the_first_model_that_can_answer_is_asked(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(json_reply({"models": [{"name": "vectors"}, {"name": "talker"}]}), path="/api/tags")
    shown = [json_reply({"capabilities": ["embedding"]}), json_reply({"capabilities": ["completion"]})]
    fake.play(*shown, path="/api/show")
    command_line("run", "Hi", "--host", fake.url)
    assert fake.requests[-1].json["model"] == "talker"


def test_a_server_that_does_not_tell_capabilities_gets_its_first_model_asked(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(json_reply({"template": ""}), path="/api/show")
    command_line("run", "Hi", "--host", fake.url)
    assert fake.requests[-1].json["model"] == "echo:latest"


def test_a_server_without_models_is_an_error_that_says_what_to_do(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(json_reply({"models": []}), path="/api/tags")
    result = command_line("run", "Hi", "--host", fake.url)
    assert result.exit_code == 1
    assert result.stderr == (
        f"ollama-rx: {fake.url} has no model that can answer; `ollama pull llama3.2` fetches one\n"
    )


def test_a_stop_word_ends_the_answer_and_the_request(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("One, tw", "o, EN", "D", endless()))
    result = command_line("run", "Count", "--host", fake.url, "--stop", "END", "--stop", "STOP")
    assert (result.stdout, result.exit_code) == ("One, two, \n", 0)
    fake.wait_for_disconnect()


def test_sentences_stand_one_on_a_line(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("It is blu", "e. Sunlight scat", "ters. Yes", "!"))
    result = command_line("run", "Why?", "--host", fake.url, "--sentences")
    assert result.stdout == "It is blue.\nSunlight scatters.\nYes!\n"


def test_thinking_is_asked_for_and_shown_on_standard_error(
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


def test_thinking_that_nobody_asked_for_is_not_shown(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm"), "Yes."))
    result = command_line("run", "Really?", "--host", fake.url)
    assert (result.stdout, result.stderr) == ("Yes.\n", "")


def test_figures_stand_on_standard_error(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("run", "Hi you", "--host", fake.url, "--stats")
    assert result.stdout == "Hi you\n"
    figures = dict(line.split("  ", 1) for line in result.stderr.splitlines())
    assert figures["model"].strip() == "echo:latest"
    assert figures["answer"].strip() == "2 tokens, 50.0 a second"
    assert figures["text"].strip() == "6 characters in 3 chunks"


def test_figures_are_shown_of_a_failed_answer_too(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("Hel", cut()))
    result = command_line("run", "Hi", "--host", fake.url, "--stats")
    assert (result.stdout, result.exit_code) == ("Hel\n", 1)
    assert "ended by    error\n" in result.stderr


@pytest.mark.usefixtures("sinks")
def test_the_text_goes_to_every_sink_that_is_named(
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
