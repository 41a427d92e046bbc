"""What begins with a slash at the prompt."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ollama_rx.cli.chat.slash_commands import command_table
from ollama_rx.testing import FakeOllama, Reply, answer, error_status, json_reply, pause
from tests.cli.chat.conftest import TypedChat
from tests.cli.chat.test_chat import BANNER
from tests.cli.chat.typist import Typist, asked, press_ctrl_c, said

THINKS = json_reply({"capabilities": ["completion", "thinking"]})


def noted(chat_err: str) -> str:
    """Return what was said after the first line."""
    return chat_err.removeprefix(BANNER)


def test_a_system_prompt_is_set_shown_and_cleared_and_the_history_stays(
    typed: TypedChat, fake: FakeOllama
) -> None:
    fake.play(answer("Yes."))
    chat = typed("/system", "One", "/system Be short.", "/SYSTEM", "Two")
    assert noted(chat.err) == (
        "no system prompt is set: the model uses its own\n"
        "the system prompt is set; the history stays\n"
        "Be short.\n"
    )
    history = [("user", "One"), ("assistant", "Yes."), ("user", "Two")]
    assert said(fake) == [("system", "Be short."), *history]
    chat = typed("One", "/system Be long.", "/system clear", "Two", options=("-m", "m", "--system", "x"))
    assert chat.err.endswith("the system prompt is cleared: the model uses its own\n")
    assert said(fake) == history


def test_what_a_command_is_given_may_begin_on_the_next_line(typed: TypedChat, fake: FakeOllama) -> None:
    chat = typed("/system\nBe short.\nBe kind.", "/undo\nit", "Hi")
    assert noted(chat.err) == ("the system prompt is set; the history stays\n/undo takes no argument\n")
    assert said(fake)[0] == ("system", "Be short.\nBe kind.")


def test_another_model_answers_with_the_same_history(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(answer("Yes."))
    chat = typed("One", "/model echo", "Two")
    assert noted(chat.err) == "echo answers from now on; it knows the history\n"
    assert asked(fake)[-1]["model"] == "echo"
    assert said(fake) == [("user", "One"), ("assistant", "Yes."), ("user", "Two")]


@pytest.mark.parametrize(
    ("name", "meant"), [("ecko", "did you mean echo:latest?"), ("x", "/model lists the models")]
)
def test_an_unknown_model_changes_nothing(typed: TypedChat, fake: FakeOllama, name: str, meant: str) -> None:
    fake.play(error_status(404), path="/api/show")
    chat = typed(f"/model {name}", "Hi")
    assert noted(chat.err) == f"there is no model {name}; {meant}\n"
    assert asked(fake)[-1]["model"] == "mine"


def test_a_model_that_cannot_answer_is_refused(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(json_reply({"capabilities": ["embedding"]}), path="/api/show")
    assert noted(typed("/model embed").err) == "embed cannot answer; it can do: embedding\n"


def test_a_model_whose_capabilities_are_unknown_may_be_chosen_and_may_think(
    typed: TypedChat, fake: FakeOllama
) -> None:
    fake.play(json_reply({}), path="/api/show")
    chat = typed("/model old", "/think on", "Hi")
    assert noted(chat.err) == "old answers from now on; it knows the history\nthinking: on\n"
    assert asked(fake)[-1]["think"] is True


def test_the_models_are_listed_and_the_one_that_answers_is_marked(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(
        json_reply({"models": [{"name": "a:1b"}, {"name": ""}, {"name": "b:latest"}]}), path="/api/tags"
    )
    assert noted(typed("/model", options=("-m", "b")).err).endswith("  a:1b\n* b:latest\n")
    fake.play(json_reply({"models": []}), path="/api/tags")
    assert "has no models; `ollama pull" in typed("/model").err


def test_a_server_that_is_gone_is_one_line(typed: TypedChat, fake: FakeOllama) -> None:
    def stop() -> str:
        fake.close()
        return "/model"

    chat = typed(stop, "/help")
    assert noted(chat.err).startswith("cannot reach http://")
    assert "/undo" in chat.err


def test_ctrl_c_stops_a_command_that_waits_for_the_server(typed: TypedChat, fake: FakeOllama) -> None:
    def reply(_: object) -> Reply:
        press_ctrl_c()
        return answer(pause(60))

    fake.play(reply, json_reply({}), path="/api/show")  # asked again for the context length
    chat = typed("/think on", "Hi")
    assert noted(chat.err) == "stopped\n"
    assert chat.drafts == ["", "/think on", ""]
    assert "think" not in asked(fake)[-1]


@pytest.mark.parametrize(("word", "sent"), [("on", True), ("off", False), ("LOW", "low"), ("high", "high")])
def test_thinking_is_asked_for(typed: TypedChat, fake: FakeOllama, word: str, sent: object) -> None:
    fake.play(THINKS, path="/api/show")
    chat = typed("/think", f"/think {word}", "/think", "Hi")
    assert noted(chat.err) == "thinking: default of the model\n" + f"thinking: {word.lower()}\n" * 2
    assert asked(fake)[-1]["think"] == sent


def test_a_model_that_cannot_think_says_so(typed: TypedChat, fake: FakeOllama) -> None:
    chat = typed("/think on", "/think much", "Hi")
    assert noted(chat.err) == ("mine cannot think\nexpected off, on, low, medium or high, got much\n")
    assert "think" not in asked(fake)[-1]


def test_thinking_ends_with_a_model_that_cannot(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(THINKS, json_reply({"capabilities": ["completion"]}), path="/api/show")
    chat = typed("/think on", "/model echo", "Hi")
    assert chat.err.endswith("echo answers from now on; it knows the history\necho cannot think\n")
    assert "think" not in asked(fake)[-1]


def test_a_talk_is_saved_and_loaded(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(answer("Yes."))
    chat = typed("One", "/save 'my talk.json'", "Two", "/save", "/load my talk.json", "Three")
    assert noted(chat.err) == (
        "saved 2 messages in my talk.json\n"
        "saved 4 messages in my talk.json\n"
        "loaded 4 messages from my talk.json\n"
    )
    assert [text for _, text in said(fake)] == ["One", "Yes.", "Two", "Yes.", "Three"]


def test_a_talk_is_saved_to_the_file_that_was_loaded_last(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(answer("Yes."))
    chat = typed(
        "One", "/save a.json", "/save b.json", "/load a.json", "Two", "/save", "/load b.json", "Three"
    )
    assert noted(chat.err) == (
        "saved 2 messages in a.json\n"
        "saved 2 messages in b.json\n"
        "loaded 2 messages from a.json\n"
        "saved 4 messages in a.json\n"
        "loaded 2 messages from b.json\n"
    )
    assert [text for _, text in said(fake)] == ["One", "Yes.", "Three"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/load", "give the name of a file, as in /load talk.json\n"),
        ("/save", "give the name of a file, as in /save talk.json\n"),
        ("/load none.json", "none.json: No such file or directory\n"),
        ("/load notes.txt", "notes.txt: expected a saved conversation, got text that is not JSON"),
        ("/load .", ". is a folder; name a file in it\n"),
        ("/load /dev/zero", "/dev/zero is a pipe or a device, not a file\n"),
        ("/load ~nobody-here/talk.json", "~nobody-here/talk.json: there is no such home folder\n"),
        ("/save ~nobody-here/talk.json", "~nobody-here/talk.json: there is no such home folder\n"),
        ("/save notes.txt", "notes.txt is not a saved conversation, so it is not overwritten\n"),
        ("/save none/talk.json", "No such file or directory\n"),
        ("/save .", "expected a file, got a folder, a device or a pipe\n"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_the_talk_goes_on(
    typed: TypedChat, fake: FakeOllama, command: str, message: str
) -> None:
    Path("notes.txt").write_text("mine")
    fake.play(answer("Yes."))
    chat = typed("One", command, "Two")
    assert message in noted(chat.err)
    assert noted(chat.err).count("\n") == 1
    assert said(fake) == [("user", "One"), ("assistant", "Yes."), ("user", "Two")]
    assert Path("notes.txt").read_text() == "mine"


def test_an_empty_file_is_written_to(typed: TypedChat) -> None:
    Path("talk.json").touch()
    assert noted(typed("One", "/save talk.json").err) == "saved 2 messages in talk.json\n"


def test_undo_removes_the_last_turn_and_says_which(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(answer("Yes."), answer("No\nno."), answer(""), answer("Yes."))
    chat = typed("One", "Two\x1b", "/undo", "Three", "/undo", "Four", "/undo", "/undo", "/undo", "Five")
    assert noted(chat.err) == (
        "removed: Two\\x1b\n    and: No no.\n"
        "the answer is empty\n"
        "removed: Three\n    and: an empty answer\n"
        "removed: Four\n    and: Yes.\n"
        "removed: One\n    and: Yes.\n"
        "there is nothing to undo\n"
    )
    assert said(fake) == [("user", "Five")]


def test_stats_are_those_of_the_last_answer_and_of_the_talk(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(answer("Yes", "."))
    chat = typed("/stats", "One", "/stats", options=("-m", "mine", "-o", "num_ctx=4096"))
    before, after = noted(chat.err).split("the last answer\n")
    assert before == "the conversation\nmodel     mine\nmessages  0\ntokens    not counted yet\n"
    figures, talk = after.split("the conversation\n")
    assert "answer      2 tokens, 50.0 a second\n" in figures
    tokens = talk.splitlines()[-1].split()
    assert tokens[2:] == ["of", "4096"]


def test_tokens_are_shown_without_a_limit_too(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(error_status(500), path="/api/ps")
    chat = typed("One", "/stats")
    assert chat.err.splitlines()[-1].split()[0] == "tokens"
    assert " of " not in chat.err.splitlines()[-1]


def test_an_answer_that_was_stopped_is_called_so(
    typed: TypedChat, fake: FakeOllama, ctrl_c_at: Callable[[str], None]
) -> None:
    ctrl_c_at("One ")
    fake.play(answer("One ", *["two "] * 999, every=0.1))
    assert "end         interrupted\n" in typed("Count", "/stats").err


def test_help_shows_all_commands(typed: TypedChat) -> None:
    lines = noted(typed("/help").err).splitlines()
    assert [line.split()[0] for line in lines[:9]] == [
        *("/system", "/model", "/think", "/save", "/load", "/undo", "/stats", "/help", "/bye")
    ]
    assert any(line.startswith("Ctrl-C") for line in lines)


def test_help_fits_into_a_narrow_window(typed: TypedChat, monkeypatch: pytest.MonkeyPatch) -> None:
    def columns(_: object) -> int:
        return 40

    monkeypatch.setattr(command_table, "window_columns", columns)
    lines = noted(typed("/help").err).splitlines()
    assert lines[:3] == ["/system [TEXT|clear]", "    show, set or clear the system", "    prompt"]
    assert max(map(len, lines)) < 40


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/sytem x", "there is no command /sytem; did you mean /system? (//... sends a slash)\n"),
        ("/usr/bin", "there is no command /usr/bin; /help lists them (//... sends a slash)\n"),
        ("/", "there is no command /; /help lists them (//... sends a slash)\n"),
        ("/undo it", "/undo takes no argument\n"),
    ],
)
def test_a_command_that_does_not_exist_is_one_line(typed: TypedChat, line: str, message: str) -> None:
    assert noted(typed(line).err) == message


@pytest.mark.parametrize("line", ["/bye", "/exit", "/BYE"])
def test_the_chat_ends(typed: TypedChat, fake: FakeOllama, line: str) -> None:
    assert typed(line, "never").exit_code == 0
    assert asked(fake) == []


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("Hi", []),
        ("/think ", ["off", "on", "low", "medium", "high"]),
        ("/system ", ["clear"]),
        ("/load t", ["talk.json"]),
        ("/load my t", []),
        ("/undo ", []),
        ("/none ", []),
        ("/model e", ["echo:latest"]),
    ],
)
def test_words_are_completed(
    typed: TypedChat, monkeypatch: pytest.MonkeyPatch, before: str, words: list[str]
) -> None:
    Path("talk.json").touch()
    found: list[str] = []
    read = Typist.read

    def complete(typist: Typist, prompt: str, *, draft: str = "") -> str:
        assert typist.words is not None
        found[:] = typist.words(before)
        return read(typist, prompt, draft=draft)

    monkeypatch.setattr(Typist, "read", complete)
    typed("/model")
    assert found == words


def test_commands_are_completed(typed: TypedChat, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def complete(typist: Typist, _: str, **__: str) -> str:
        assert typist.words is not None
        found[:] = typist.words("/s")
        raise EOFError

    monkeypatch.setattr(Typist, "read", complete)
    typed()
    assert {"/system", "/save", "/exit"} < set(found)
