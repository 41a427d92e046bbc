"""Markdown is drawn as rows, and nothing in it can control the terminal."""

import pytest

from ollama_rx.sinks._markdown_rows import STYLE, MarkdownRows
from tests.sinks.terminal_screen import Terminal


def drawn(text: str, columns: int = 40) -> list[str]:
    """Return the rows without their colours."""
    return [STYLE.sub("", row).rstrip() for row in MarkdownRows(Terminal()).draw(text, columns)]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("A *b* **c** `d` ~~e~~.\n", ["A b c d e."]),
        ("## Title\n", ["Title"]),
        ("- a\n- b\n  1. c\n", [" • a", " • b", "    1 c"]),
        ("```python\nx = 1\n\ny = 2\n```\n", [" x = 1", "", " y = 2"]),
        ("|a|b|\n|-|-|\n|1|日本|\n", [" a  b", " ───────", " 1  日本"]),
        ("> a\n> b\n", ["▌ a", "▌ b"]),
        ("Roses\nare *red,\nviolets*\n- a\n  b\n", ["Roses", "are red,", "violets", "", " • a", "   b"]),
        ("|a|\n|-|\n|1<br>2 <BR/>`<br>`|\n", [" a", " ────", " 1", " 2", " <br>"]),
        ("one two three four five six seven eight nine", ["one two three four five six seven eight", "nine"]),
    ],
)
def test_each_kind_of_block_is_drawn_without_empty_rows_around_it(text: str, rows: list[str]) -> None:
    assert drawn(text) == rows


def test_formatting_is_shown_in_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert MarkdownRows(Terminal()).draw("a **b**", 40) == ["a \x1b[1mb\x1b[0m"]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a\x1b[2Jb\x9bc\u202ed", r"a\x1b[2Jb\x9bc\u202ed"),
        ("`a\x1b[2J`", r"a\x1b[2J"),
        ("&#x202e;&#x2066;", r"\u202e\u2066"),
        ("&#x1b;[2J", "\ufffd[2J"),
        ("[a&#x202e;](<b\u202e>)", r"a\u202e (b%E2%80%AE)"),
        ("![a\u202e](b)", r"a\u202e (b)"),
        ("    \x1b[2J", r" \x1b[2J"),
    ],
)
def test_text_cannot_control_the_terminal(text: str, row: str) -> None:
    assert drawn(text) == [row]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("[a **b**](https://c.d)", "a b (https://c.d)"),
        ("<https://c.d>", "https://c.d"),
        ("[a](vscode://b)", "a (vscode://b)"),
        ("[a](javascript:b)", "[a](javascript:b)"),
        ("![a](b.png)", "a (b.png)"),
        ("[![a](b)](c)", "a (b) (c)"),
        ("[a]: https://c.d", "[a]: https://c.d"),
    ],
)
def test_a_link_is_shown_with_its_address(text: str, row: str) -> None:
    rows = MarkdownRows(Terminal()).draw(text, 40)
    assert [STYLE.sub("", row) for row in rows] == [
        row
    ]  # and nothing to click, which would be an OSC sequence


@pytest.mark.parametrize("text", ["<b>a</b>", "[red]a[/red] :smile:", "a <!-- b -->"])
def test_html_and_the_markup_of_rich_are_text(text: str) -> None:
    assert drawn(text) == [text]
