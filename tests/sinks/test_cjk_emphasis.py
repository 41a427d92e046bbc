"""Emphasis is read as models write it in scripts without spaces; all other text is read as before."""

# ruff: noqa: RUF001 - marks that look alike are the point
import pytest
from markdown_it import MarkdownIt

from ollama_rx.sinks._cjk_emphasis import allow_cjk_emphasis

COMMONMARK = MarkdownIt("commonmark")
FRIENDLY = MarkdownIt("commonmark")
allow_cjk_emphasis(FRIENDLY)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("这是**“一带一路”**倡议", "这是<strong>“一带一路”</strong>倡议"),
        ("**注意：**请看", "<strong>注意：</strong>请看"),
        ("これは*「例」*です", "これは<em>「例」</em>です"),
        ('**"인용"**은 **(단어)**를', "<strong>&quot;인용&quot;</strong>은 <strong>(단어)</strong>를"),
        ("นี่**“คำ”**ของ", "นี่<strong>“คำ”</strong>ของ"),
    ],
)
def test_emphasis_that_ends_with_a_mark_may_stand_beside_letters(text: str, html: str) -> None:
    assert FRIENDLY.render(text) == f"<p>{html}</p>\n"
    assert COMMONMARK.render(text) != FRIENDLY.render(text)


@pytest.mark.parametrize(
    "text",
    [
        "a*(b)*c and **“a”**b",
        "2 * 3 * 4",
        "日 * 本 * 語",
        "snake_case_日",
        "*",
        "**",
        "日*",
        "*日",
        "日** 本**",
    ],
)
def test_all_other_text_is_read_as_in_commonmark(text: str) -> None:
    assert FRIENDLY.render(text) == COMMONMARK.render(text)
