"""The blocks are those of markdown-it, and are known from each line as it arrives."""

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ollama_rx.block_splitter import BlockSplitter

MARKDOWN_IT = MarkdownIt("commonmark").enable("table")


def split(text: str, size: int = 1_000_000) -> list[str]:
    splitter = BlockSplitter()
    blocks: list[str] = []
    for start in range(0, len(text), size):
        blocks += splitter.feed(text[start : start + size])
    return blocks + splitter.flush()


@pytest.mark.parametrize(
    "blocks",
    [
        ["a\nb\n\n", "\n\nc"],
        ["# a\n", "## b\n", "c"],
        ["#a\n\n", "#\tb\n", "#\n", "####### c"],
        ["a\n---\n", "b\n===\n", "c"],
        ["a\n", "***\n", "- - -\n", "_ _ _\n", "b"],
        ["```\n\n# a\n```\n", "b"],
        ["````\n```\n````\n", "~~~ x`y\n~~~\n", "``` x`y\n", "```"],
        ["a\n", "```py\n```\n", "b"],
        ["    a\n\n\n    b\n", "c"],
        ["a\n    b\n"],
        ["> a\nb\n\n", "> c\n", "# d\n"],
        ["> ```\n> a\n", "b\n"],
        ["> # a\n", "b\n"],
        [">     a\n", "b\n"],
        ["- a\n\n- b\n\n\n- c\n", "* d\n", "+ e\n", "1. f\n2. g\n", "1) h"],
        ["- a\nb\n\n  c\n\n", "d"],
        ["- a\n  - b\n\n    c\n- d\n", "# e"],
        ["-\n  a\n", "# b\n", "-\n\n- c\n\n", " d"],
        ["-     a\n\n  b\n\n", " c"],
        ["- \ta\n\n  \tb\n"],
        ["10. a\n\n    b\n\n", "   c"],
        ["a\n2. b\n-\n"],
        ["a\n", "1. b"],
        ["- - a\n\n    b\n\n  c\n\n", "d"],
        ["| a | b |\n|---|:-:|\n| 1 |\n| 2 | 3 | 4\n\n", "c"],
        ["a\n", "|b|\n|-|\n", "# c"],
        ["a|b\n-|-\n1|2\n", "    c"],
        ["a|b\n-|-\n", "\xa0\n    c\n"],
        ["a|b\n--|\n"],
        ["\\|a\n|-|\n"],
        ["| # a|b\n-|-|-\n"],
        ["# a|b\n-|-\nc|d\n"],
        ["# a|b\n", "c\n\n", "# d|e\n\n", "f"],
        ["- a|b\n-|-\n", "- c|d\n"],
        ["> a|b\n> -|-\n", "c"],
        ["<div>\n*a*\n\n", "<!-- a\n\nb -->\n", "<pre>\n\n</pre> x\n", "<? a ?>\n", "<!A b>\n", "c"],
        ["<![CDATA[\n\n]]>\n", '<x a="b" c>\n# d\n\n', "</x>\n\n", "a\n<x>\n\n", "a\n", "<p>\n\n", "<x a\nb"],
        ["a|b\n-|-\n<x>\n"],
        ["[a]: /b\n", "[c]: <d e> 'f'\n", "2. g"],
        ["[a]: /b\n'c\nd'\n\n", "[a]:\n/b\n===\n\n", "[a]: javascript:b\n2. c"],
        ["a\r\n\r\n", "# b\r", "c\r\r", "d"],
        ["a\x0bb\x0c\n\x0b\n\n", "\u2028c"],
        ["> " * 30 + "a\n\n", "b"],
    ],
)
def test_a_text_is_cut_into_these_blocks(blocks: list[str]) -> None:
    text = "".join(blocks)
    assert [split(text, size) for size in (1, 2, 3, len(text))] == [blocks] * 4


@pytest.mark.parametrize("text", ["", "\n", " \n\t\r\n", "\r"])
def test_white_space_alone_is_no_block(text: str) -> None:
    assert split(text) == split(text, 1) == []


def test_the_open_block_is_the_text_after_the_complete_ones() -> None:
    splitter = BlockSplitter()
    assert splitter.feed("# a\n- b\n- ") == ["# a\n"]
    assert (splitter.open_text, splitter.open_lines) == ("- b\n- ", ["- b\n", "- "])


def test_after_the_end_of_a_text_another_one_can_follow() -> None:
    splitter = BlockSplitter()
    assert splitter.feed("```\na") + splitter.flush() == ["```\na"]
    assert splitter.feed("# b\nc") + splitter.flush() == ["# b\n", "c"]


PIECES = [  # of Markdown; any of them may come after any other
    *("a", "b c", "*c*", "é", "_", "`", ":", "\\|", "[a]", "[a]: /u", "<x>", "<!--", "-->"),
    *("\n", "\n", "\n", "\n\n", "\r\n", "\r", " ", "  ", "    ", "\t"),
    *("#", "## ", "```", "~~~", "---", "===", "- ", "-", "* ", "+ ", "> ", ">", "1. ", "2. ", "10) "),
    *("<div>", "</div>", "<pre>", "</pre>", "|", "| a | b |\n", "|---|---|\n", "a|b\n-|-\n"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@settings(derandomize=True, max_examples=400)
@given(TEXTS)
def test_blocks_drawn_one_by_one_look_like_the_whole_text(text: str) -> None:
    blocks = split(text)
    assert "".join(blocks).rstrip("\n\r\t ") == text.rstrip("\n\r\t ")
    addresses: dict[str, object] = {}
    try:
        whole = MARKDOWN_IT.render(text, addresses)  # fills in the addresses of links by reference
    except IndexError:  # a defect of markdown-it-py 4.3 with HTML at the end of a list
        reject()
    known = addresses.get("references", {})
    assert "".join(MARKDOWN_IT.render(block, {"references": known}) for block in blocks) == whole


@settings(derandomize=True, max_examples=200)
@given(TEXTS, st.integers(1, 5))
def test_any_cutting_gives_the_same_blocks(text: str, size: int) -> None:
    assert split(text, size) == split(text)
