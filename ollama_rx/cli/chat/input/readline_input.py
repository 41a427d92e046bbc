"""Editing with readline of the standard library, which is GNU Readline or libedit."""

import os
import readline
import signal
import sys
import termios
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType

from ollama_rx.cli.chat.input.input_history import InputHistory
from ollama_rx.cli.chat.input.message_input import MessageInput, interruptible_prompt, read_lines
from ollama_rx.cli.chat.input.plain_input import COLOUR
from ollama_rx.cli.chat.input.word_completion import complete
from ollama_rx.cli.output.layout import printable

_PASTES, _END_OF_PASTES = "\x1b[?2004h", "\x1b[?2004l"  # tells the terminal to put marks around them


class ReadlineInput(MessageInput):
    """Reads lines that are edited with readline; sets up that module until it is closed."""

    def __init__(self, history: InputHistory, words: Callable[[str], Iterable[str]]) -> None:
        self._history = history
        self._words = words
        self._found: list[str] = []
        self._prompt = ""
        self._before = (readline.get_completer(), readline.get_completer_delims())
        readline.set_completer(self._complete)
        readline.set_completer_delims(" \t\n")
        self._is_gnu = "libedit" not in (readline.__doc__ or "")
        readline.parse_and_bind("tab: complete" if self._is_gnu else "bind ^I rl_complete")
        self._take_pasted_lines_at_once("on")
        readline.set_auto_history(False)
        readline.clear_history()
        for entry in history.entries:
            readline.add_history(entry)

    def read(self, prompt: str, *, draft: str = "") -> str:
        """Return the next message."""
        with interruptible_prompt(), self._suspendable():
            readline.set_startup_hook((lambda: readline.insert_text(draft)) if draft else None)
            try:
                lines = read_lines(self._read_line, prompt)
            except (EOFError, KeyboardInterrupt, SystemExit):
                self._write("\n")
                raise
            finally:
                readline.set_startup_hook(None)
        if self._history.add(lines.typed):
            readline.add_history(lines.typed)
        return lines.message

    def _read_line(self, prompt: str) -> str:
        self._prompt = prompt
        line = input(COLOUR.sub("\x01\\g<0>\x02", prompt))  # marks what takes no column
        readline.set_startup_hook(None)  # the draft is in the first line
        return line

    def _complete(self, _: str, state: int) -> str | None:
        """Return a completion by its number, or None; the name of a file may be several words of readline."""
        if state == 0:
            before = readline.get_line_buffer()[: readline.get_endidx()]
            start, found = complete(before, self._words)
            self._found = [word[readline.get_begidx() - start :] for word in found]
        return self._found[state] if state < len(self._found) else None

    @contextmanager
    def _suspendable(self) -> Generator[None]:
        """Let Ctrl-Z leave the terminal as it was, and show the line again when the process goes on.

        Readline does so only if it handles signals, which Python tells it not to.
        """
        before = signal.getsignal(signal.SIGTSTP)
        if before is not signal.SIG_DFL or threading.current_thread() is not threading.main_thread():
            yield
            return
        self._terminal = termios.tcgetattr(sys.stdin)
        signal.signal(signal.SIGTSTP, self._suspend)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _suspend(self, number: int, _: FrameType | None) -> None:
        editing = termios.tcgetattr(sys.stdin)
        self._write(_END_OF_PASTES if self._is_gnu else "")
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # returns when the process goes on
        signal.signal(number, self._suspend)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, editing)
        shown = "\n".join(map(printable, readline.get_line_buffer().split("\n")))
        self._write((_PASTES if self._is_gnu else "") + self._prompt + shown)

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _take_pasted_lines_at_once(self, switch: str) -> None:
        """Switch what Python switches off, since its own prompt reads line by line."""
        if self._is_gnu:
            readline.parse_and_bind(f"set enable-bracketed-paste {switch}")

    def close(self) -> None:
        """Leave the module as it was, without a history."""
        self._take_pasted_lines_at_once("off")
        completer, delimiters = self._before
        readline.set_completer(completer)
        readline.set_completer_delims(delimiters)
        readline.set_auto_history(True)
        readline.clear_history()
