"""`ollama-rx chat`: the server and model that answer, the options, messages that are piped in."""

import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, answer, cut, error_status, json_reply
from tests.cli.chat.conftest import TypedChat
from tests.cli.chat.typist import CTRL_C, asked, said

pytestmark = pytest.mark.usefixtures("own_folders")

CommandLine = Callable[..., Result]
BANNER = "mine answers; /help lists the commands, Ctrl-D ends the chat\n"


def test_lines_that_are_piped_in_are_a_talk_and_only_the_answers_are_printed(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("Hel", "lo."), answer("You said Hi."))
    result = command_line("chat", "--host", fake.url, input="Hi\n\nWhat did I say?\n")
    assert (result.stdout, result.stderr, result.exit_code) == ("Hello.\nYou said Hi.\n", "", 0)
    assert said(fake) == [("user", "Hi"), ("assistant", "Hello."), ("user", "What did I say?")]
    assert asked(fake)[-1]["model"] == "echo:latest"


def test_a_turn_that_fails_makes_the_exit_code_1_and_the_next_line_is_answered(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("It was", cut()), error_status(500), answer("Yes."))
    result = command_line("chat", "-m", "mine", "--host", fake.url, input="One\nTwo\nThree\n")
    assert (result.stdout, result.exit_code) == ("It was\nYes.\n", 1)
    assert result.stderr.count("ollama-rx: ") == result.stderr.count("\n") == 2
    assert said(fake) == [("user", "One"), ("assistant", "It was"), ("user", "Three")]


def test_the_request_contains_the_options(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line(
        *("chat", "--host", fake.url, "-m", "mine", "--system", "Be short."),
        *("-o", "temperature=0", "-o", "temprature=1"),
        input="Hi\n",
    )
    request = asked(fake)[-1]
    assert request["options"] == {"temperature": 0, "temprature": 1}
    assert "think" not in request
    assert said(fake) == [("system", "Be short."), ("user", "Hi")]
    assert "did you mean 'temperature'?" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-m", " "), "Invalid value for --model: the name is empty"),
        (("-o", "x"), "Invalid value for --option: 'x' is not KEY=VALUE"),
        (("--load", "bad.json"), "Invalid value for --load: bad.json: expected a saved conversation"),
        (("--load", "/dev/zero"), "Invalid value for --load: /dev/zero is a pipe or a device, not a file"),
        (("--think",), "Invalid value for --think: mine cannot think"),
        (("--engine", "robot"), "Invalid value for --engine: expected hibari, piper"),
        (("--speed", "-1"), "Invalid value for --speed: "),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    command_line: CommandLine, fake: FakeOllama, options: tuple[str, ...], message: str
) -> None:
    Path("bad.json").write_text("{}")
    result = command_line("chat", "--host", fake.url, "-m", "mine", *options, input="Hi\n")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert message in result.stderr
    assert asked(fake) == []


def test_a_server_that_is_missing_is_one_line(command_line: CommandLine, unused_url: str) -> None:
    result = command_line("chat", "--host", unused_url, input="Hi\n")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith(f"ollama-rx: cannot reach {unused_url}")
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_missing_is_one_line(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("chat", "--host", fake.url, "--load", "talk.json", input="Hi\n")
    assert (result.stderr, result.exit_code) == ("ollama-rx: talk.json: No such file or directory\n", 1)


@pytest.mark.usefixtures("no_server")
def test_without_a_server_and_a_name_the_embedded_model_answers(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embedded_client(note: Callable[[str], object], *, any_name: bool) -> Client:
        assert not any_name  # /model does not find others
        note("a small model")
        return Client(fake.url)

    monkeypatch.setattr("ollama_rx.cli.chat.chat.embedded_client", embedded_client)
    result = command_line("chat", input="Hi\n")
    assert (result.stdout, result.stderr, result.exit_code) == ("Hi\n", "a small model\n", 0)
    assert asked(fake)[-1]["model"] == "smollm2:135m-instruct-q4_1"


def test_a_person_is_told_who_answers_and_ctrl_d_ends_the_chat(typed: TypedChat) -> None:
    chat = typed("Hi")
    assert (chat.out, chat.err, chat.exit_code) == ("Hi\n", BANNER, 0)


def test_an_empty_line_is_below_each_answer_on_a_terminal(
    typed: TypedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    chat = typed("Hi", "/think", "You")
    assert chat.out == "Hi\nYou\n"
    assert chat.err == BANNER + "\nthinking: default of the model\n\n"


def test_a_turn_that_fails_does_not_make_a_typed_chat_fail(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(error_status(500))
    assert typed("Hi").exit_code == 0


def test_ctrl_c_at_the_prompt_says_how_to_end(typed: TypedChat) -> None:
    chat = typed(CTRL_C, "Hi")
    assert chat.err == BANNER + "Ctrl-D or /bye ends the chat\n"
    assert chat.out == "Hi\n"


def test_ctrl_c_ends_the_program_if_there_is_no_prompt_to_return_to(
    command_line: CommandLine, fake: FakeOllama, ctrl_c_at: Callable[[str], None]
) -> None:
    ctrl_c_at("two ")
    fake.play(answer("one ", "two ", "three ", every=60))
    fake.play(answer("one ", "two ", *["on "] * 600, every=0.1))
    result = command_line("chat", "-m", "mine", "--host", fake.url, input="Count\nHi\n")
    assert result.exit_code == 130
    assert result.stdout.startswith("one two ")
    assert len(asked(fake)) == 1


def test_ctrl_c_between_two_lines_that_are_piped_in_ends_the_program(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ollama_rx.cli.chat.message_loop.read_attachments", interrupted)
    result = command_line("chat", "-m", "mine", "--host", fake.url, input="Count\nHi\n")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 130)


def test_a_message_may_begin_with_a_slash(typed: TypedChat, fake: FakeOllama) -> None:
    chat = typed("//etc is what?", "  /bye", "never")
    assert said(fake) == [("user", "/etc is what?")]
    assert chat.out == "/etc is what?\n"


def test_a_talk_is_loaded_and_its_model_goes_on(typed: TypedChat, fake: FakeOllama) -> None:
    typed("Hi", "/save talk.json", options=("-m", "echo"))
    chat = typed("More", options=("--load", "talk.json", "--system", "Be short."))
    assert chat.err.startswith("loaded 2 messages from talk.json\necho answers; ")
    assert said(fake) == [
        ("system", "Be short."),
        ("user", "Hi"),
        ("assistant", "Hi"),
        ("user", "More"),
    ]


@pytest.mark.parametrize("model", ["gone", None])
def test_a_talk_whose_model_is_not_there_goes_on_with_the_first_one(
    typed: TypedChat, fake: FakeOllama, model: str | None
) -> None:
    saved: dict[str, object] = {
        "format": "ollama-rx conversation",
        "version": 1,
        "model": model,
        "messages": [],
    }
    Path("talk.json").write_bytes(orjson.dumps(saved))
    chat = typed("Hi", options=("--load", "talk.json"))
    note = "; it was held with gone, now echo:latest answers" if model else ""
    assert chat.err.startswith(f"loaded 0 messages from talk.json{note}\n")
    assert asked(fake)[-1]["model"] == "echo:latest"


def test_a_model_that_thinks_is_asked_to(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(json_reply({"capabilities": ["completion", "thinking"]}), path="/api/show")
    typed("Hi", options=("-m", "mine", "--think"))
    assert asked(fake)[-1]["think"] is True


def test_files_go_with_the_message(typed: TypedChat, fake: FakeOllama) -> None:
    Path("notes.txt").write_text("remember")
    Path("dot.png").write_bytes(b"\x89PNG\r\n\x1a\n...")
    chat = typed("Look at @notes.txt and @dot.png", "And @nothing.txt")
    assert "attached notes.txt\nattached dot.png\nmine cannot see images\n" in chat.err
    assert "nothing.txt: no such file" in chat.err
    message = asked(fake)[-1]["messages"][-1]
    assert "remember" in message["content"]
    assert len(message["images"]) == 1
    assert chat.drafts[-1] == "And @nothing.txt"


def test_without_a_home_folder_a_note_is_printed_and_the_chat_works(
    typed: TypedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise FileNotFoundError("there is no home folder")

    monkeypatch.setattr("ollama_rx.cli.chat.chat.data_folder", missing)
    chat = typed("Hi")
    assert chat.err.startswith("the input history is not saved: there is no home folder\n")
    assert chat.out == "Hi\n"
