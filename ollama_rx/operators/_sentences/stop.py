"""A mark under judgement: what stands around it, and the verdicts it can get."""

from ollama_rx.operators._sentences.characters import ASKS, MARKS
from ollama_rx.operators._sentences.following import Following
from ollama_rx.operators._sentences.lexicon import Lexicon
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import Continue, Cut, Verdict
from ollama_rx.operators._sentences.words import words_before


class Stop:
    """A mark under judgement."""

    __slots__ = ("end", "final", "letter", "lexicon", "mark", "sentence", "text", "words")

    def __init__(
        self, lexicon: Lexicon, following: Following, sentence: Sentence, text: str, mark: int, *, final: bool
    ) -> None:
        self.lexicon = lexicon
        self.sentence = sentence
        self.text = text
        self.mark = mark
        self.final = final
        self.end, self.letter = following.look(sentence, text, mark, final=final)
        self.words = words_before(text, mark)

    @property
    def follower(self) -> str:
        """The first character of what follows."""
        return self.text[self.letter]

    @property
    def is_dot(self) -> bool:
        """Whether it is a single dot, which an abbreviation may have too."""
        return self.text[self.mark] in ".．" and self.text[self.mark + 1] not in MARKS

    @property
    def asks(self) -> bool:
        """Whether it is or contains a question or exclamation mark."""
        char = self.text[self.mark]
        return char in ASKS or self.text[self.mark + 1] in ASKS or char in self.lexicon.question_marks

    def lacks(self, position: int) -> bool:
        """Tell whether the text may go on at a position where it ends now."""
        return position >= len(self.text) and not self.final

    def ends(self, *, when: bool) -> Verdict:
        """Cut under a condition, else continue."""
        return Cut(self.end) if when else Continue(self.end)
