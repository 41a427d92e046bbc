"""Complete blocks are printed once; the open one is drawn below them, bounded by the window."""

import io

import pytest

from ollama_rx.sinks._markdown_printer import MarkdownPrinter
from tests.sinks.terminal_screen import Terminal


class Screen:
    """A printer on a terminal, with a clock that stands still between two calls of `feed`."""

    def __init__(self, columns: int = 40, height: int = 10) -> None:
        self.terminal = Terminal(columns, height)
        self.time = 0.0
        self.printer = MarkdownPrinter(self.terminal, self.terminal.write, lambda: self.time)

    def feed(self, text: str, *, after: float = 1.0) -> list[str]:
        """Feed text after some seconds; return what is shown then."""
        self.time += after
        self.printer.feed(text)
        return self.terminal.text

    def finish(self) -> list[str]:
        self.printer.finish()
        return self.terminal.text


def numbered(count: int) -> list[str]:
    return [f"- item {number}\n" for number in range(count)]


def test_blocks_are_separated_by_one_empty_row() -> None:
    screen = Screen()
    assert screen.feed("# A\n\n\nText **bold") == ["A".center(39).rstrip(), "", "Text **bold"]
    assert screen.feed("** and\n- a\n- b\n") == [
        "A".center(39).rstrip(),
        "",
        "Text bold and",
        "",
        " • a",
        " • b",
    ]
    assert screen.finish() == ["A".center(39).rstrip(), "", "Text bold and", "", " • a", " • b", ""]


def test_the_open_block_is_drawn_ten_times_a_second_at_most() -> None:
    screen = Screen()
    assert screen.feed("a") == ["a"]
    assert screen.feed("b", after=0.05) == ["a"]
    assert screen.feed("c", after=0.06) == ["abc"]


def test_a_block_that_is_hard_to_draw_is_drawn_less_often() -> None:
    screen = Screen()
    draw = screen.printer._draw

    def slow(text: str, columns: int) -> list[str]:
        screen.time += 0.05
        return draw(text, columns)

    screen.printer._draw = slow
    assert screen.feed("a") == ["a"]
    assert screen.feed("b", after=0.9) == ["a"]
    assert screen.feed("c", after=0.2) == ["abc"]


def test_a_complete_block_is_printed_at_once() -> None:
    screen = Screen()
    screen.feed("a")
    assert screen.feed("b\n\nc", after=0) == ["ab", ""]


def test_a_line_that_may_become_anything_is_not_drawn_yet() -> None:
    screen = Screen()
    assert screen.feed("Text\n-") == ["Text"]  # neither a heading nor a list
    assert screen.feed(" a") == ["Text", "", " • a"]


def test_what_is_complete_is_never_drawn_again() -> None:
    screen = Screen(height=6)
    complete: list[str] = []
    for number in range(30):
        rows = screen.feed(f"Paragraph {number} with **words** for\nmore than a row of text.\n\n")
        assert rows[: len(complete)] == complete
        complete = rows[:-1]
    assert len(complete) == 89


@pytest.mark.parametrize("height", [2, 3, 5, 24])
def test_of_a_tall_block_the_end_is_shown_and_then_all_of_it(height: int) -> None:
    screen = Screen(height=height)
    screen.feed("Start.\n\n")
    for number, item in enumerate(numbered(60)):
        rows = screen.feed(item)
        assert rows[:1] == ["Start."]
        assert len(rows) - 1 <= height - 1
        assert rows[-1] == f" • item {number}"
    assert screen.finish() == ["Start.", "", *(f" • item {number}" for number in range(60)), ""]


def test_of_a_tall_block_of_code_the_end_is_drawn_as_code() -> None:
    screen = Screen(height=5)
    rows = screen.feed("```\n" + "".join(f"line *{number}*\n" for number in range(100)))
    assert rows == [f" line *{number}*" for number in range(96, 100)]


def test_of_a_tall_table_the_end_is_drawn_as_a_table() -> None:
    screen = Screen(height=5)
    rows = screen.feed("|a|b|\n|-|-|\n" + "".join(f"|{number}|x|\n" for number in range(100)))
    assert rows == [f" {number}  x" for number in range(96, 100)]


def test_of_a_long_paragraph_the_end_is_shown() -> None:
    screen = Screen(height=5)
    rows = screen.feed("日本語 " * 5000 + "end")
    assert len(rows) == 4
    assert rows[-1].endswith("end")


def test_the_end_of_a_tall_list_with_long_items_begins_with_an_item() -> None:
    screen = Screen(height=4)
    text = "".join(f"{number}. {'word ' * 10}\n" for number in range(1, 40))
    rows = screen.feed(text)
    assert rows == ["    word word word", " 39 " + "word " * 6 + "word", "    word word word"]


def test_the_end_of_a_tall_list_begins_with_an_item() -> None:
    screen = Screen(height=3)
    assert screen.feed("- item\n  ```\n  code\n  ```\n" * 50) == ["", "    code"]


def test_an_item_that_is_taller_than_the_window_is_shown_from_somewhere_in_it() -> None:
    screen = Screen(height=3)
    assert screen.feed("- a\n" + "  b\n" * 50 + "  c")[-1].endswith("c")


def test_emoji_that_the_terminal_shows_too_wide_leave_nothing_behind() -> None:
    screen = Screen(columns=20)
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"  # 2 columns, or 6 where the joiner means nothing
    for word in f"A word, {family} {family} {family} {family} {family}".split(" "):
        rows = screen.feed(word + " ")
        assert len(rows) <= 2
    assert "".join(screen.finish()).count(family) == 5


def test_after_a_resize_nothing_that_was_drawn_is_left() -> None:
    screen = Screen(columns=40)
    text = "Complete.\n\nSome words that are to be drawn again in a narrow window."
    screen.feed(text)
    screen.terminal.resize(20, 10)
    assert screen.feed(" Yes.") == [
        "Complete.",
        "",
        "Some words that are",
        "to be drawn again",
        "in a narrow window.",
        "Yes.",
    ]
    screen.terminal.resize(60, 10)
    assert screen.feed(" No.")[:3] == [
        "Complete.",
        "",
        "Some words that are to be drawn again in a narrow window.",
    ]


def test_two_answers_can_follow_each_other() -> None:
    screen = Screen()
    screen.feed("```\na")
    screen.finish()
    screen.feed("# b\nc")
    assert screen.finish() == [" a", "b".center(39).rstrip(), "", "c", ""]


def test_an_answer_without_text_prints_nothing() -> None:
    screen = Screen()
    screen.feed("\n")
    assert screen.finish() == [""]


def test_a_terminal_that_does_not_tell_its_size_is_taken_for_one_of_80_columns() -> None:
    terminal = io.StringIO()
    MarkdownPrinter(terminal, terminal.write).feed("word " * 20)
    assert (
        terminal.getvalue().replace("\x1b[K", "").removeprefix("\x1b[?7l").split("\n")[0]
        == "\r" + ("word " * 16).rstrip()
    )
