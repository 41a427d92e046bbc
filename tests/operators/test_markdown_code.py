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
