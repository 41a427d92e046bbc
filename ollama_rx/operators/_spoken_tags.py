"""Bring tags of a voice's own markup through the Markdown parser, or drop them."""

import re
from collections.abc import Sequence

from ollama_rx.operators._voice_tags import tag_pattern

_FIRST = 0xF0000  # from here on code points are for private use: a voice says nothing of them
HIDDEN_TAG = f"[{chr(_FIRST)}-\U0010ffff]"
"""A pattern for the character that stands for a tag."""

_LONGEST_CODE = 240  # characters of inline code in which tags are text
_CODE = rf"(?<!`)(?P<ticks>`{{1,9}})(?!`)[^\n]{{1,{_LONGEST_CODE}}}?(?<!`)(?P=ticks)(?!`)"
_BEFORE_MARK = re.compile(r"[.,;:!?](?:\s|\Z)|\n|\Z")


class SpokenTags:
    """Hides tags that the voice knows, each in one character, from the rules of Markdown; drops others."""

    def __init__(self, kept: Sequence[str], dropped: Sequence[str]) -> None:
        rules = [f"(?P<code>{_CODE})"]
        if kept:
            rules.append(f"(?P<kept>{tag_pattern(kept)})")
        if dropped:
            tag = tag_pattern(dropped)
            before = r"(?P<before>(?<![ \t])[ \t]+)?"
            rules.append(rf"{before}(?P<dropped>{tag}(?:[ \t]*{tag})*)(?P<after>[ \t]*)")
        self._find = re.compile("|".join(rules))
        self._find_hidden = re.compile(HIDDEN_TAG)

    def hide(self, text: str) -> tuple[str, dict[str, str]]:
        """Return the text with hidden tags, and what `show` needs."""
        hidden: dict[str, str] = {}  # the character of each tag

        def replace(match: re.Match[str]) -> str:
            if match["code"]:
                return match[0]
            if match.lastgroup == "kept":
                return hidden.setdefault(match[0], chr(_FIRST + len(hidden)))
            return _gap(match)

        text = self._find.sub(replace, self._find_hidden.sub("", text))
        return text, {character: tag for tag, character in hidden.items()}

    def show(self, text: str, hidden: dict[str, str]) -> str:
        """Return the text with its tags as they were written."""
        return self._find_hidden.sub(lambda match: hidden.get(match[0], ""), text)


def _gap(match: re.Match[str]) -> str:
    """Return the space to leave in place of tags that are dropped."""
    begins_line = not match.start() or match.string[match.start() - 1] == "\n"
    if begins_line:
        return match["before"] or ""
    if _BEFORE_MARK.match(match.string, match.end()):
        return ""
    return " " if match["before"] or match["after"] or "/>" in match["dropped"] else ""
