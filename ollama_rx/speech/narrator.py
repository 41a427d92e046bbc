"""What a voice says for each sentence, in passages that an engine can take."""

from collections.abc import Callable, Iterator

from reactivex import Observable, of
from reactivex.subject import Subject

from ollama_rx.operators import split_sentences
from ollama_rx.speech.timeline import Passage, SpokenSentence

_LONGEST = 300  # characters: 20 s of audio, so that the first of it comes soon and memory stays small


class Narrator:
    """Turns written sentences into spoken ones, for one delivery: a block of code may span sentences."""

    def __init__(self, make_speakable: Callable[[Observable[str]], Observable[str]]) -> None:
        self._written = Subject[str]()
        self._said: list[str] = []
        self._written.pipe(make_speakable).subscribe(self._said.append)

    def narrate(self, written: str) -> SpokenSentence:
        """Return a sentence with what is said for it: nothing for code, for instance."""
        self._said.clear()
        self._written.on_next(written)
        said = "".join(self._said)
        return SpokenSentence(written, said, tuple(_passages(said)))


def _passages(said: str) -> Iterator[Passage]:
    """Cut what is said, if it is very long, where a voice would pause."""
    parts = [said] if said else []
    if len(said) > _LONGEST:
        parts.clear()
        of(said).pipe(split_sentences(max_chars=_LONGEST, strip=False)).subscribe(parts.append)
    first = 0
    for part in parts:
        yield Passage(part, first)
        first += len(part)
