"""The machine: holds the text of the sentence being built and cuts it where the rules say so.

A piece without a mark is only kept. Text is joined when a mark arrives and each character is looked
at a bounded number of times, so the cost of a token does not grow with the sentence.
"""

from collections.abc import Callable
from typing import Final, assert_never

from ollama_rx.operators._sentences.clauses import ClauseRules
from ollama_rx.operators._sentences.rules import Rules
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Continue, Cut

_LONG: Final = 400  # characters of tail at which its beginning is put aside
_KEPT: Final = 80  # characters kept then: more than any rule looks back
_NEAR: Final = 60  # characters in which to look for a good place to do so
_BLOCK: Final = 4096  # characters of one piece that are looked at together
_PATIENCE: Final = 300  # characters after a mark at which a decision falls with what is there
_NONE: Final = -1  # no mark waits
_LAST: Final = -2  # the last character is a mark, which nobody has looked at yet


class Splitter:
    """Cuts text into sentences; each begins with the white space that stands before it."""

    __slots__ = ("_after_opening", "_deliver", "_find", "_mark", "_parts", "_rules", "_sentence")

    def __init__(
        self, deliver: Callable[[str], object], rules: Rules, opening: ClauseRules | None = None
    ) -> None:
        self._deliver = deliver
        self._after_opening = rules
        self._rules = opening or rules
        self._find = self._rules.search
        self._parts: list[str] = []
        self._sentence = Sentence()
        self._mark = _NONE  # where in the tail a mark waits for more text

    def feed(self, text: str, /) -> None:
        """Take more text and deliver the sentences it completes."""
        if self._mark == _NONE:
            found = self._find(text)
            if found is None:
                self._parts.append(text)
                return
            if found.end() == len(text) and found[0] in self._rules.waiting:
                self._parts.append(text)
                self._mark = _LAST
                return
        self._look(text, final=False)

    def flush(self) -> None:
        """Deliver all that is held, under the final rules."""
        self._look("", final=True)
        self._emit("".join(self._parts))
        self._parts.clear()

    def _look(self, text: str, *, final: bool) -> None:
        if len(text) > _BLOCK:
            for start in range(0, len(text), _BLOCK):
                self._look(text[start : start + _BLOCK], final=False)
            return
        parts = self._parts
        parts.append(text)
        tail = "".join(parts)
        position = self._mark if self._mark >= 0 else len(tail) - len(text) - (self._mark == _LAST)
        parts.clear()
        parts.append(self._scan(tail, position, final=final))

    def _scan(self, tail: str, position: int, *, final: bool) -> str:
        """Judge all marks from a position on and return what is left of the tail."""
        sentence = self._sentence
        self._mark = _NONE
        while found := self._find(tail, position):
            rules = self._rules
            mark = found.start()
            if len(tail) - mark > _PATIENCE:
                verdict = rules.judge(sentence, tail[: mark + _PATIENCE], mark, final=True)
            else:
                verdict = rules.judge(sentence, tail, mark, final=final)
            if isinstance(verdict, Continue):
                position = verdict.at
            elif isinstance(verdict, Cut):
                end = verdict.at
                if end > mark + 1:
                    sentence.scan(tail, end)
                self._emit(tail[:end])
                sentence.begin(end)
                tail = tail[end:]
                position = 0
            elif verdict is WAIT:
                self._mark = mark
                break
            else:
                assert_never(verdict)
        end = len(tail) if self._mark < 0 else self._mark
        return self._settle(tail, end - _KEPT) if end > _LONG else tail

    def _settle(self, tail: str, size: int) -> str:
        """Put the beginning of a long tail aside, up to about ``size`` characters of it."""
        border = size
        while border > size - _NEAR and not (tail[border].isalnum() and tail[border - 1].isalnum()):
            border -= 1
        if border == size - _NEAR:  # no word is near
            border = size
            while border > 0 and tail[border] == "`":  # a run of them says how many there are
                border -= 1
        if border > 0:
            self._sentence.settle(tail[:border])
            self._mark = max(_NONE, self._mark - border)
            self._end_opening()
        return tail[border:]

    def _end_opening(self) -> None:
        self._rules = self._after_opening
        self._find = self._rules.search

    def _emit(self, piece: str) -> None:
        if self._sentence.settled:
            piece = "".join(self._sentence.settled) + piece
        if piece:
            if self._rules is not self._after_opening:
                self._end_opening()
            self._deliver(piece)

    def pause(self) -> None:
        """Deliver the sentence whose mark waits for what comes next, if it is safe to."""
        if self._mark == _LAST:
            self._look("", final=False)
        if self._mark == _NONE:
            return  # in a table or a heading a mark is nothing to wait at
        (tail,) = self._parts
        cut = self._after_opening.ends_in_pause(self._sentence, tail, self._mark)
        if cut is not None:
            self._sentence.scan(tail, cut.at)
            self._emit(tail[: cut.at])
            self._sentence.begin(cut.at)
            self._parts[:] = (self._scan(tail[cut.at :], 0, final=False),)

    @property
    def waiting(self) -> bool:
        """Whether a mark waits for what comes next."""
        return self._mark != _NONE
