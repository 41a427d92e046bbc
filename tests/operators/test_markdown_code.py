"""`MarkdownCode` knows whether streamed Markdown is inside of code."""

import pytest

from ollama_rx.operators._markdown_code import MarkdownCode
from tests.operators.text_pieces import SIZES, cut

INSIDE = [
    "- ```\n",
    "1. ~~~ x\n",
    "> 12) - ```\n- ```\n",
    "a `b",
    "``a`b",
    "```",
    "```x\ny",
    "~~~\n```\n",
    "````\n```\n",
    "~~~\n~~~x\n",
    "> ```\n> x",
    "a\n  ~~~\n",
]
OUTSIDE = ["-```\n", "1.```\n", "- ```\n  ```\n", "1 ```\n",
    "", "a", "a `b` c", "``a`b``", "```\nx\n```\n", "```a`b\n", "a `b\n", "a ```\n", "~~~\nx\n~~~~\ny",
    "x~~~\n", "```a b``` c\n",
]  # fmt: skip


def read(pieces: list[str]) -> MarkdownCode:
    code = MarkdownCode()
    for piece in pieces:
        code.read(piece)
    return code


@pytest.mark.parametrize("size", SIZES)
def test_code_is_found_however_the_text_is_cut(size: int) -> None:
    assert [read(cut(text, size)).inside for text in INSIDE] == [True] * len(INSIDE)
    assert [read(cut(text, size)).inside for text in OUTSIDE] == [False] * len(OUTSIDE)


def test_a_line_start_has_only_white_space_before_it() -> None:
    assert [read([text]).at_line_start for text in ("", "a\n", " ", "a\n \t", "a", " a", " " * 200)] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


def test_text_is_ignored_once_the_line_cannot_become_a_fence() -> None:
    ignored = ["a", "-x", "1.x", "- x", "1234567890", "*a", "> a", "```x", "~~~ x", "a\nb", " " * 200]
    read_on = ["", "-", "- ", "1", "12.", "> 1) ", "- ~~~", "  ", ">", "`", "~~~", "``` ", "a `", "a\n"]
    assert [read([text]).ignores_text for text in ignored] == [True] * len(ignored)
    assert [read([text]).ignores_text for text in read_on] == [False] * len(read_on)
