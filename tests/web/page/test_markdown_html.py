"""Markdown as HTML: what it shows, and that nothing in it can run, load or leave the page unasked."""

import re
import sys
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.web.page import markdown_html as module
from ollama_rx.web.page.markdown_html import complete_block_html, markdown_html

LINK = 'target="_blank" rel="noopener noreferrer nofollow"'
ALLOWED: dict[str, set[str]] = {
    "a": {"href", "target", "rel", "class"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "li": {"class"},
    "th": {"class"},
    "td": {"class"},
    "pre": {"data-language"},
    "code": {"class"},
    "span": {"class"},
}
_BARE_TAGS = "p em strong s h1 h2 h3 h4 h5 h6 ul blockquote hr br table thead tbody tr"
BARE = set(_BARE_TAGS.split(" "))
VALUES = {
    "href": r"(https?://[^/]|mailto:.).*",
    "target": "_blank",
    "rel": "noopener noreferrer nofollow",
    "src": r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*",
    "alt": ".*",
    "start": r"\d+",
    "data-language": r"[A-Za-z0-9_+#.-]{1,30}",
    "class": "image-link|highlight|task|align-(left|center|right)|[a-z0-9]{1,3}",
}
EMPTY = {"img", "hr", "br"}


class Checked(HTMLParser):
    """Reads HTML as a browser does, and refuses all but the few tags and attributes that are harmless."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED.keys() | BARE
        for name, value in attrs:
            assert name in ALLOWED.get(tag, ()), (tag, name)
            assert re.fullmatch(VALUES[name], value or "", re.DOTALL | re.IGNORECASE), (name, value)
        if tag == "a":
            assert {"target", "rel"} <= {name for name, _ in attrs}
            assert "a" not in self._open
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A *b*", "<h1>A <em>b</em></h1>\n"),
        ("a  \nb", "<p>a<br>\nb</p>\n"),
        ("~~no~~", "<p><s>no</s></p>\n"),
        ("3. x", '<ol start="3">\n<li>x</li>\n</ol>\n'),
        ("> q", "<blockquote>\n<p>q</p>\n</blockquote>\n"),
        ("---", "<hr>\n"),
        ("`a<b`", "<p><code>a&lt;b</code></p>\n"),
        ("[a](https://b.c/?d&e 'title')", f'<p><a href="https://b.c/?d&amp;e" {LINK}>a</a></p>\n'),
        ("<mailto:a@b.c>", f'<p><a href="mailto:a@b.c" {LINK}>mailto:a@b.c</a></p>\n'),
        ("- [ ] a\n- [x] b", '<ul>\n<li class="task">☐ a</li>\n<li class="task">☑ b</li>\n</ul>\n'),
        ("- *[ ] a*", "<ul>\n<li><em>[ ] a</em></li>\n</ul>\n"),
        ("[x] a", "<p>[x] a</p>\n"),
        ("-", "<ul>\n<li></li>\n</ul>\n"),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    assert markdown_html(text) == html
    Checked(html)


def test_the_columns_of_a_table_are_aligned_by_classes() -> None:
    html = markdown_html("|a|b|c|d|\n|:-|-:|:-:|-|\n|1|2|3|4|")
    assert re.findall("<td.*>", html) == [
        '<td class="align-left">1</td>',
        '<td class="align-right">2</td>',
        '<td class="align-center">3</td>',
        "<td>4</td>",
    ]
    Checked(html)


def test_code_is_coloured_by_classes() -> None:
    html = markdown_html("```python title=x\ndef f():\n    return '<b>'\n```")
    assert html.startswith('<pre data-language="python"><code class="highlight"><span class="k">def</span>')
    assert "&lt;b&gt;" in html
    assert Checked(html).text == "def f():\n    return '<b>'\n\n"


@pytest.mark.parametrize("opening", ["```", "```nosuchlanguage", "```c++", "```\"onload='x'", "~~~ <b>"])
def test_code_is_shown_as_it_is_whatever_its_language(opening: str) -> None:
    text = "\n x = a<b && 1; // \"'\n\n"
    html = markdown_html(f"{opening}\n{text}{opening[:3]}")
    assert Checked(html).text == text + "\n"
    assert "onload" not in html


def test_indented_code_is_code() -> None:
    assert markdown_html("    <b>") == '<pre><code class="highlight">&lt;b&gt;\n</code></pre>\n'


def test_code_cannot_hide_what_it_does_by_reordering_characters() -> None:
    html = markdown_html("`a\u202eb`\n\n```\n\u2066x\n```")
    assert "a⟨U+202E⟩b" in html
    assert "⟨U+2066⟩x" in html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#x0A;script:alert(1)",
        "&#106;avascript:alert(1)",
        "vbscript:x",
        "file:///etc/passwd",
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,x\"onerror='1",
        "blob:http://a/b",
        "/api/state",
        "//evil.example",
        "#top",
        "?a",
        "http:",
        "http:relative",
        "mailto:",
        "ftp://a.b",
        "\x01javascript:alert(1)",
    ],
)
def test_other_addresses_are_neither_links_nor_images(url: str) -> None:
    for text in (f"[a]({url})", f"[a](<{url}>)", f"![a]({url})", f"<{url}>", f"[a]\n\n[a]: <{url}>"):
        html = markdown_html(text)
        Checked(html)
        assert "<a" not in html
        assert "<img" not in html


def test_an_image_in_the_text_is_shown_but_is_no_link() -> None:
    url = "data:image/png;base64,iVBORw0KGgo="
    assert markdown_html(f"![a]({url})") == f'<p><img src="{url}" alt="a"></p>\n'
    assert markdown_html(f"[a *b*]({url})") == "<p><span>a <em>b</em></span></p>\n"


def test_a_foreign_image_is_a_link() -> None:
    link = f'<a class="image-link" href="http://a.b/c.png" {LINK}>'
    assert markdown_html('![<"x">](http://a.b/c.png)') == f"<p>{link}&lt;&quot;x&quot;&gt;</a></p>\n"
    assert markdown_html("![](http://a.b/c.png)") == f"<p>{link}http://a.b/c.png</a></p>\n"


def test_a_foreign_image_in_a_link_leaves_the_link() -> None:
    html = markdown_html("[![alt](http://a.b/c.png)](http://d.e)")
    assert html == f'<p><a href="http://d.e" {LINK}><span>alt</span></a></p>\n'


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <svg/onload=alert(1)> b",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<style>*{display:none}</style>",
        "<a href='javascript:alert(1)' id=token name=token style='x'>",
        "```<img src=x onerror=alert(1)>\n</code></pre><script>alert(1)</script>\n```",
        "# a {#id onclick=alert(1)}",
        "|<b>|\n|-|\n|<img src=x onerror=1>|",
        '![" onerror="alert(1)](http://a.b/"onerror="1)',
        "[a](http://a.b/'%22onclick=%22alert(1) '\" onclick=\"alert(1)')",
    ],
)
def test_html_is_shown_as_text(text: str) -> None:
    Checked(markdown_html(text))


WORDS = r"""
    < > " ' & ` ``` ~~~ [ ]( ) ![ ]: !  | |-| # - [x] * ** _ ~~ \ / : ; = , 1. {# } &lt; &quot; &#x22; &#106;
    <script> </script> <img onerror= <a href= <!-- --> <![CDATA[ <?php </code></pre> javascript: data:
    vbscript: data:text/html, data:image/png;base64,AAAA http:// https://a.b/ mailto:x@y.z //a.b %22 %00
    https://c @ ) ] onload=alert(1) style= id= class= python html
"""
CHARACTERS = ["\n", "\n\n", " ", "    ", "\t", "\\\n", "\r", "\x00", "\x01", "\u202e", "\ufeff", "\u2028"]
PIECES = st.sampled_from([*WORDS.split(), *CHARACTERS])


@given(st.lists(PIECES, max_size=30).map("".join))
def test_nothing_that_a_model_writes_can_run(text: str) -> None:
    Checked(markdown_html(text))
    Checked(markdown_html("```html\n" + text))


@given(st.text(max_size=60))
def test_nothing_in_an_address_can_run(text: str) -> None:
    Checked(markdown_html(f"[a](<{text}>) ![b](<http://{text}>) <https://{text}>"))


def test_a_complete_block_is_drawn_once() -> None:
    complete_block_html.cache_clear()
    assert complete_block_html("*a*") == complete_block_html("*a*") == "<p><em>a</em></p>\n"
    assert complete_block_html.cache_info().hits == 1


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(ImportError, match=r"pip install .*ollama-rx\[web\]"):
        markdown_html("a")


# blocks that would take long


@pytest.mark.parametrize(
    "text", ["![a](" * 30_000, "[" * 10_000, "**a " * 10_000, "a\n" * 10_000, "x" * 30_000]
)
def test_a_block_that_would_take_long_is_shown_as_it_was_written(text: str) -> None:
    html = markdown_html(text)
    assert html == f"<p>{text.rstrip().replace(chr(10), '<br>')}</p>\n"
    Checked(html)


@pytest.mark.parametrize("mark", ["- ", "> ", "1. "])
@pytest.mark.parametrize("depth", range(1, 30))
def test_no_text_is_left_out_however_deep_it_is(mark: str, depth: int) -> None:
    html = markdown_html(mark * depth + "deep\n\nafter it")
    assert "deep" in html
    assert "after it" in html


def test_a_block_that_is_shown_as_it_was_written_runs_nothing() -> None:
    html = markdown_html("[" * 10_000 + "<script>alert(1)</script>")
    assert Checked(html).text == "[" * 10_000 + "<script>alert(1)</script>\n"


@pytest.mark.parametrize("end", ["", "```", "```\n", "  ````  "])
def test_code_may_be_long(end: str) -> None:
    assert markdown_html("```\n" + "[[[[\n" * 10_000 + end).startswith("<pre>")


@pytest.mark.parametrize("end", ["```\n" + "[" * 10_000, "``` \n\n" + "x" * 30_000])
def test_what_follows_code_may_not_be_long(end: str) -> None:
    assert markdown_html("```\n```\n" + end).startswith("<p>```<br>```<br>")


def test_a_block_that_cannot_be_drawn_does_not_end_the_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_harden_links", None)
    assert markdown_html("*a* <b>") == "<p>*a* &lt;b&gt;</p>\n"
    assert "cannot be drawn" in caplog.text


@pytest.mark.parametrize("space", ["\u00a0", "\u2028", "\u3000", "\x0c", "\x1f"])
def test_an_item_may_be_a_blank_that_is_no_space_of_markdown(
    space: str, caplog: pytest.LogCaptureFixture
) -> None:
    Checked(markdown_html(f"- {space}\n- [x] {space}\n1. {space}"))
    assert not caplog.records


def test_a_link_within_a_link_is_text() -> None:
    html = markdown_html("[see <https://b.test>](https://a.test)")
    assert html == f'<p><a href="https://a.test" {LINK}>see <span>https://b.test</span></a></p>\n'
    Checked(html)
