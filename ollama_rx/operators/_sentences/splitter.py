"""The state machine: holds the text of the sentence being built and breaks it where the rules say.

A piece of text without a candidate is only kept. Pieces are joined when a candidate arrives, and each
character is looked at a bounded number of times, so the cost per token does not grow with the sentence.
"""

import re
from collections.abc import Callable
from typing import Final, assert_never

from ollama_rx.operators._sentences.characters import LINE_ENDS, one_of
from ollama_rx.operators._sentences.clauses import ClauseRules, best_cut, is_cut_place
from ollama_rx.operators._sentences.detecting_rules import DetectingRules
from ollama_rx.operators._sentences.rules import Rules, rules_for
from ollama_rx.operators._sentences.sentence import LONGEST_TICKS, Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue

_LONG: Final = 400  # characters of tail at which its beginning is put aside
_KEPT: Final = 80  # characters kept then: more than any rule looks back
_NEAR: Final = 60  # characters within which a good place to do so is looked for
_BLOCK: Final = 4096  # characters of one piece that are looked at together
_LOOKAHEAD: Final = 300  # characters after a candidate with which it is judged as if no more text followed
_LINE_END: Final = re.compile(one_of(LINE_ENDS))


class Splitter:
    """Splits text into sentences; each begins with the white space before it.

    ``waiting`` is true while a candidate waits for more text. ``first_rules`` hold until the first piece has
    been emitted.
    """

    __slots__ = ("_emit", "_find", "_later_rules", "_mark", "_parts", "_rules", "_sentence", "waiting")

    def __init__(
        self,
        emit: Callable[[str], object],
        rules: Rules | DetectingRules,
        first_rules: ClauseRules | None = None,
    ) -> None:
        self._emit = emit
        self._later_rules = rules
        self._rules = first_rules or rules
        self._find = self._rules.search
        self._parts: list[str] = []  # joined, they are the tail: the text that is not settled
        self._sentence = Sentence()
        self.waiting = False
        self._mark: int | None = (
            None  # where in the tail the waiting candidate is; None for its last character
        )

    def feed(self, text: str, /) -> None:
        """Take more text and emit the sentences it completes."""
        if not self.waiting:
            found = self._find(text)
            if found is None:
                self._parts.append(text)
                return
            if found.end() == len(text) and found[0] in self._rules.waiting:
                self._parts.append(text)
                self._mark = None
                self.waiting = True
                return
        self._look(text, final=False)

    def flush(self) -> None:
        """Emit all text that is held; no more will follow."""
        self._look("", final=True)
        self._emit_sentence("".join(self._parts))
        self._parts.clear()

    def _look(self, text: str, *, final: bool) -> None:
        if len(text) > _BLOCK:
            for start in range(0, len(text), _BLOCK):
                self._look(text[start : start + _BLOCK], final=False)
            return
        parts = self._parts
        parts.append(text)
        tail = "".join(parts)
        if not self.waiting:
            position = len(tail) - len(text)
        elif self._mark is None:
            position = len(tail) - len(text) - 1
        else:
            position = self._mark
        parts.clear()
        parts.append(self._scan(tail, position, final=final))

    def _scan(self, tail: str, position: int, *, final: bool) -> str:
        """Judge all candidates from a position on and return the rest of the tail."""
        sentence = self._sentence
        self.waiting = False
        end = len(tail)
        while found := self._find(tail, position):
            mark = found.start()
            if mark > _LONG:
                rest = self._settle(tail, mark - _KEPT)
                mark -= len(tail) - len(rest)
                tail, end = rest, len(rest)
            if end - mark > _LOOKAHEAD:
                verdict = self._rules.judge(sentence, tail[: mark + _LOOKAHEAD], mark, final=True)
            else:
                verdict = self._rules.judge(sentence, tail, mark, final=final)
            if isinstance(verdict, Break):
                at = verdict.at
                if at > mark + 1:
                    sentence.scan(tail, at)
                self._emit_sentence(tail[:at])
                sentence.begin(at)
                tail = tail[at:]
                end -= at
                position = 0
            elif isinstance(verdict, Continue):
                position = verdict.at
            elif verdict is WAIT:
                self.waiting = True
                self._mark = mark
                return tail
            else:
                assert_never(verdict)
        return self._settle(tail, end - _KEPT) if end > _LONG else tail

    def _settle(self, tail: str, size: int) -> str:
        """Put the beginning of a long tail aside, about ``size`` characters of it, and return the rest."""
        border = size
        while border > size - _NEAR and not (tail[border].isalnum() and tail[border - 1].isalnum()):
            border -= 1
        if border == size - _NEAR:  # no word is near
            border = size
            while border > size - LONGEST_TICKS and tail[border] == "`":  # the length of a run matters
                border -= 1
        self._sentence.settle(tail[:border])
        self._end_first_rules()
        return tail[border:]

    def _end_first_rules(self) -> None:
        self._rules = self._later_rules
        self._find = self._rules.search

    def _emit_sentence(self, piece: str) -> None:
        if self._sentence.settled:
            piece = "".join(self._sentence.settled) + piece
        if piece:
            if self._rules is not self._later_rules:
                self._end_first_rules()
            self._emit(piece)

    def pause(self) -> None:
        """Emit the sentence whose last mark waits for more text, if it surely ends there."""
        if self.waiting and self._mark is None:
            self._look("", final=False)
        if not self.waiting or self._mark is None:
            return  # in a table row or a heading no mark waits
        (tail,) = self._parts
        verdict = self._later_rules.judge_pause(self._sentence, tail, self._mark)
        if verdict is not None:
            self._sentence.scan(tail, verdict.at)
            self._emit_sentence(tail[: verdict.at])
            self._sentence.begin(verdict.at)
            self._parts[:] = (self._scan(tail[verdict.at :], 0, final=False),)


class MaxLengthSplitter(Splitter):
    """A splitter that cuts a sentence longer than ``max_chars`` at the best place inside.

    Where to cut is decided when the sentence has one character more than that, however the text arrives.
    """

    __slots__ = ("_last", "_max_chars", "_size")

    def __init__(
        self,
        emit: Callable[[str], object],
        rules: Rules | DetectingRules,
        first_rules: ClauseRules | None = None,
        *,
        max_chars: int,
    ) -> None:
        super().__init__(emit, rules, first_rules)
        self._max_chars = max_chars
        self._size = 0  # characters of the sentence being built
        self._last = ""  # of them, the last one

    def feed(self, text: str, /) -> None:
        """Take more text and emit the sentences it completes, and pieces of those that are too long."""
        at = 0
        while at < len(text):
            start = at
            overlong = self._size > self._max_chars
            if not overlong:
                at += self._max_chars + 1 - self._size
            elif self._sentence.is_code and not self.waiting:
                line_end = _LINE_END.search(text, at)
                at = line_end.end() if line_end else len(text)
            else:
                at += 1  # the end of the word that is too long is looked for
            step = text[start:at]
            size = self._size = self._size + len(step)
            super().feed(step)
            if not overlong or self._size != size:
                self._cut_to_size()
            elif not self._sentence.is_code and is_cut_place(self._last, step):
                self._cut(self._size - 1)
            self._last = step[-1]

    def _cut_to_size(self) -> None:
        while self._size > self._max_chars:
            tail = "".join(self._parts)
            self._sentence.is_opaque(tail, len(tail))
            if self._sentence.is_code:
                return
            text = "".join((*self._sentence.settled, tail))
            place = best_cut(text, self._max_chars)
            if place is None:
                return
            self._cut(place)

    def _cut(self, place: int) -> None:
        sentence = self._sentence
        tail = "".join(self._parts)
        settled = "".join(sentence.settled)
        text = settled + tail
        place_in_tail = place - len(settled)
        sentence.scan(tail, max(0, place_in_tail))
        sentence.settled = []
        self._emit_sentence(text[:place])
        sentence.begin(place_in_tail)
        self._parts[:] = (self._scan(text[place:], 0, final=False),)

    def _emit_sentence(self, piece: str) -> None:
        self._size -= len(piece) + sum(map(len, self._sentence.settled))
        super()._emit_sentence(piece)


def splitter_factory(
    language: str | None,
    *,
    eager: bool,
    first_fragment: bool,
    min_chars: int,
    max_chars: int | None,
    never_split: tuple[str, ...],
) -> Callable[[Callable[[str], object]], Splitter]:
    """Return a function that makes a splitter which emits sentences to its argument."""
    named = None if language is None else rules_for(language, eager=eager, never_split=never_split)

    def make(emit: Callable[[str], object]) -> Splitter:
        rules = named or DetectingRules(eager=eager, never_split=never_split)
        first_rules = ClauseRules(rules, min_chars) if first_fragment else None
        if max_chars is None:
            return Splitter(emit, rules, first_rules)
        return MaxLengthSplitter(emit, rules, first_rules, max_chars=max_chars)

    return make
