"""The rules for a text whose language nobody named: at each candidate those of the language before it."""

from functools import partial

from ollama_rx.operators._sentences.language_detector import LanguageDetector
from ollama_rx.operators._sentences.lexicon import Lexicon
from ollama_rx.operators._sentences.rules import Rules, rules_for
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import Break, Verdict


class DetectingRules:
    """Does for one stream what `Rules` does for a language, whichever language the text is in."""

    __slots__ = (
        "_detector",
        "_language",
        "_rules",
        "_rules_for",
        "candidates",
        "is_mark",
        "search",
        "waiting",
    )

    def __init__(self, *, eager: bool, never_split: tuple[str, ...]) -> None:
        self._detector = LanguageDetector()
        self._rules_for = partial(rules_for, eager=eager, never_split=never_split)
        self._language = "en"
        self._rules = english = self._rules_for(self._language)
        # The rules of all languages look for the same characters, and English has nearly all marks.
        self.candidates = english.candidates
        self.search = english.search
        self.is_mark = english.is_mark
        self.waiting = english.waiting

    def _rules_at(self, text: str, at: int) -> Rules:
        language = self._detector.language_at(text, at)
        if language != self._language:
            self._language = language
            self._rules = self._rules_for(language)
        return self._rules

    def lexicon_at(self, text: str, at: int) -> Lexicon:
        """Return the lexicon of the language before a position."""
        return self._rules_at(text, at).lexicon

    def remember_language(self, text: str, at: int) -> None:
        """Remember the language of a sentence that ends at a position, which `judge` has not ended."""
        self._detector.language_at(text, at)
        self._detector.end_sentence()

    def judge(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge the character at ``mark``, which is one that ``search`` finds."""
        if sentence.fence:
            return self._rules.judge(sentence, text, mark, final=final)
        verdict = self._rules_at(text, mark).judge(sentence, text, mark, final=final)
        if isinstance(verdict, Break):
            self._detector.end_sentence()
        return verdict

    def judge_pause(self, sentence: Sentence, text: str, mark: int) -> Break | None:
        """Break at a mark after which no text has arrived for a while, if the sentence surely ends there."""
        verdict = self._rules_at(text, mark).judge_pause(sentence, text, mark)
        if verdict is not None:
            self._detector.end_sentence()
        return verdict
