r"""Tags of a voice's own markup, such as ``<spell>NASA</spell>`` and ``<break time="1s"/>``.

Only tags with the names that the caller gives are tags; ``List<String>`` and ``a < b`` are text. A tag, and a
pair of tags with the text between, are in one line and limited in length, so that a tag which is never closed
cannot hold the answer back.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from ollama_rx.arguments import as_items, check_length, wrong_value

LONGEST_TAG: Final = 240  # characters, as many as a bracket may stay open in `split_sentences`
LONGEST_CONTENT: Final = 240  # characters between the tags of a pair
_LONGEST_NAME: Final = 60
_LONGEST_GAP: Final = 9  # white space before the ">" of a closing tag
LONGEST_CLOSING: Final = _LONGEST_NAME + len("</>") + _LONGEST_GAP
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.:-]*"
_LINE_ENDS: Final = r"\n\u2028\u2029"
_GAP: Final = rf"[^\S{_LINE_ENDS}]"
_CLOSING_GAP: Final = rf"{_GAP}{{0,{_LONGEST_GAP}}}"
_KEY: Final = r"[\w.:-]+"
_VALUE: Final = rf"(?:\"[^\"{_LINE_ENDS}]*\"|'[^'{_LINE_ENDS}]*'|[^\s\"'<>=]+)"
_ATTRIBUTES: Final = rf"(?:{_GAP}+{_KEY}{_GAP}*={_GAP}*{_VALUE})*"
_BEGUN_VALUE: Final = rf"(?:\"[^\"{_LINE_ENDS}]*|'[^'{_LINE_ENDS}]*|[^\s\"'<>=]*)"
_BEGUN_ATTRIBUTE: Final = rf"(?:{_GAP}+(?:{_KEY}{_GAP}*(?:={_GAP}*{_BEGUN_VALUE})?)?)?"


def checked_tag_names(argument: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of tags after checking them."""
    checked = tuple(as_items(argument, names))
    for name in checked:
        check_length(argument, name, most=_LONGEST_NAME, what="a name")
        if not re.fullmatch(_NAME, name):
            raise wrong_value(argument, "names of tags, such as 'spell', without '<' and '>'", name)
    return checked


def one_of_names(names: Iterable[str]) -> str:
    """Return a pattern for one of these names."""
    return f"(?:{'|'.join(map(re.escape, names))})"


def tag_pattern(names: Iterable[str]) -> str:
    """Return a pattern, without groups, for one tag: opening, closing or with nothing between."""
    name = one_of_names(names)
    return rf"<(?:/{name}{_CLOSING_GAP}|{name}{_ATTRIBUTES}{_GAP}*/?)>"


def pair_pattern(names: Iterable[str]) -> str:
    """Return a pattern for a pair of tags and the text between, with groups ``name`` and ``content``."""
    opening = rf"<(?P<name>{one_of_names(names)}){_ATTRIBUTES}{_GAP}*(?<!/)>"
    content = rf"(?P<content>[^{_LINE_ENDS}]{{0,{LONGEST_CONTENT}}}?)"
    return rf"{opening}{content}</(?P=name){_CLOSING_GAP}>"


def begun_tag_pattern(names: Iterable[str]) -> str:
    """Return a pattern for the beginning of a tag at the end of the text."""
    names = tuple(names)
    beginnings = {name[:size] for name in names for size in range(len(name) + 1)}
    name = one_of_names(names)
    begun = rf"/?{one_of_names(sorted(beginnings, reverse=True))}|/{name}{_CLOSING_GAP}"
    return rf"<(?:{begun}|{name}{_ATTRIBUTES}(?:{_BEGUN_ATTRIBUTE}|{_GAP}*/))\Z"


def opens_pair(tag: str) -> bool:
    """Return whether a tag is an opening one."""
    return not tag.startswith("</") and not tag.endswith("/>")
