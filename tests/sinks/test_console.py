"""Text is printed at once, ends its line, and cannot control the terminal."""

import io
import sys
from typing import Any

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops

from ollama_rx import Chunk, deliver
from ollama_rx.sinks import Collector, Console
from tests.sinks.terminal_screen import Terminal


@pytest.fixture(autouse=True)
def terminal_that_understands_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


class BrokenPipe(io.StringIO):
    def flush(self) -> None:
        raise BrokenPipeError


def printed(*items: str | Chunk, thinking: bool = False, file: io.StringIO | None = None) -> str:
    file = io.StringIO() if file is None else file
    deliver(of(*items), Console(file, thinking=thinking)).wait(5)
    return file.getvalue()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [(["Hel", "lo"], "Hello\n"), (["Hello\n"], "Hello\n"), ([], ""), ([""], ""), (["a\n\n"], "a\n\n")],
)
def test_a_newline_is_added_exactly_when_it_is_missing(pieces: list[str], expected: str) -> None:
    assert printed(*pieces) == expected


def test_an_unfinished_line_is_ended_after_an_error() -> None:
    file = io.StringIO()
    with pytest.raises(ValueError, match="no"):
        deliver(of("Hel").pipe(ops.concat(reactivex.throw(ValueError("no")))), Console(file)).wait(5)
    assert file.getvalue() == "Hel\n"


def test_each_item_is_flushed_at_once() -> None:
    file = Terminal()
    Console(file).on_next("Hel")
    assert file.flushes == 1


def test_standard_output_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    Console().on_next("Hello\n")
    assert capsys.readouterr().out == "Hello\n"


def test_chunks_are_printed_as_their_text() -> None:
    chunks = Chunk({"response": "Hel"}), Chunk({"message": {"content": "lo"}}), Chunk({"done": True})
    assert printed(*chunks) == "Hello\n"


THINKING = (
    Chunk({"thinking": "Hm", "response": ""}),
    Chunk({"thinking": "m", "response": ""}),
    Chunk({"response": "Hello"}),
    Chunk({"response": "."}),
)


def test_thinking_is_not_printed_by_default() -> None:
    assert printed(*THINKING) == "Hello.\n"


def test_thinking_is_printed_before_the_answer_and_is_plain_in_a_file() -> None:
    assert printed(*THINKING, thinking=True) == "Hmm\nHello.\n"


def test_thinking_is_dim_on_a_terminal() -> None:
    expected = "\x1b[2mHm\x1b[22m\x1b[2mm\x1b[22m\nHello.\n"
    assert printed(*THINKING, thinking=True, file=Terminal()) == expected


def test_with_an_end_each_text_is_printed_on_a_line_of_its_own() -> None:
    file = io.StringIO()
    _ = of("One.", "", "Two.").subscribe(Console(file, end="\n"))
    assert file.getvalue() == "One.\nTwo.\n"


def test_with_an_end_each_chunk_with_text_is_printed_on_a_line_of_its_own() -> None:
    file = io.StringIO()
    chunks = of(Chunk({"response": "One."}), Chunk({"response": ""}), Chunk({"response": "Two."}))
    _ = chunks.subscribe(Console(file, end="\n"))
    assert file.getvalue() == "One.\nTwo.\n"


def test_text_cannot_control_the_terminal() -> None:
    text = "a\x1b[2Jb\x07\x9b31m\r\x00\x7f\tc\n\u00e9\u00a0\U0001f600"
    assert printed(text) == "a\\x1b[2Jb\\x07\\x9b31m\\x0d\\x00\\x7f\tc\n\u00e9\u00a0\U0001f600\n"


def test_line_ends_of_windows_are_line_ends() -> None:
    assert printed("a\r\n\r\nb\r\n") == "a\n\nb\n"


def test_text_cannot_reorder_the_text_around_it() -> None:
    controls = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert printed(controls) == r"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" + "\n"


def test_the_direction_marks_of_arabic_and_hebrew_text_stay() -> None:
    marks = "\u200e\u200f\u061c"
    assert printed(marks) == marks + "\n"


def test_a_terminal_that_is_not_utf8_shows_escapes() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    Console(file).on_next("gr\u00fc\u00df\n")
    assert raw.getvalue() == b"gr\\xfc\\xdf\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"file": "out.txt"}, "file: expected a text file that is open for writing, got str"),
        ({"file": io.BytesIO()}, "file: expected a text file that is open for writing, got BytesIO"),
        ({"thinking": "yes"}, "thinking: expected True or False, got str"),
        ({"end": None}, "end: expected text, got NoneType"),
        ({"markdown": 1}, "markdown: expected True or False, got int"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        Console(**arguments)


def test_a_broken_pipe_stops_the_sink_without_an_error_and_the_others_continue() -> None:
    other = Collector[str]()
    deliver(of("a", "b"), Console(BrokenPipe()), other).wait(5)
    assert other.items == ["a", "b"]


def test_a_pipe_that_breaks_at_the_last_newline_raises_no_error() -> None:
    class LatePipe(io.StringIO):
        def write(self, text: str, /) -> int:
            if text == "\n":
                raise BrokenPipeError
            return len(text)

    deliver(of("a"), Console(LatePipe())).wait(5)


def test_a_broken_pipe_of_a_replaced_standard_output_raises_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", BrokenPipe())
    deliver(of("a"), Console()).wait(5)


def test_on_a_terminal_lines_are_broken_between_words() -> None:
    terminal = Terminal(12)
    printed("one two", " th", "ree four", file=terminal)
    assert terminal.text == ["one two", "three four", ""]


def test_a_text_that_is_not_printed_on_a_terminal_is_not_changed() -> None:
    assert printed("one two three " * 20) == "one two three " * 20 + "\n"


def test_a_dumb_terminal_gets_no_escape_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal(12)
    chunks = Chunk({"thinking": "Hm"}), Chunk({"response": "one two three"})
    deliver(of(*chunks), Console(terminal, thinking=True, markdown=True)).wait(5)
    assert terminal.getvalue() == "Hm\none two three\n"


def test_a_file_that_can_only_write_is_not_a_terminal() -> None:
    class Minimal:
        def __init__(self) -> None:
            self.parts: list[str] = []
            self.write = self.parts.append

        def flush(self) -> None: ...

    file: Any = Minimal()
    Console(file, markdown=True).on_next("*a*")
    assert file.parts == ["*a*"]


class TerminalWithoutSize(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_that_does_not_tell_its_size_breaks_the_lines_itself() -> None:
    assert printed("word " * 50, file=TerminalWithoutSize()) == "word " * 50 + "\n"


def drawn(*items: str | Chunk, thinking: bool = False, terminal: Terminal | None = None) -> list[str]:
    terminal = terminal or Terminal(40, 10)
    deliver(of(*items), Console(terminal, markdown=True, thinking=thinking)).wait(5)
    return terminal.text


def test_markdown_is_drawn_on_a_terminal() -> None:
    assert drawn("Some *te", "xt*:\n", "- a\n", "- b") == ["Some text:", "", " • a", " • b", ""]


def test_markdown_is_not_changed_where_it_is_not_drawn() -> None:
    file = io.StringIO()
    deliver(of("Some *te", "xt*"), Console(file, markdown=True)).wait(5)
    assert file.getvalue() == "Some *text*\n"


def test_markdown_is_drawn_below_the_thinking() -> None:
    terminal = Terminal(40, 10)
    assert drawn(*THINKING[:2], "*Hello*\n\nyou", thinking=True, terminal=terminal) == [
        "Hmm",
        "Hello",
        "",
        "you",
        "",
    ]
    assert terminal.getvalue().startswith("\x1b[2mHm\x1b[22m")


def test_thinking_between_two_texts_ends_the_open_block() -> None:
    items = Chunk({"response": "*a*"}), Chunk({"thinking": "Hm"}), Chunk({"response": "*b*"})
    assert drawn(*items, thinking=True) == ["a", "Hm", "b", ""]


def test_an_answer_that_breaks_off_is_drawn_as_far_as_it_has_arrived() -> None:
    terminal = Terminal(40, 10)
    stream = of("a **b").pipe(ops.concat(reactivex.throw(ValueError("no"))))
    with pytest.raises(ValueError, match="no"):
        deliver(stream, Console(terminal, markdown=True)).wait(5)
    assert terminal.text == ["a **b", ""]


def test_an_answer_that_is_cancelled_is_drawn_as_far_as_it_has_arrived() -> None:
    terminal = Terminal(40, 10)
    with Console(terminal, markdown=True) as console:  # the only call after a cancellation is `close`
        console.on_next("*a")
        console.on_next("* b")
    assert terminal.text == ["a b", ""]
    assert "\x1b[?25l" not in terminal.getvalue()  # the cursor was never hidden


def test_two_answers_are_drawn_below_each_other() -> None:
    terminal = Terminal(40, 10)
    drawn("*a*", terminal=terminal)
    assert drawn("# b\n", "c", terminal=terminal) == ["a", "b".center(39).rstrip(), "", "c", ""]


def test_with_an_end_each_item_of_markdown_is_followed_by_it() -> None:
    terminal = Terminal(40, 10)
    _ = of("# a", "- b", "- c").subscribe(Console(terminal, markdown=True, end="\n"))
    assert terminal.text == ["a".center(39).rstrip(), "", " • b", " • c", ""]


def test_a_terminal_that_is_not_utf8_shows_escapes_in_drawings() -> None:
    class AsciiTerminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    raw = io.BytesIO()
    Console(AsciiTerminal(raw, encoding="ascii"), markdown=True).on_next("gr\u00fc\u00df\n\n")
    assert b"gr\\xfc\\xdf" in raw.getvalue()


def test_without_the_extra_markdown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(
        ImportError, match=r'^Console\(markdown=True\) needs rich: pip install "ollama-rx\[cli\]"$'
    ):
        Console(io.StringIO(), markdown=True)
