"""End a stream of text, and the request behind it, at a stop word."""

import re
from collections.abc import Callable, Iterable
from itertools import accumulate

from reactivex import Observable

from ollama_rx.arguments import check_flag, check_length
from ollama_rx.operators._prefix_pattern import LONGEST, open_ended
from ollama_rx.rx import Emitter, through


def stop_at(
    *words: str, include: bool = False, ignore_case: bool = False
) -> Callable[[Observable[str]], Observable[str]]:
    """Pass the text before the first stop word, then complete and close the request.

    ::

        source  -a--b--c--d-|   a="Hi E"  b="va, E"   c="ND of"  d="never seen"
        text    -x--y--|        x="Hi "   y="Eva, "
        life    ^------!

    The first word is the one that starts first, wherever the text is cut; what could still become a
    stop word (here "E") is held back, and nothing else. On completion held text is emitted, on error
    or cancel it is dropped.

    Args:
        words: what ends the text; at least one, none empty, up to 300 characters each.
        include: emit the stop word too. Of two words that start together the shorter one counts.
        ignore_case: compare by Unicode's full case folding, so that "STRASSE" finds "Straße". Does not
            normalise: "é" as one character and as two are different words.

    >>> from reactivex import of
    >>> of("Hi ", "you E", "ND, never", " seen").pipe(stop_at("END")).run()
    'you '
    """
    if not words:
        raise ValueError("words: expected at least one stop word")
    for word in words:
        check_length("words", word, most=LONGEST, what="a stop word")
    check_flag("include", include)
    check_flag("ignore_case", ignore_case)
    finder = _Words(map(str.casefold, words) if ignore_case else words, fold=ignore_case)
    return through(lambda out: _StopAt(out, finder, include=include))


class _StopAt:
    def __init__(self, out: Emitter[str], words: "_Words", *, include: bool) -> None:
        self._emit = out.emit
        self._complete = out.complete
        self._search = words.search
        self._words = words
        self._include = include
        self._held = ""

    def feed(self, text: str, /) -> None:
        if self._held:
            text = self._held + text
            self._held = ""
        match = self._search(text)
        if match is not None:
            self._found(text, match)
        elif text:
            self._emit(text)

    def _found(self, text: str, match: re.Match[str]) -> None:
        start, stop = self._words.span(text, match)
        if not self._words.whole(text[start:stop]):
            self._held = text[start:]
            if start:
                self._emit(text[:start])
            return
        send, self._emit = self._emit, _drop
        complete, self._complete = self._complete, _stay
        before = text[:stop] if self._include else text[:start]
        if before:
            send(before)
        complete()

    def flush(self) -> None:
        match = self._words.search_whole(self._held)
        if match is not None:
            self._found(self._held, match)
        elif self._held:
            self._emit(self._held)


def _drop(_: str) -> None:
    """Take the place of ``emit`` after the end."""


def _stay() -> None:
    """Take the place of ``end`` after the end."""


Span = tuple[int, int]
Search = Callable[[str], re.Match[str] | None]


class _Words:
    """Finds the first of some words in a text, or the beginning of one at its end."""

    def __init__(self, words: Iterable[str], *, fold: bool) -> None:
        kept: list[str] = []
        for word in sorted(words, key=len):
            if not word.startswith(tuple(kept)):  # what begins with another stop word is never reached
                kept.append(word)
        self._kept = frozenset(kept)
        self._fold = fold
        self.search = self._searching(open_ended(kept))
        self.search_whole = self._searching(re.compile("|".join(map(re.escape, kept))))

    def whole(self, text: str) -> bool:
        return (text.casefold() if self._fold else text) in self._kept

    def span(self, text: str, match: re.Match[str]) -> Span:
        """Say where a match lies in the text, which may be shorter than its folded form."""
        if len(match.string) == len(text):
            return match.span()
        edges = _edges(text)
        return edges.index(match.start()), edges.index(match.end())

    def _searching(self, pattern: re.Pattern[str]) -> Search:
        if not self._fold:
            return pattern.search

        def search(text: str) -> re.Match[str] | None:
            folded = text.casefold()
            match = pattern.search(folded)
            if match is None or len(folded) == len(text):
                return match
            edges = _edges(text)
            while match is not None and not (match.start() in edges and match.end() in edges):
                match = pattern.search(folded, match.start() + 1)  # it had half of an "ß"
            return match

        return search


def _edges(text: str) -> list[int]:
    """Say where each character begins in the folded text, and where the last one ends."""
    return [0, *accumulate(len(character.casefold()) for character in text)]
