"""Markdown of a model as HTML that can run nothing, whatever the model writes.

Three things make it safe, and each is enough to stop a script: HTML in the text is shown as text; only the
tags and attributes below are ever written, with escaped values; and a page that shows it has a content
security policy without inline scripts and styles. The only values that a model chooses freely are addresses,
which are http, https or mailto, and the words that stand for an image.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Final

from ollama_rx.web.page.code_colours import coloured

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_log = logging.getLogger(__name__)

_ADDRESS: Final = re.compile(r"https?://[^/?#]|mailto:.", re.IGNORECASE)
_OWN_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+#.-]{0,29}", re.ASCII)
_TASK: Final = re.compile(r"\[([ xX])\] ")
_CACHED_BLOCKS = 1000

# What a block may have, unless it is one piece of code. A model can write a line of brackets whose parsing
# takes a minute, and the event loop serves nobody meanwhile. Within these limits the worst that was found
# takes a fifth of a second; a page of prose has a tenth of them.
_MOST_CHARACTERS = 20_000
_MOST_MARKS = 4_000
_TOO_DEEP = 19  # levels; from here on the parser leaves out the rest of the block (its `maxNesting` is 20)
_MARK: Final = re.compile(r"[\n!-/:-@\[-`{-~]")
_CODE: Final = re.compile(r" {0,3}(`{3,}|~{3,})[^\n]*\n")

# Characters that reverse the order of what follows, so that code reads otherwise than it runs.
# Source: https://trojansource.codes
_REORDERING = {code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def markdown_html(text: str) -> str:
    r"""Return a block of Markdown as HTML: CommonMark with tables, strikethrough and task lists.

    A bare address of http or https is a link. Links leave the page in a new tab. A foreign image is a link:
    fetching it would tell its server that this was read, and an address can carry what the model knows. Code
    has the classes of Pygments, and no styles. A block that would take long to parse, has lists in lists ten
    levels deep, or cannot be drawn is shown as it was written.

    Raises:
        ImportError: markdown-it-py is not installed; the message has the command.

    >>> markdown_html("*Hi* <script>alert(1)</script>")
    '<p><em>Hi</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n'
    """
    parser = _parser()
    if _is_costly(text):
        return _as_written(text)
    try:
        tokens = parser.parse(text)
        if any(token.level >= _TOO_DEEP for token in tokens):
            return _as_written(text)
        return str(parser.renderer.render(tokens, parser.options, {}))
    except Exception:  # noqa: BLE001 - whatever it is, the answer goes on
        _log.exception("a block of an answer cannot be drawn; it is shown as it was written")
        return _as_written(text)


@lru_cache(_CACHED_BLOCKS)
def complete_block_html(text: str) -> str:
    """Return `markdown_html` of a block that will not change any more; remembers the last ones."""
    return markdown_html(text)


@cache
def _parser() -> "MarkdownIt":
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - an extra

        from ollama_rx.web.page.bare_links import link_bare_addresses  # noqa: PLC0415 - of the same extra
    except ImportError as error:
        raise ImportError(
            'the page needs markdown-it-py and Pygments: pip install "ollama-rx[web]"'
        ) from error

    class Parser(MarkdownIt):
        def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's own name
            return _is_address(url) or _OWN_IMAGE.fullmatch(url) is not None

    parser = Parser("commonmark", {"html": False, "xhtmlOut": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("bare_links", link_bare_addresses)
    parser.core.ruler.push("harden", lambda state: _harden(state.tokens))
    parser.add_render_rule("image", _image)
    parser.add_render_rule("fence", _code_block)
    parser.add_render_rule("code_block", _code_block)
    parser.add_render_rule("code_inline", _code_in_text)
    return parser


def _is_costly(text: str) -> bool:
    """Check whether the parser could take long. Code is cheap, since nothing in it is parsed."""
    if _is_code(text):
        return False
    return len(text) > _MOST_CHARACTERS or len(_MARK.findall(text)) > _MOST_MARKS


def _is_code(text: str) -> bool:
    """Check whether all of the text is one piece of code between fences; the second may be missing."""
    opening = _CODE.match(text)
    if opening is None:
        return False
    closing = re.compile(rf"^ {{0,3}}{opening[1]}", re.MULTILINE).search(text, opening.end())
    return closing is None or "\n" not in text[closing.start() :].rstrip()


def _as_written(text: str) -> str:
    lines = escape(text.rstrip()).split("\n")
    return f"<p>{'<br>'.join(lines)}</p>\n"


def _is_address(url: str) -> bool:
    """Check that a link leads to a page or a mailbox; without a host it would lead into this page."""
    return _ADDRESS.match(url) is not None


def _harden(tokens: Sequence["Token"]) -> None:
    """Leave each element only the attributes that it may have."""
    before: list[Token] = []  # the last two
    for token in tokens:
        if token.type == "inline":
            children = token.children or []
            in_item = [one.type for one in before] == ["list_item_open", "paragraph_open"]
            if in_item and children and _show_task(children[0]):
                before[0].attrs = {"class": "task"}  # the box stands in for the item's bullet
            _harden_links(children)
        token.attrs = _attributes(token)
        before = [*before[-1:], token]


def _attributes(token: "Token") -> dict[str, str | int | float]:
    if token.type == "ordered_list_open" and "start" in token.attrs:
        return {"start": int(token.attrs["start"])}
    if token.type in {"th_open", "td_open"} and "style" in token.attrs:
        return {"class": f"align-{str(token.attrs['style']).rpartition(':')[2]}"}  # left, center or right
    return {}


def _show_task(first: "Token") -> bool:
    """Show the box of a task list as a character, which needs no form; return whether there is one."""
    found = _TASK.match(first.content)
    if found is None:
        return False
    box = "☐" if found[1] == " " else "☑"
    first.content = f"{box} {first.content[found.end() :]}"
    return True


def _harden_links(children: Iterable["Token"]) -> None:
    links: list[bool] = []  # the links around a token, and whether they are real ones
    for token in children:
        if token.type == "link_open":
            url = str(token.attrs.get("href", ""))
            links.append(_is_address(url) and not any(links))  # an address in brackets is a link of its own
            token.attrs = {}
            if links[-1]:
                token.attrs = {"href": url, "target": "_blank", "rel": "noopener noreferrer nofollow"}
        if token.type in {"link_open", "link_close"} and not links[-1]:
            token.tag = "span"
        if token.type == "link_close":
            links.pop()
        if token.type == "image":
            token.meta = {"in_link": any(links)}


def _image(self: object, tokens: Sequence["Token"], at: int, options: object, env: object) -> str:
    del self, options, env
    token = tokens[at]
    url, shown = str(token.attrs.get("src", "")), escape(token.content)
    if _OWN_IMAGE.fullmatch(url):
        return f'<img src="{escape(url)}" alt="{shown}">'
    if token.meta["in_link"] or not _is_address(url):
        return f"<span>{shown}</span>"
    return (
        f'<a class="image-link" href="{escape(url)}" target="_blank" '
        f'rel="noopener noreferrer nofollow">{shown or escape(url)}</a>'
    )


def _code_block(self: object, tokens: Sequence["Token"], at: int, options: object, env: object) -> str:
    del self, options, env
    token = tokens[at]
    code = token.content.translate(_REORDERING)
    named = _LANGUAGE.match(token.info.strip())
    if named is None:
        return f'<pre><code class="highlight">{escape(code)}</code></pre>\n'
    shown = coloured(code, named[0]) or escape(code)
    return f'<pre data-language="{named[0]}"><code class="highlight">{shown}</code></pre>\n'


def _code_in_text(self: object, tokens: Sequence["Token"], at: int, options: object, env: object) -> str:
    del self, options, env
    return f"<code>{escape(tokens[at].content.translate(_REORDERING))}</code>"
