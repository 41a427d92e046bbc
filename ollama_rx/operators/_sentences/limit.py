"""A longest length: sentences that grow beyond it are cut at the best place inside."""

import re
from collections.abc import Callable
from typing import Final

from ollama_rx.operators._sentences.clauses import ClauseRules, best_cut
from ollama_rx.operators._sentences.machine import Splitter
from ollama_rx.operators._sentences.rules import Rules

_PLACE: Final = re.compile(r"[\s\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class LimitedSplitter(Splitter):
    """A splitter that looks whenever its sentence has grown to one character over the limit."""

    __slots__ = ("_longest", "_size")

    def __init__(
        self,
        deliver: Callable[[str], object],
        rules: Rules,
        opening: ClauseRules | None = None,
        *,
        longest: int,
    ) -> None:
        super().__init__(deliver, rules, opening)
        self._longest = longest
        self._size = 0  # characters of the sentence being built

    def feed(self, text: str, /) -> None:
        """Take text in steps that end where the limit is passed, so that its cutting does not matter."""
        at = 0
        while at < len(text):
            room = self._longest + 1 - self._size
            place = None
            if room <= 0:  # one word is longer than the limit: nothing to do before it ends
                place = _PLACE.search(text, at)
                room = place.end() - at if place else len(text) - at
            step = text[at : at + room]
            at += room
            was_within = self._size <= self._longest
            self._size += len(step)
            super().feed(step)
            if was_within or place:
                while self._size > self._longest and self._force():
                    pass

    def _force(self) -> bool:
        sentence = self._sentence
        tail = "".join(self._parts)
        if sentence.fence or (sentence.is_opaque(tail, len(tail)) and sentence.opaque != "line"):
            return False
        before = sum(map(len, sentence.settled))
        text = "".join((*sentence.settled, tail))
        cut = best_cut(text, self._longest)
        if not cut:
            return False
        sentence.scan(tail, max(0, cut - before))
        sentence.settled = []
        self._emit(text[:cut])
        sentence.begin(cut - before)
        self._parts[:] = (self._scan(text[cut:], 0, final=False),)
        return True

    def _emit(self, piece: str) -> None:
        self._size -= len(piece) + sum(map(len, self._sentence.settled))
        super()._emit(piece)
