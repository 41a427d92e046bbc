"""Read emphasis in scripts that write words without spaces; needs markdown-it-py."""

from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_LETTERS = {
    "Lo",
    "Lm",
    "Mn",
    "Mc",
}  # letters without case, and the vowels and tones that are written as marks


def allow_cjk_emphasis(parser: "MarkdownIt") -> None:
    """Let a parser take ``**“一”**的`` for emphasis, as models do.

    In CommonMark a mark that has a quote or bracket on one side opens or closes only if there is a space or
    punctuation on its other side. Here a letter that has no case will do too: Han, kana, Hangul, Thai.

    Source: https://github.com/tats-u/markdown-cjk-friendly
    """
    from markdown_it.rules_inline import emphasis  # noqa: PLC0415 - an extra

    def tokenize(state: "StateInline", silent: bool) -> bool:  # noqa: FBT001 - the parser's protocol
        start, known = state.pos, len(state.delimiters)
        if not emphasis.tokenize(state, silent):
            return False
        before, after = state.src[start - 1 : start], state.src[state.pos : state.pos + 1]
        for mark in state.delimiters[known:]:
            mark.open |= _has_no_case(before) and after.strip() != ""
            mark.close |= _has_no_case(after) and before.strip() != ""
        return True

    parser.inline.ruler.at("emphasis", tokenize)


def _has_no_case(letter: str) -> bool:
    return letter != "" and category(letter) in _LETTERS
