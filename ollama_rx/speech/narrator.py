"""What a voice says for each sentence, in passages that an engine can take."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from reactivex import Observable, of
from reactivex.subject import Subject

from ollama_rx.operators import split_sentences
from ollama_rx.speech.timeline import Passage, SpokenSentence

_LONGEST = 300  # characters: 20 s of audio, so that the first of it comes soon and memory stays small

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
        for part in parts:
            yield Passage(part, first)
            first += len(part)
