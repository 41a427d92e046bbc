"""Which sentence, and which word of it, is heard at which second of a voice's audio."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from ollama_rx.speech.audio import Audio, Word
from ollama_rx.speech.written_part import begins_unspaced, whole_words, written_part

_ROUNDING = 0.001  # seconds, less than any word: sums of many lengths are not exact
_CHARACTERS_PER_SECOND = 15  # of speech, until an engine has shown its own pace


@dataclass(slots=True)
class Passage:
    """A part of a sentence that the engine is given as one text, and what it has made of it so far."""

    said: str
    first: int = 0
    """Where the part begins in what is said of the sentence."""
    start: float = inf
    """Seconds since the beginning of the voice's audio; known when the first piece is played."""
    seconds: float = 0.0
    """How much audio there is so far."""
    pause: float = 0.0
    """Seconds of it that are silence at the end."""
    is_complete: bool = False
    """Whether the engine has given all audio."""
    words: list[tuple[Word, int]] = field(default_factory=list[tuple[Word, int]])
    """Each word that the engine has told, with times since the beginning of the passage, and where it ends in
    the text."""

    def add(self, audio: Audio) -> tuple[Word, ...]:
        """Add a piece; return its words, with times since the beginning of the passage."""
        added: list[Word] = []
        for word in audio.words:
            begin = self.words[-1][1] if self.words else 0
            found = self.said.find(word.text, begin)
            if found >= 0:  # else the engine tells of a word that is not in its text
                placed = Word(word.text, self.seconds + word.start, self.seconds + word.end)
                self.words.append((placed, found + len(word.text)))
                added.append(placed)
        self.seconds += audio.seconds
        return tuple(added)

    def said_until(self, seconds: float, pace: float) -> int:
        """Return how many characters are heard after so many seconds of the passage."""
        if self.is_complete and seconds >= self.seconds - self.pause - _ROUNDING:
            return len(self.said)
        if self.words:
            return max((end for word, end in self.words if word.end <= seconds + _ROUNDING), default=0)
        length = self.seconds - self.pause if self.is_complete else max(self.seconds, len(self.said) / pace)
        return whole_words(self.said, int(len(self.said) * seconds / length))


@dataclass(slots=True, eq=False)
class SpokenSentence:
    """A sentence, and when it is said; one of which nothing is said, such as code, takes no time."""

    written: str
    said: str
    passages: Sequence[Passage]
    start: float = inf
    """Seconds since the beginning of the voice's audio; known when the sentence begins."""
    end: float = inf
    """The same; grows while the sentence is played."""
    is_complete: bool = False
    """Whether it was played to its end."""
    is_dropped: bool = False
    """Whether an interruption has dropped it; what still comes of its audio is refused."""

    def again(self) -> "SpokenSentence":
        """Return the same sentence, of which nothing was synthesised yet."""
        passages = tuple(Passage(passage.said, passage.first) for passage in self.passages)
        return SpokenSentence(self.written, self.said, passages)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the passages that have begun, with times since the beginning of the voice's audio."""
        return tuple(
            Word(word.text, passage.start + word.start, passage.start + word.end)
            for passage in self.passages
            if passage.start < inf
            for word, _ in passage.words
        )

    def heard(self, position: float, pace: float) -> str:
        """Return the part that is heard at a position, as it was written, up to the end of a word."""
        if self.is_complete and position >= self.end - _ROUNDING:
            return self.written
        at = min(position, self.end)
        last = [passage for passage in self.passages if passage.start <= at][-1]
        end = last.first + last.said_until(at - last.start, pace)
        return written_part(self.written, self.said, end)


class Timeline:
    """Remembers what was played, and says what was heard. It has no lock: its owner has one."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """How much audio was played."""
        self._sentences: list[SpokenSentence] = []
        self._characters = 0  # of what was said completely, and how long that took
        self._seconds_said = 0.0

    def begin(self, sentence: SpokenSentence) -> None:
        """Begin a sentence where the audio ends."""
        sentence.start = sentence.end = self.seconds
        self._sentences.append(sentence)

    def begin_passage(self, passage: Passage) -> None:
        """Begin a part of the sentence, unless it has begun."""
        passage.start = min(passage.start, self.seconds)

    def add(self, seconds: float) -> None:
        """Add audio of the last sentence that was played."""
        self.seconds += seconds
        self._sentences[-1].end = self.seconds

    def complete(self) -> None:
        """Complete the last sentence: all of it was played."""
        sentence = self._sentences[-1]
        sentence.is_complete = True
        self._characters += len(sentence.said)
        self._seconds_said += sum(passage.seconds - passage.pause for passage in sentence.passages)

    def cut(self, position: float) -> list[SpokenSentence]:
        """Forget what comes after a position, where the next audio begins; return the sentences after it."""
        heard = [sentence for sentence in self._sentences if _is_heard(sentence, position)]
        unheard = self._sentences[len(heard) :]
        self._sentences = heard
        if heard and heard[-1].end > position:
            heard[-1].end = position
            heard[-1].is_complete = False
        self.seconds = position
        return unheard

    def heard(self, position: float) -> str:
        """Return the text, as it was written, that is heard at a position: whole sentences, then whole words.

        Between two sentences is a space, unless they bring their white space with them.
        """
        pace = self._characters / self._seconds_said if self._seconds_said else _CHARACTERS_PER_SECOND
        text = ""
        for sentence in self._sentences:
            if sentence.start > position:
                break
            text = join_sentences(text, sentence.heard(position, pace))
        return text


def _is_heard(sentence: SpokenSentence, position: float) -> bool:
    """Return whether something is heard of a sentence; of one that takes no time, if it has come."""
    return sentence.start < position or (sentence.is_complete and sentence.end <= position)


def join_sentences(text: str, following: str) -> str:
    """Return two texts with a space between them, where their script has spaces and they have none.

    >>> join_sentences("Hello.", "How are you?"), join_sentences("你好。", "再见。")
    ('Hello. How are you?', '你好。再见。')
    """
    separate = text and following and not (text[-1].isspace() or following[0].isspace())
    return f"{text} {following}" if separate and not begins_unspaced(following) else text + following
