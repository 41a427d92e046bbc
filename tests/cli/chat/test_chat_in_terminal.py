"""A chat in a real terminal: keys at every moment, signals, windows that change."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx.testing import FakeOllama, Gate, answer, endless, json_reply, pause, thinking
from tests.cli.chat.typist import asked, said
from tests.cli.pseudo_terminal import PseudoTerminal

_PROGRAM = """
import signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
if sys.argv.pop(1) == "readline":
    sys.modules["prompt_toolkit"] = None
from ollama_rx.cli import main
before = termios.tcgetattr(0)
try:
    main()
finally:
    print("restored" if termios.tcgetattr(0) == before else "changed", flush=True)
"""
CTRL_D = "\x04"
both_editors = pytest.mark.parametrize("editor", ["prompt_toolkit", "readline"])


class TypedChat(PseudoTerminal):
    def __init__(self, url: str, data: Path, *options: str, editor: str = "readline") -> None:
        environment = {"OLLAMA_RX_DATA": str(data), "INPUTRC": "/dev/null", "PYTHONWARNINGS": "error"}
        super().__init__(
            *(editor, "chat", "-m", "mine", "--host", url, *options),
            program=_PROGRAM,
            environment=environment,
        )
        self.read_until(">>>")

    def enter(self, message: str, expect: str) -> None:
        self.press(message + "\r")
        self.read_until(expect)

    def end(self) -> int:
        """Press Ctrl-D."""
        self.press(CTRL_D)
        code = self.finish()
        assert "restored" in self.written
        assert "Traceback" not in self.written
        return code


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@both_editors
def test_ctrl_c_stops_the_answer_and_not_the_program(fake: FakeOllama, tmp_path: Path, editor: str) -> None:
    fake.play(answer("It was ", "night. ", endless("And so on. ", every=0.01)), answer("Yes."))
    with TypedChat(fake.url, tmp_path, editor=editor) as chat:
        chat.enter("Tell", expect="And so on. And")
        chat.interrupt()
        chat.read_until("stopped; the history keeps the answer")
        chat.enter("Go on", expect="Yes.")
        assert chat.end() == 0
    (_, told), (role, heard), _ = said(fake)
    assert (told, role) == ("Tell", "assistant")
    assert heard.startswith("It was night. And so on. And")
    assert "^C" not in chat.written


@both_editors
def test_what_is_typed_during_an_answer_is_at_the_next_prompt_and_not_in_the_answer(
    fake: FakeOllama, tmp_path: Path, editor: str
) -> None:
    gate = Gate()
    fake.play(answer("One ", gate, "two."), answer("Yes."))
    with TypedChat(fake.url, tmp_path, editor=editor) as chat:
        chat.enter("Count", expect="One")
        chat.press("东京 ahead\r")
        gate.open()
        chat.read_until("Yes.")
        assert chat.end() == 0
    assert said(fake)[-1] == ("user", "东京 ahead")
    assert "ahead" not in chat.written.split("One")[1].split("two.")[0]


def test_ctrl_c_before_the_first_token_offers_the_message_again(fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(answer(pause(60), "never"), answer("Yes."))
    with TypedChat(fake.url, tmp_path) as chat:
        chat.press("Hi\r")
        fake.wait_for_request(path="/api/chat", timeout=30)
        chat.interrupt()
        chat.read_until("your message is not in the history")
        chat.enter(" there", expect="Yes.")
        assert chat.end() == 0
    assert said(fake) == [("user", "Hi there")]


def test_ctrl_c_at_the_prompt_clears_it_and_says_how_to_end(fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(answer("Yes."))
    with TypedChat(fake.url, tmp_path, editor="prompt_toolkit") as chat:
        chat.press("half")
        chat.read_until("half")
        chat.press("\x03")
        chat.read_until("Ctrl-D or /bye ends the chat")
        chat.enter("whole", expect="Yes.")
        assert chat.end() == 0
    assert said(fake) == [("user", "whole")]


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGTERM, "prompt"),
        (signal.SIGTERM, "waiting"),
        (signal.SIGTERM, "answer"),
        (signal.SIGHUP, "answer"),
    ],
)
def test_a_signal_ends_the_chat_and_the_terminal_is_as_it_was(
    fake: FakeOllama, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    fake.play(answer("One ", pause(60)) if moment == "answer" else answer(pause(60), "never"))
    # readline does not notice a signal in the moment before it waits for a key
    with TypedChat(fake.url, tmp_path, editor="prompt_toolkit") as chat:
        if moment == "prompt":
            chat.press("half")
            chat.read_until("half")
        else:
            chat.press("Hi\r")
            fake.wait_for_request(path="/api/chat", timeout=30)
        if moment == "answer":
            chat.read_until("One")
        chat.send_signal(number)
        assert chat.finish() == 128 + number
        assert "restored" in chat.written
        assert "Traceback" not in chat.written
    if moment != "prompt":
        fake.wait_for_disconnect(timeout=30)


def test_a_window_that_changes_in_the_middle_of_an_answer_shows_the_rest(
    fake: FakeOllama, tmp_path: Path
) -> None:
    gate = Gate()
    fake.play(answer("**One** 一 ", gate, "| two |\n\n", "Three."))
    with TypedChat(fake.url, tmp_path) as chat:
        chat.enter("Count", expect="One")
        chat.resize(40)
        gate.open()
        chat.read_until("Three.")
        assert chat.end() == 0
    assert "**" not in chat.written


def test_markdown_is_printed_as_it_is_if_it_is_to_be_plain(fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(answer("**One**"))
    with TypedChat(fake.url, tmp_path, "--plain") as chat:
        chat.enter("Count", expect="**One**")
        assert chat.end() == 0


def test_thoughts_are_dim_above_the_answer(fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(json_reply({"capabilities": ["completion", "thinking"]}), path="/api/show")
    fake.play(answer(thinking("Hm."), "Yes."))
    with TypedChat(fake.url, tmp_path, "--think") as chat:
        chat.enter("Hi", expect="Yes.")
        assert chat.end() == 0
    assert "\x1b[2mHm.\x1b[22m" in chat.written


def test_a_message_of_several_lines_that_is_pasted_is_one(fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(answer("Yes."))
    with TypedChat(fake.url, tmp_path, editor="prompt_toolkit") as chat:
        chat.press("\x1b[200~one\n二 🎉\nthree\x1b[201~")
        chat.read_until("three")
        chat.enter("", expect="Yes.")
        assert chat.end() == 0
    assert said(fake) == [("user", "one\n二 🎉\nthree")]
    assert len(asked(fake)) == 1
