"""The rules of one language: which characters are marks, and who judges which of them."""

import re
from typing import Final

from ollama_rx.operators._sentences import items, wide
from ollama_rx.operators._sentences.abbreviations import judge_abbreviation
from ollama_rx.operators._sentences.characters import (
    ASKS,
    BULLETS,
    CLOSING,
    FULL,
    LINE_ENDS,
    MARKS,
    OPENERS,
    one_of,
)
from ollama_rx.operators._sentences.following import Following
from ollama_rx.operators._sentences.lexicon import Lexicon
from ollama_rx.operators._sentences.lines import line_end
from ollama_rx.operators._sentences.safety import is_safe, is_safely_asked
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.stop import Stop
from ollama_rx.operators._sentences.stops import RULES
from ollama_rx.operators._sentences.verdict import WAIT, Continue, Cut, Verdict

_WIDE: Final = frozenset(FULL + "！？؟፧")
# After a quote that these introduce, a sentence ends; after any other it may go on.
_CAPITAL: Final = re.compile(r" [A-ZÄÖÜÉÀА-ЯЁ]")
_INTRODUCERS: Final = frozenset("：:，,")


class Rules:
    """The rules of one language, shared by all streams."""

    def __init__(self, lexicon: Lexicon, *, eager: bool = False) -> None:
        self.lexicon = lexicon
        self._eager = eager
        self._following = Following(lexicon.spaced_closers)
        added = lexicon.marks + lexicon.question_marks + lexicon.double_marks
        self.marks = (frozenset(MARKS) | set(added)) - set(lexicon.not_marks)
        self.pattern = one_of(LINE_ENDS + "".join(sorted(self.marks)) + BULLETS + ")")
        self.search = re.compile(self.pattern).search
        self._run = re.compile(rf"({one_of(''.join(sorted(self.marks)))}+)({CLOSING})")
        self._odd = frozenset(wide.URDU + lexicon.double_marks)
        self._wide = _WIDE | set(lexicon.marks + lexicon.double_marks)
        # Marks at which nothing can be said before the next character has come.
        self.waiting = frozenset[str]() if eager else self.marks - self._wide

    def judge(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge the character at ``mark``, which is one that ``search`` finds."""
        char = text[mark]
        if char in LINE_ENDS:
            return line_end(sentence, text, mark)
        if (
            sentence.fence
            or sentence.opaque
            or (sentence.opaque is None and sentence.is_opaque(text, mark + 1))
        ):
            return Continue(mark + 1)
        if char == ")":
            return items.bracket(sentence, text, mark, self.lexicon)
        if char in BULLETS:
            return items.bullet(sentence, text, mark)
        if char in self._wide:
            return self._judge_wide(sentence, text, mark, final=final)
        return self._judge_stop(sentence, text, mark, final=final)

    def _judge_stop(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        waits = mark + 1 == len(text) and not final
        if waits and not self._eager:
            return WAIT
        # If nothing is in doubt on the left, a capital on the right leaves nothing to be judged.
        certain = is_safe if text[mark] == "." else is_safely_asked if text[mark] in "!?" else None
        capital = (self._eager and text[mark] == ".") or _CAPITAL.match(text, mark + 1)
        if certain and capital and certain(self.lexicon, sentence, text, mark):
            return Cut(mark + 1)
        if waits:
            return WAIT
        stop = Stop(self.lexicon, self._following, sentence, text, mark, final=final)
        for rule in RULES:
            verdict = rule(stop)
            if verdict is not None:
                return verdict
        return judge_abbreviation(stop)

    def ends_in_pause(self, sentence: Sentence, text: str, mark: int) -> Cut | None:
        """Cut at a mark after which no text has arrived for a while, if the sentence surely ends there."""
        end, letter = self._following.look(sentence, text, mark, final=True)
        if letter < len(text):
            return None
        sentence.scan(text, mark)
        if text[mark] in ASKS or text[mark] in self._wide or text[mark] in self.lexicon.question_marks:
            return None if sentence.is_inside(mark) else Cut(end)
        if text[mark] != "." or end != mark + 1:
            return None
        return Cut(end) if is_safe(self.lexicon, sentence, text, mark) else None

    def _judge_wide(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge a mark of a script without spaces or abbreviations."""
        char = text[mark]
        sentence.scan(text, mark)
        if not sentence.has_word(text, mark) or (char in self._odd and wide.is_exception(text, mark)):
            return Continue(mark + 1)
        if sentence.is_inside(mark):
            return wide.in_brackets(sentence, text, mark, final=final)
        quote = sentence.quote(mark)
        if quote is None and char in FULL and (char == "。" or not wide.may_be_quoted(text, mark)):
            return Cut(mark + 1)
        run = self._run.match(text, mark)
        end = run.end() if run else mark + 1
        if end == len(text) or (not final and wide.may_be_reported(text, mark, end)):
            return Continue(end) if final else WAIT
        if char.isascii() and (text[end].isalnum() or text[end] == "/"):  # "10:30", "https://"
            return Continue(end)
        closed = run is not None and run[2] != ""
        goes_on = closed and quote is not None and quote[2] not in _INTRODUCERS
        goes_on = goes_on or wide.is_reported(text, mark, end)
        goes_on = goes_on and not text[end].isspace() and text[end] not in OPENERS
        return Continue(end) if goes_on else Cut(end)
