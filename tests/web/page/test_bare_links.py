"""Addresses that stand in a text without any Markdown around them."""

import re

import pytest

from ollama_rx.web.page.markdown_html import markdown_html
from tests.web.page.test_markdown_html import Checked

FOUND = re.compile(r'<a href="([^"]*)" target="_blank" rel="noopener noreferrer nofollow">\1</a>')


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://a.b/c_d_e?f=g&h=i#j.", ["https://a.b/c_d_e?f=g&amp;h=i#j"]),
        ("(http://a.b/c_(d)), [https://a.b/e[1]]; 'https://a.b/f'!", ["http://a.b/c_(d)", "https://a.b/e[1]", "https://a.b/f"]),
        ("**https://a.b** and HTTP://A.B:80/", ["https://a.b", "HTTP://A.B:80/"]),
        ("http://localhost:11434/api, http://127.0.0.1...", ["http://localhost:11434/api", "http://127.0.0.1"]),
        (r"https://a.b/c\_d and https://a.b/?c&amp;d", ["https://a.b/c_d", "https://a.b/?c&amp;d"]),
        ("见https://a.b/c。https://de.a.b/Müller", ["https://a.b/c", "https://de.a.b/Müller"]),
        ("| a |\n|---|\n| https://a.b |\n\n- [ ] https://a.c", ["https://a.b", "https://a.c"]),
        ("https://a.b/<b>", ["https://a.b/"]),
        ("https://a.b/c\u202ed", ["https://a.b/c"]),
    ],
)  # fmt: skip
def test_an_address_is_a_link_without_the_punctuation_after_it(text: str, links: list[str]) -> None:
    html = markdown_html(text)
    Checked(html)
    assert FOUND.findall(html) == links


@pytest.mark.parametrize(
    "text",
    [
        "www.a.b a@b.c //a.b http: http:// http:/a.b https://.a.b https://[::1]/",
        "ftp://a.b file:///etc/passwd javascript://a.b data:text/html,x xhttps://a.b blob:https://a.b",
        "https://a.example@evil.example",
        "https://gооgle.example",  # noqa: RUF001 - these letters are Cyrillic
        "https://googlе.example",  # noqa: RUF001
        "`https://a.b`\n\n    https://a.b",
    ],
)
def test_other_text_is_none(text: str) -> None:
    html = markdown_html(text)
    Checked(html)
    assert "<a" not in html


def test_an_address_in_a_link_is_its_text() -> None:
    html = markdown_html("[https://a.b *https://a.b*](https://c.d) https://e.f")
    Checked(html)
    assert re.findall('href="([^"]*)"', html) == ["https://c.d", "https://e.f"]


@pytest.mark.parametrize("piece", [".:", "://", "http://", "https://a.", "http://a@", "https://a.b/)", "a)]"])
def test_a_long_line_takes_no_long_time(piece: str) -> None:
    """Quadratic time would be minutes here."""
    Checked(markdown_html("https://a.b/" + piece * (100_000 // len(piece))))
