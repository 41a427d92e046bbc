"""Addresses that stand in a text without any Markdown around them, as links.

Only http and https are found, since a page must not guess what a model meant. The time is linear in the text,
whatever a model writes: nothing is read twice, which is why these are few rules of our own.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from markdown_it.token import Token

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore

# After a colon it is a part of another address, such as "blob:https://...". A host has ASCII letters only:
# one with a letter of another alphabet, which may look like one of these, is not a link.
_ADDRESS: Final = re.compile(
    r"""(?<![A-Za-z0-9:]) https?:// [A-Za-z0-9] [A-Za-z0-9._-]*+ (?: :[0-9]++ )?+ (?![\w@])
        (?: [/?\#] [\w\-.~:/?\#\[\]@!$&'()*+,;=%]*+ )?""",
    re.IGNORECASE | re.VERBOSE,
)
_AFTER_AN_ADDRESS = frozenset("?!.,:;*_~'")  # they belong to the sentence
_CLOSING = {")": "(", "]": "["}


def link_bare_addresses(state: "StateCore") -> None:
    """Make links of the bare addresses in all texts; a rule for markdown-it, after its last one."""
    for token in state.tokens:
        if token.type == "inline" and "://" in token.content:
            token.children = list(_with_links(token.children or ()))


def _with_links(tokens: Iterable[Token]) -> Iterator[Token]:
    links = 0
    for token in tokens:
        links += (token.type == "link_open") - (token.type == "link_close")
        if links or token.type != "text":
            yield token
        else:
            yield from _split(token.content)


def _split(text: str) -> Iterator[Token]:
    """Yield tokens for a text and the links in it."""
    end = 0
    for found in _ADDRESS.finditer(text):
        url = _without_punctuation(found[0])
        yield _text(text[end : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": url})
        yield _text(url)
        yield Token("link_close", "a", -1)
        end = found.start() + len(url)
    yield _text(text[end:])


def _without_punctuation(url: str) -> str:
    """Return an address without what a sentence has put after it, such as a full stop."""
    surplus = {closing: url.count(closing) - url.count(opening) for closing, opening in _CLOSING.items()}
    end = len(url)
    while (last := url[end - 1]) in _AFTER_AN_ADDRESS or surplus.get(last, 0) > 0:
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return url[:end]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
