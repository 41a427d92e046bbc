"""End a stream of text, and the request behind it, at a stop word."""

import re
from collections.abc import Callable, Iterable
from itertools import accumulate

from reactivex import Observable

from ollama_rx.arguments import check_flag, check_length
from ollama_rx.operators._prefix_pattern import MAX_LENGTH, prefix_pattern
from ollama_rx.rx import Emitter, through


def stop_at(
    *words: str, include: bool = False, ignore_case: bool = False
) -> Callable[[Observable[str]], Observable[str]]:
    """Pass the text before the first stop word, then complete and close the request.

    ::

        source  -a--b--c--d-|   a="Hi E"  b="va, E"   c="ND of"  d="never seen"
        text    -x--y--|        x="Hi "   y="Eva, "
        life    ^------!

    The first stop word is the one that starts first, however the text was cut. Only text that may still
    become a stop word (here "E") is held back. On completion held text is emitted; on error or cancel it
    is dropped.

    Args:
        words: at least one stop word, each of 1 to 300 characters.
        include: emit the stop word too; if two start together, the shorter one.
        ignore_case: compare by Unicode's full case folding, so that "STRASSE" finds "Straße". Does not
            normalise: "é" as one character differs from "é" as two.

    >>> from reactivex import of
    >>> of("Hi ", "you E", "ND, never", " seen").pipe(stop_at("END")).run()
    'you '
    """
    if not words:
        raise ValueError("words: expected at least one stop word, got none")
    for word in words:
        check_length("words", word, most=MAX_LENGTH, what="a stop word")
    check_flag("include", include)
    check_flag("ignore_case", ignore_case)
    stop_words = _StopWords(map(str.casefold, words) if ignore_case else words, fold=ignore_case)
    return through(
        lambda out: _StopAt(out, stop_words, include=include), name="stop_at", takes=str, gives=str
    )


class _StopAt:
    def __init__(self, out: Emitter[str], words: "_StopWords", *, include: bool) -> None:
        self._emit = out.emit
        self._complete = out.complete
        self._search = words.search
        self._words = words
        self._include = include
        self._held = ""  # the beginning of a stop word, at the end of the text so far

    def feed(self, text: str, /) -> None:
        if self._held:
            text = self._held + text
            self._held = ""
        match = self._search(text)
        if match is not None:
            self._handle_match(text, match)
        elif text:
            self._emit(text)

    def _handle_match(self, text: str, match: re.Match[str]) -> None:
        start, stop = self._words.span(text, match)
        if not self._words.is_complete(text[start:stop]):
            self._held = text[start:]
            if start:
                self._emit(text[:start])
            return
        emit, self._emit = self._emit, _noop
        complete, self._complete = self._complete, _noop
        before = text[:stop] if self._include else text[:start]
        if before:
            emit(before)
        complete()

    def flush(self) -> None:
        match = self._words.search_complete(self._held)
        if match is not None:
            self._handle_match(self._held, match)
        elif self._held:
            self._emit(self._held)


def _noop(*_: object) -> None:
    """Replaces ``emit`` and ``complete`` after completion."""


_Search = Callable[[str], re.Match[str] | None]


class _StopWords:
    """Finds the first stop word in a text, or the beginning of one at its end."""

    def __init__(self, words: Iterable[str], *, fold: bool) -> None:
        kept: list[str] = []
        for word in sorted(words, key=len):
            if not word.startswith(tuple(kept)):  # a shorter stop word always ends the text first
                kept.append(word)
        self._kept = frozenset(kept)
        self._fold = fold
        self.search = self._search_with(prefix_pattern(kept))
        self.search_complete = self._search_with(re.compile("|".join(map(re.escape, kept))))

    def is_complete(self, found: str) -> bool:
        """Return whether a match is a whole stop word, not only the beginning of one."""
        return (found.casefold() if self._fold else found) in self._kept

    def span(self, text: str, match: re.Match[str]) -> tuple[int, int]:
        """Return where a match starts and ends in the text, which may be shorter than its folded form."""
        if len(match.string) == len(text):
            return match.span()
        offsets = _offsets_before_folding(text)
        return offsets[match.start()], offsets[match.end()]

    def _search_with(self, pattern: re.Pattern[str]) -> _Search:
        if not self._fold:
            return pattern.search

        def search(text: str) -> re.Match[str] | None:
            folded = text.casefold()
            match = pattern.search(folded)
            if match is None or len(folded) == len(text):
                return match
            offsets = _offsets_before_folding(text)
            while match is not None and not (match.start() in offsets and match.end() in offsets):
                match = pattern.search(folded, match.start() + 1)  # the match began or ended inside an "ß"
            return match

        return search


def _offsets_before_folding(text: str) -> dict[int, int]:
    """Return, for each offset between characters of the folded text, its offset in the text."""
    folded = accumulate((len(character.casefold()) for character in text), initial=0)
    return {offset: number for number, offset in enumerate(folded)}
