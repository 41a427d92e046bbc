"""What a voice says for each sentence, in passages that an engine can take."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

from reactivex import Observable, of
from reactivex.subject import Subject

from ollama_rx.operators import split_sentences
from ollama_rx.speech.timeline import Passage, SpokenSentence

_LONGEST = 300  # characters: 20 s of audio, so that the first of it comes soon and memory stays small
# `split_sentences` cuts no word; of one with 2,000 letters, hibari thinks for minutes. Tags stay whole.
_LONG_WORD = re.compile(rf"[^\s<>]{{{_LONGEST}}}")

TextOperator: TypeAlias = Callable[[Observable[str]], Observable[str]]


class Narrator:
    """Turns written sentences into spoken ones, for one delivery: a block of code may span sentences.

    Args:
        speak: makes sentences speakable, as `speakable` does.
        tags: the tags that it keeps.
    """

    def __init__(self, speak: TextOperator, tags: Sequence[str] = ()) -> None:
        self._cut = split_sentences(max_chars=_LONGEST, strip=False, tags=tags)
        self._written = Subject[str]()
        self._said: list[str] = []
        self._written.pipe(speak).subscribe(self._said.append)

    def narrate(self, written: str) -> SpokenSentence:
        """Return a sentence with what is said for it: nothing for code, for instance."""
        self._said.clear()
        self._written.on_next(written)
        said = "".join(self._said)
        return SpokenSentence(written, said, tuple(self._passages(said)))

    def _passages(self, said: str) -> Iterator[Passage]:
        """Cut what is said, if it is very long, where a voice would pause."""
        parts = [said] if said else []
        if len(said) > _LONGEST:
            parts.clear()
            of(said).pipe(self._cut).subscribe(parts.append)
        first = 0
        for part in chain.from_iterable(map(_cut_words, parts)):
            yield Passage(part, first)
            first += len(part)


def _cut_words(part: str) -> Iterator[str]:
    """Cut a part inside words that alone are too long."""
    first = 0
    for match in _LONG_WORD.finditer(part):
        yield part[first : match.end()]
        first = match.end()
    if first < len(part):
        yield part[first:]
