"""While nothing can be shown, a line on the terminal says what is waited for."""

import io
import os
from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.testing import FakeOllama, Gate, answer, json_reply, thinking
from tests.cli.pseudo_terminal import PseudoTerminal, run_in_terminal

CommandLine = Callable[..., Result]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def test_a_text_replaces_the_one_before_and_is_erased_at_the_end() -> None:
    file = Terminal()
    with StatusLine(file) as status:
        status.show("one")
        status.show("two")
    assert file.getvalue() == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K"


def test_the_same_text_is_written_once() -> None:
    file = Terminal()
    status = StatusLine(file)
    status.show("one")
    status.show("one")
    assert file.getvalue() == "\r\x1b[Kone"


def test_a_text_may_depend_on_the_one_before() -> None:
    file = Terminal()
    status = StatusLine(file)
    status.show("one")
    status.show("two", instead_of="zero")
    status.show("three", instead_of="one")
    assert file.getvalue() == "\r\x1b[Kone\r\x1b[Kthree"


def test_after_the_end_nothing_is_shown() -> None:
    file = Terminal()
    status = StatusLine(file)
    status.end()
    status.show("one")
    status.erase()
    assert file.getvalue() == ""


def test_lines_that_stay_are_written_above() -> None:
    file = Terminal()
    status = StatusLine(file)
    status.show("one")
    status.echo("a note")
    status.show("two")
    assert file.getvalue() == "\r\x1b[Kone\r\x1b[Ka note\n\r\x1b[Ktwo"


def test_a_line_fits_the_window_and_contains_no_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Terminal()
    monkeypatch.setattr(file, "fileno", lambda: 7)
    monkeypatch.setattr(os, "get_terminal_size", {7: os.terminal_size((10, 24))}.__getitem__)
    StatusLine(file).show("\x1bloading")
    StatusLine(file).show("\u6a21\u578b" * 4)  # letters of two columns
    assert file.getvalue() == "\r\x1b[K\\x1bloadi\r\x1b[K\u6a21\u578b\u6a21\u578b"


@pytest.mark.parametrize("columns", [None, 0])
def test_without_a_known_width_it_is_80(monkeypatch: pytest.MonkeyPatch, columns: int | None) -> None:
    file = Terminal()
    if columns is not None:
        monkeypatch.setattr(file, "fileno", lambda: 7)
        monkeypatch.setattr(os, "get_terminal_size", {7: os.terminal_size((0, 0))}.__getitem__)
    StatusLine(file).show("x" * 100)
    assert file.getvalue() == "\r\x1b[K" + "x" * 79


def test_a_file_and_a_terminal_that_cannot_erase_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    file, dumb = io.StringIO(), Terminal()
    StatusLine(file).show("one")
    monkeypatch.setenv("TERM", "dumb")
    StatusLine(dumb).show("one")
    assert file.getvalue() == dumb.getvalue() == ""


def test_a_terminal_that_is_gone_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> int:
        raise OSError

    file = Terminal()
    monkeypatch.setattr(file, "write", gone)
    status = StatusLine(file)
    status.show("one")
    assert not status.is_visible


@pytest.mark.parametrize(
    ("in_memory", "shown"),
    [([], "loading mine"), (["other:7b"], "loading mine"), (["mine:latest"], "mine is reading the prompt")],
)
def test_the_line_says_whether_the_model_is_being_loaded_and_disappears(
    fake: FakeOllama, in_memory: list[str], shown: str
) -> None:
    gate = Gate()
    fake.play(answer(gate, "Yes."))
    fake.play(json_reply({"models": [{"name": name} for name in in_memory]}), path="/api/ps")
    with PseudoTerminal("run", "Really?", "-m", "mine", "--host", fake.url) as terminal:
        terminal.read_until(shown)
        gate.open()
        assert terminal.finish() == 0
        assert terminal.screen == ["Yes."]


def test_a_model_in_the_cloud_is_not_loaded(fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, "Yes."))
    with PseudoTerminal("run", "Really?", "-m", "big:cloud", "--host", fake.url) as terminal:
        terminal.read_until("waiting for big:cloud")
        gate.open()
        terminal.finish()
    assert [request.path for request in fake.requests] == ["/api/generate"]


def test_a_server_that_cannot_say_what_is_loaded_is_waited_for(fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, "Yes."))
    fake.play(json_reply({"error": "no such path"}, status=404), path="/api/ps")
    with PseudoTerminal("run", "Really?", "-m", "mine", "--host", fake.url) as terminal:
        terminal.read_until("waiting for mine")
        gate.open()
        assert terminal.finish() == 0
        assert terminal.screen == ["Yes."]


def test_thinking_that_is_not_shown_is_said_to_go_on(fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(thinking("Hm"), thinking("."), gate, "Yes.", thinking("Or")))
    with PseudoTerminal("run", "Really?", "-m", "mine", "--host", fake.url) as terminal:
        terminal.read_until("mine is thinking")
        gate.open()
        terminal.finish()
        assert terminal.screen == ["Yes."]


def test_a_narrow_window_is_left_clean(fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, "Yes."))
    with PseudoTerminal("run", "A?", "-m", "x" * 50, "--host", fake.url, columns=20) as terminal:
        terminal.read_until("waiting for")
        gate.open()
        terminal.finish()
        assert terminal.screen == ["Yes."]
        assert max(map(len, terminal.written.replace("\x1b[K", "").split("\r"))) < 20


def test_without_a_name_a_terminal_shows_which_model_answers(fake: FakeOllama) -> None:
    screen, code = run_in_terminal("run", "Hi", "--host", fake.url)
    assert (screen, code) == (["echo:latest answers; -m NAME asks another model", "Hi"], 0)


def test_the_line_says_in_turn_what_is_waited_for(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, file = Gate(), Terminal()

    class OpensTheGate(StatusLine):
        def show(self, text: str, *, instead_of: str | None = None) -> None:
            super().show(text, instead_of=instead_of)
            if text.startswith("loading "):
                gate.open()

    monkeypatch.setattr("ollama_rx.cli.ask.run.StatusLine", lambda: OpensTheGate(file))
    fake.play(json_reply({"models": []}), path="/api/ps")
    fake.play(answer(gate, thinking("Hm"), "Yes."))
    result = command_line("run", "Hi", "--host", fake.url)
    assert (result.stdout, result.stderr) == ("Yes.\n", "")
    assert file.getvalue().split("\r\x1b[K") == [
        "",
        "reading standard input",
        "",
        "looking for a model",
        "echo:latest answers; -m NAME asks another model\n",
        "waiting for echo:latest",
        "loading echo:latest",
        "echo:latest is thinking",
        "",
    ]


def test_a_terminal_that_cannot_erase_shows_the_answer_only(fake: FakeOllama) -> None:
    with PseudoTerminal("run", "Hi", "--host", fake.url, environment={"TERM": "dumb"}) as terminal:
        terminal.finish()
        assert terminal.written == "Hi\n"
