"""Editing with prompt_toolkit: several lines, pasted text, a menu of completions."""

import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import contextmanager

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.output.vt100 import Vt100_Output

from ollama_rx.cli.chat.input.input_history import InputHistory
from ollama_rx.cli.chat.input.message_input import CONTINUATION, MessageInput, interruptible_prompt
from ollama_rx.cli.chat.input.message_lines import MessageLines
from ollama_rx.cli.chat.input.word_completion import complete


class ToolkitInput(MessageInput):
    """Reads messages that are edited with prompt_toolkit.

    Enter sends; Alt-Enter, Escape and Enter, or Ctrl-J begin a new line, and so does Enter in a message that
    is not complete. Pasted text is one message, whatever its lines.
    """

    def __init__(
        self,
        history: InputHistory,
        words: Callable[[str], Iterable[str]],
        *,
        source: Input | None = None,
        screen: Output | None = None,
    ) -> None:
        self._history = history
        self._session = PromptSession[str](
            multiline=True,
            completer=_Words(words),
            complete_while_typing=False,
            history=_SharedHistory(history),
            key_bindings=_keys(),
            prompt_continuation=_continuation,
            enable_suspend=True,
            input=source,
            output=_terminal() if screen is None else screen,
        )

    def read(self, prompt: str, *, draft: str = "") -> str:
        """Return the next message."""
        lines = MessageLines()
        with interruptible_prompt():
            with _late_ctrl_c() as raise_it:
                text = self._session.prompt(ANSI(prompt), default=draft, pre_run=raise_it)
            lines.feed(text)
        self._history.add(lines.typed)
        return lines.message


@contextmanager
def _late_ctrl_c() -> Generator[Callable[[], None]]:
    """Keep back a Ctrl-C before the prompt runs, where asyncio makes an event loop, or after it.

    Raised there, it would leave a half-made loop, whose traceback Python prints. The prompt calls what this
    yields when it runs and handles the signal itself.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: None
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))

    def raise_in_prompt() -> None:
        if pressed:
            pressed.clear()
            get_app().exit(exception=KeyboardInterrupt(), style="class:aborting")

    try:
        yield raise_in_prompt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt


def _terminal() -> Output:
    """Return the terminal, without questions to it: a late answer would end up in the next message."""
    terminal = create_output(always_prefer_tty=True)
    if isinstance(terminal, Vt100_Output):  # pragma: no branch - not on Windows
        terminal.enable_cpr = False
    return terminal


def _continuation(width: int, line: int, wraps: int) -> str:
    """Return what is before a line other than the first: nothing before one that is only wrapped."""
    del width, line
    return "" if wraps else CONTINUATION


def _keys() -> KeyBindings:
    keys = KeyBindings()
    in_message = has_focus(DEFAULT_BUFFER)  # and not in the search of the history

    @keys.add("enter", filter=in_message)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None  # takes the completion; another Enter sends
            return
        lines = MessageLines()
        if lines.feed(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.document = Document(lines.typed + "\n")

    @keys.add("escape", "enter", filter=in_message)
    @keys.add("c-j", filter=in_message)
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    return keys


class _Words(Completer):
    def __init__(self, words: Callable[[str], Iterable[str]]) -> None:
        self._words = words

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        del complete_event
        before = document.text_before_cursor
        start, found = complete(before, self._words)
        for word in found:
            name = word.rstrip('/"').rpartition("/")[2] if word.startswith("@") else word
            yield Completion(word, start_position=start - len(before), display=name)


class _SharedHistory(History):
    """Shows the entries of our history, which also adds to it."""

    def __init__(self, history: InputHistory) -> None:
        super().__init__()
        self._history = history

    async def load(self) -> AsyncGenerator[str, None]:
        """Yield the entries, the newest first."""
        for entry in self.load_history_strings():
            yield entry

    def load_history_strings(self) -> Iterable[str]:
        """Return the entries, the newest first."""
        return reversed(self._history.entries)

    def append_string(self, string: str) -> None:
        """Do nothing: `ToolkitInput.read` adds what was entered."""

    def store_string(self, string: str) -> None:
        """Do nothing: as above."""
