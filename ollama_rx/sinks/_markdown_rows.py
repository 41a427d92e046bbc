"""Draw Markdown as rows of a terminal; needs rich, which brings markdown-it-py."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from ollama_rx.sinks._cjk_emphasis import allow_cjk_emphasis
from ollama_rx.sinks._control_characters import escape_controls
from ollama_rx.sinks._markdown_tables import markdown_with_whole_tables

if TYPE_CHECKING:
    from markdown_it.token import Token

STYLE = re.compile(r"\x1b\[[0-9;]*m")
"""What a row contains besides its text."""
_CODE_THEME = "ansi_dark"  # the terminal's own colours, without a background
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # the only way to break a line in a table


class MarkdownRows:
    """Draws Markdown for the terminal that a file is.

    The text is not trusted: control characters are escaped, also those that were written as ``&#x202e;``.
    HTML is text, except ``<br>``. A link is its text and its address: what can be clicked can be read.
    Lines stay lines, as in chats: models write poems without the two spaces that CommonMark asks for.
    """

    def __init__(self, file: TextIO) -> None:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - an extra, as is rich
        from rich.console import Console  # noqa: PLC0415

        self._console = Console(file=file, force_terminal=True, highlight=False, legacy_windows=False)
        self._parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
        allow_cjk_emphasis(self._parser)
        self._parser.disable("reference")  # what it defines may be used in another block
        self._markdown = markdown_with_whole_tables()("", code_theme=_CODE_THEME)

    def draw(self, text: str, columns: int) -> list[str]:
        """Return the rows, with their colours, without empty ones at the ends."""
        tokens = self._parser.parse(text)
        for token in tokens:
            token.content = escape_controls(token.content)
            if token.children:
                token.children = list(_plain(token.children))
        self._markdown.parsed = tokens
        with self._console.capture() as captured:
            self._console.print(self._markdown, width=columns)
        rows = [row.rstrip(" ") for row in captured.get().split("\n")]
        visible = [number for number, row in enumerate(rows) if STYLE.sub("", row).strip()]
        return rows[visible[0] : visible[-1] + 1] if visible else []


def _plain(tokens: "list[Token]") -> "Iterator[Token]":
    """Replace links, images and the ends of lines by text."""
    addresses: list[str] = []
    for token in tokens:
        token.content = escape_controls(token.content)
        address = escape_controls(str(token.attrGet("href") or token.attrGet("src") or ""))
        if token.type == "link_open":
            addresses.append("" if token.markup == "autolink" else f" ({address})")
        elif token.type == "link_close":
            yield _as_text(token, addresses.pop())
        elif token.type == "image":
            yield _as_text(token, f"{token.content} ({address})")
        elif token.type == "softbreak":
            yield _as_text(token, "\n")
        elif token.type == "text":
            yield _as_text(token, _BREAK.sub("\n", token.content))
        else:
            yield token


def _as_text(token: "Token", content: str) -> "Token":
    token.type, token.tag, token.nesting, token.content, token.children = "text", "", 0, content, None
    return token
