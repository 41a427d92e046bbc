"""Show the splitter tags of a voice's markup as if they were the stars of bold text, which have no inside."""

import re
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

from ollama_rx.operators._sentences.characters import LINE_ENDS, MARKS, one_of
from ollama_rx.operators._sentences.splitter import Splitter
from ollama_rx.operators._sentences.verdict import WAIT, Wait
from ollama_rx.operators._voice_tags import (
    LONGEST_CLOSING,
    LONGEST_CONTENT,
    LONGEST_TAG,
    begun_tag_pattern,
    opens_pair,
    pair_pattern,
    tag_pattern,
)

_STARS: Final = (
    "**"  # the rules look through them before and after a sentence; a single one may be a list marker
)
_NO_LETTER: Final = re.compile(r"[^\w\u0300-\u036f\u0900-\u0dff]|_")
_LINE_END: Final = re.compile(one_of(LINE_ENDS))
_MARKS: Final = frozenset(MARKS)
_LONGEST_REST: Final = LONGEST_CONTENT + LONGEST_CLOSING  # of a pair, after its opening tag


class TagMask:
    """Replaces tags, and pairs of tags with the text between, by stand-ins; `restore` puts them back.

    A stand-in consists of letters and stars, so no sentence ends inside. Of the marks in a pair only those at
    its end are kept, if no mark follows it: a sentence may end there. Text is held back while it may become a
    tag or a pair.
    """

    __slots__ = (
        "_at",
        "_from",
        "_hidden",
        "_match_begun",
        "_match_pair",
        "_match_tag",
        "_remove_tags",
        "_size",
        "held",
    )

    def __init__(self, names: Sequence[str]) -> None:
        tag = re.compile(tag_pattern(names))
        self._match_tag = tag.match
        self._remove_tags = partial(tag.sub, "")
        self._match_pair = re.compile(pair_pattern(names)).match
        self._match_begun = re.compile(begun_tag_pattern(names)).match
        self.held = ""
        """The text that is held back."""
        # For each stand-in: where it begins in the masked text, where it ends, and what it stands for.
        self._hidden: deque[tuple[int, int, str]] = deque()
        self._size = 0  # characters of masked text so far
        self._at = 0  # how many of them are restored
        self._from = 0  # where the text begins that is not restored: a stand-in is restored whole

    def mask(self, text: str, *, final: bool = False) -> str:
        """Take more text; return what of it is certain, with stand-ins."""
        text, self.held = self.held + text, ""
        parts: list[str] = []
        at = 0
        start = text.find("<")
        while start >= 0:
            element = self._match_element(text, start, final=final)
            if element is WAIT:
                text, self.held = text[:start], text[start:]
                break
            if element is not None:
                end, stand_in = element
                parts += [text[at:start], stand_in]
                begin = self._size + start - at
                self._size = begin + len(stand_in)
                self._hidden.append((begin, self._size, text[start:end]))
                at = end
            start = text.find("<", start + 1 if element is None else at)
        self._size += len(text) - at
        return "".join((*parts, text[at:]))

    def _match_element(self, text: str, start: int, *, final: bool) -> tuple[int, str] | Wait | None:
        """Return where the tag or pair ends that begins at a "<", and its stand-in; None if it is text."""
        tag = self._match_tag(text, start)
        if tag is None or tag.end() - start > LONGEST_TAG:
            may_begin = not final and len(text) - start <= LONGEST_TAG
            return WAIT if may_begin and self._match_begun(text, start) else None
        if opens_pair(tag[0]):
            pair = self._match_pair(text, start)
            if pair is not None:
                follower = text[pair.end() : pair.end() + 1]
                return (pair.end(), self._stand_in(pair["content"], follower)) if follower or final else WAIT
            rest = len(text) - tag.end()
            if not final and rest < _LONGEST_REST and not _LINE_END.search(text, tag.end()):
                return WAIT
        return tag.end(), _STARS

    def _stand_in(self, content: str, follower: str) -> str:
        """Return what the splitter sees of a pair, which this character follows."""
        content = self._remove_tags(content)
        words = _NO_LETTER.sub("*", content).rstrip("*")
        marks = "".join(char for char in content[len(words) :] if char in _MARKS)
        return f"{_STARS}{words}{marks if words and follower not in _MARKS else ''}{_STARS}"

    def restore(self, piece: str) -> str:
        """Take the next piece of the masked text; return what it stands for.

        What a stand-in stands for belongs as a whole to the piece in which the stand-in begins.
        """
        begin = self._at
        end = self._at = begin + len(piece)
        at = max(begin, self._from)
        parts: list[str] = []
        while self._hidden and self._hidden[0][0] < end:
            hidden_from, hidden_to, text = self._hidden.popleft()
            parts += [piece[at - begin : hidden_from - begin], text]
            at = hidden_to
        self._from = at
        return "".join((*parts, piece[at - begin :]))


class TagSplitter:
    """A splitter that leaves tags, and pairs of tags, whole."""

    __slots__ = ("_mask", "_splitter")

    def __init__(self, splitter: Splitter, mask: TagMask) -> None:
        self._splitter = splitter
        self._mask = mask

    @property
    def waiting(self) -> bool:
        """Whether a candidate waits for more text, of which nothing is held back."""
        return self._splitter.waiting and not self._mask.held

    def feed(self, text: str) -> None:
        """Take more text and emit the sentences it completes."""
        self._splitter.feed(self._mask.mask(text))

    def flush(self) -> None:
        """Emit all text that is held; no more will follow."""
        self._splitter.feed(self._mask.mask("", final=True))
        self._splitter.flush()

    def pause(self) -> None:
        """Emit the sentence whose last mark waits for more text, if it surely ends there."""
        self._splitter.pause()
