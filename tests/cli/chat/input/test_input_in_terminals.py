"""Messages are entered in real terminals, which are as they were afterwards."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.pseudo_terminal import PseudoTerminal

_PROGRAM = """
import signal, sys, termios
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
kind, history = sys.argv[1:3]
if kind == "ReadlineInput":
    sys.modules["prompt_toolkit"] = None
from ollama_rx.cli.chat.input import open_input
from ollama_rx.cli.terminal import interruptible

def words(before):
    return ["/load", "/save", "/system"] if " " not in before else ["first", "second"]

def terminate(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, terminate)
before = termios.tcgetattr(0)
number = 0
try:
    with interruptible(), open_input(history=Path(history), words=words, note=print) as messages:
        print(type(messages).__name__)
        while True:
            number += 1
            try:
                print("got", repr(messages.read(f"\\x1b[1m{number}> \\x1b[0m")))
            except KeyboardInterrupt:
                print("interrupted", number)
except EOFError:
    print("ended")
finally:
    print("restored" if termios.tcgetattr(0) == before else termios.tcgetattr(0), flush=True)
"""
_EDITING = ["ToolkitInput", "ReadlineInput"]
_ALL = [*_EDITING, "PlainInput"]


class _Chat(PseudoTerminal):
    def __init__(self, kind: str, history: Path, columns: int = 80) -> None:
        super().__init__(
            kind,
            str(history),
            program=_PROGRAM,
            columns=columns,
            environment={
                "PYTHONWARNINGS": "error",
                "TERM": "dumb" if kind == "PlainInput" else "xterm-256color",
                "INPUTRC": "/dev/null",
            },
        )
        self.enter = "\n" if kind == "PlainInput" else "\r"

    def send(self, line: str, expect: str) -> None:
        """Type a line and wait for what the program prints."""
        self.press(line + self.enter)
        self.read_until(expect)

    def send_until(self, number: int, text: str) -> None:
        """Send a signal until a text is written: just before it waits for keys, readline misses a signal."""
        while text not in self.written:
            is_running = self._process.poll() is None
            self.send_signal(number)
            while text not in self.written and self.read_within(0.5):
                pass
            assert is_running or text in self.written, self.written

    def read_prompt_after(self, text: str) -> None:
        """Read until the program has asked again."""
        while ">" not in self.written.rpartition(text)[2]:
            assert self.read_within(60), self.written

    def end(self) -> None:
        """Press Ctrl-D; the terminal must be as it was."""
        self.press("\x04")
        self.read_until("ended\nrestored\n")
        assert self.finish() == 0
        assert "Traceback" not in self.written
        assert "Warning" not in self.written


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "chat_history"


@pytest.fixture(params=_ALL)
def chat(request: pytest.FixtureRequest, history: Path) -> Iterator[_Chat]:
    with _Chat(request.param, history) as chat:
        chat.read_until(f"{request.param}\n")
        chat.read_until("1>")
        yield chat


@pytest.fixture(params=_EDITING)
def editor(request: pytest.FixtureRequest, history: Path) -> Iterator[_Chat]:
    with _Chat(request.param, history, columns=40) as chat:
        chat.read_until("1>")
        yield chat


def test_messages_are_read_until_ctrl_d(chat: _Chat) -> None:
    chat.send("Hello 你好 🎉", "got 'Hello 你好 🎉'\n")
    chat.read_until("2>")
    chat.send('"""one', "...")
    chat.send('two"""', "got 'one\\ntwo'\n")
    chat.read_until("3>")
    chat.end()


def test_every_ctrl_c_drops_the_line_and_asks_again(chat: _Chat) -> None:
    for number in (1, 2):
        chat.read_until(f"{number}>")
        chat.send_until(signal.SIGINT, f"interrupted {number}\n")
    chat.read_until("3>")
    chat.send("Hello", "got 'Hello'\n")
    chat.read_prompt_after("got 'Hello'\n")
    chat.end()


def test_after_ctrl_z_readline_shows_the_line_again(history: Path) -> None:
    with _Chat("ReadlineInput", history) as chat:
        chat.read_until("1>")
        chat.press("Hel")
        chat.read_until("Hel")
        chat.send_until(signal.SIGTSTP, "\x1b[?2004l")
        chat.send_until(signal.SIGCONT, "\x1b[?2004l\x1b[?2004h\x1b[1m1> \x1b[0mHel")
        chat.send("lo", "got 'Hello'\n")
        chat.read_until("2>")
        chat.end()


def test_a_signal_that_ends_the_process_leaves_the_terminal_as_it_was(chat: _Chat) -> None:
    chat.press("Hel")
    chat.read_until("Hel")
    chat.send_until(signal.SIGTERM, "restored\n")
    assert chat.finish() == 143
    assert chat.written.endswith("restored\n")
    assert chat.written.count("\x1b[?2004h") == chat.written.count("\x1b[?2004l")  # no brackets around pastes
    assert "\x1b[?25l" not in chat.written.rpartition("\x1b[?25h")[2]  # the cursor is visible


def test_pasted_lines_are_one_message(editor: _Chat) -> None:
    editor.send("\x1b[200~one\ntwo \\\nthree\x1b[201~", "got 'one\\ntwo \\\\\\nthree'\n")
    editor.read_until("2>")
    editor.end()


def test_the_last_message_is_recalled_with_its_lines_in_the_next_chat(editor: _Chat, history: Path) -> None:
    editor.send("one\\", "...")
    editor.send("two", "got 'one\\ntwo'\n")
    editor.read_until("2>")
    editor.end()
    for kind in _EDITING:
        with _Chat(kind, history) as later:
            later.read_until("1>")
            later.send("\x1b[A", "got 'one\\ntwo'\n")
            later.read_until("2>")
            later.end()


def test_tab_completes_commands_and_files(editor: _Chat, tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").touch()
    editor.press("/l\t")
    editor.read_until("oad")
    editor.press(" s\t")
    editor.read_until("econd")
    editor.press(f" @{tmp_path}/my\t")
    editor.read_until("txt")
    editor.send("", "got ")
    editor.read_until("2>")
    assert f"got '/load second @{tmp_path}/my\\\\ notes.txt'\n" in editor.written
    editor.end()


def test_the_cursor_moves_over_wide_letters_in_a_narrow_window(editor: _Chat) -> None:
    editor.press("你好世界" * 6 + "🎉")
    editor.resize(30)
    editor.send("\x1b[D" * 2 + "X" + "\x01" + "Y", f"got 'Y{'你好世界' * 5}你好世X界🎉'\n")
    editor.read_until("2>")
    editor.end()


def test_ctrl_c_while_completions_are_shown_drops_the_line(history: Path) -> None:
    with _Chat("ToolkitInput", history) as chat:
        chat.read_until("1>")
        chat.press("/s\t\t")
        chat.read_until("/system")
        chat.press("\x03")
        chat.read_until("interrupted 1\n")
        chat.read_until("2>")
        chat.end()


def test_alt_enter_and_ctrl_j_begin_a_line(history: Path) -> None:
    with _Chat("ToolkitInput", history) as chat:
        chat.read_until("1>")
        chat.send("one\x1b\rtwo\nthree", "got 'one\\ntwo\\nthree'\n")
        chat.read_until("2>")
        chat.end()


def test_importing_the_chat_input_does_not_import_prompt_toolkit() -> None:
    program = "import sys, ollama_rx.cli.chat.input; print([m for m in sys.modules if 'prompt_toolkit' in m])"
    with PseudoTerminal(program=program) as terminal:
        assert terminal.finish() == 0
        assert terminal.written == "[]\n"


def test_the_help_does_not_import_prompt_toolkit() -> None:
    program = (
        "import sys, contextlib\n"
        "from ollama_rx.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print([m for m in sys.modules if 'prompt_toolkit' in m or 'chat.input' in m])"
    )
    with PseudoTerminal("--help", program=program) as terminal:
        assert terminal.finish() == 0
        assert terminal.written.endswith("\n[]\n")
