"""Make fewer, larger pieces of a stream of text."""

from collections.abc import Callable
from itertools import pairwise

from reactivex import Observable

from ollama_rx.arguments import check_seconds, check_whole, wrong_type, wrong_value
from ollama_rx.operators._graphemes import after_joined, joined, last_start
from ollama_rx.rx import Emitter, through

Until = str | Callable[[str], bool]


def buffer_tokens(
    *,
    count: int | None = None,
    chars: int | None = None,
    seconds: float | None = None,
    until: Until | None = None,
) -> Callable[[Observable[str]], Observable[str]]:
    r"""Join pieces of text until a limit is reached, whichever is first; nothing is lost or reordered.

    ::

        source  -a-b-c---d-|          buffer_tokens(count=2)
        pieces  -----x-----(y|)       x="ab"  y="cd"

        source  -a-b-c---d-|          buffer_tokens(seconds=3)
        pieces  ----x---c--(d|)       x="ab"

    A piece never ends inside a grapheme (an emoji of several code points, a letter and its accent).
    Whether a character goes on shows in the next one, so a piece that is full leaves when the text
    after it arrives; only after a line break, which nothing can be joined to, it leaves at once. What
    belongs to the last grapheme still goes with the piece. With ``chars`` and a text for ``until``
    alone, pieces depend on the text only, not on how it was cut.

    On completion the rest is emitted, on error or cancel it is dropped. Empty pieces do not count.

    Args:
        count: pieces (from Ollama: mostly one token each).
        chars: characters; a piece is longer only if one grapheme is.
        seconds: from the first character of a piece on. Time cannot wait for what comes next: a last
            character that is often followed by a joined one (every one beyond Latin) stays for the next
            piece, but not for more than ``seconds`` again; a Latin letter goes, even if an accent of its
            own follows.
        until: a piece ends right after this text (such as ``"\n"``), or after a piece for which this
            function is true.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("one\ntw", "o\nthr", "ee").pipe(buffer_tokens(until="\n"), ops.to_list()).run()
    ['one\n', 'two\n', 'three']
    """
    if count is None and chars is None and seconds is None and until is None:
        raise ValueError("buffer_tokens: expected a limit: count, chars, seconds or until")
    if count is not None:
        check_whole("count", count, least=1)
    if chars is not None:
        check_whole("chars", chars, least=1)
    if seconds is not None:
        check_seconds("seconds", seconds)
    if until is not None and not callable(until) and not isinstance(until, str):
        raise wrong_type("until", "a text or a function", until)
    if until == "":
        raise wrong_value("until", "a text of at least 1 character", until)
    return through(lambda out: _Buffer(out, count, chars, seconds, until))


class _Buffer:
    def __init__(
        self,
        out: Emitter[str],
        count: int | None,
        chars: int | None,
        seconds: float | None,
        until: Until | None,
    ) -> None:
        self._emit = out.emit
        self._later = out.later
        self._count = count
        self._chars = chars
        self._seconds = seconds
        self._mark = until if isinstance(until, str) else ""
        self._is_last = until if callable(until) else None
        self._cancel: Callable[[], None] | None = None
        self._begin("")

    def _begin(self, text: str) -> None:
        """Start a piece with what is left of the one before, or with nothing."""
        self._parts = [text] if text else []
        self._size = len(text)
        self._tokens = len(self._parts)
        self._searched = text[1 - len(self._mark) :] if len(self._mark) > 1 else ""
        self._full = False  # the piece ends at the next boundary
        self._marked = False  # because ``until`` has come
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        if text:
            self._start_clock()

    def _start_clock(self) -> None:
        if self._seconds is not None:
            self._cancel = self._later(self._seconds, self._due)

    def feed(self, text: str, /) -> None:
        if self._full and text:
            text = self._finish(text)
        if not text:
            return
        if not self._parts:
            self._start_clock()
        self._parts.append(text)
        self._size += len(text)
        self._tokens += 1
        if self._may_end(text):
            self._cut()
        if self._parts and (self._tokens == self._count or (self._is_last and self._is_last(text))):
            self._fill()

    def _finish(self, text: str) -> str:
        """Let a full piece go, with what is joined to its end; return what comes after that."""
        whole = "".join((*self._parts, text))
        end = after_joined(whole, self._size)
        too_long = self._chars is not None and end > self._chars
        if end > self._size and (self._marked or too_long):
            self._full = False  # with what is joined to it, the last grapheme is another, or too much
            return text
        if end == len(whole):
            self._parts = [whole]
            self._size = end
            return ""
        self._begin("")
        self._emit(whole[:end])
        return whole[end:]

    def _may_end(self, text: str) -> bool:
        """Whether the newest text ends a piece by ``chars`` or ``until``."""
        if self._chars is not None and self._size > self._chars:
            return True
        if not self._mark:
            return False
        window = self._searched + text
        self._searched = window[1 - len(self._mark) :] if len(self._mark) > 1 else ""
        return self._mark in window

    def _cut(self) -> None:
        """Emit the pieces that end inside what has arrived, begin one with the rest."""
        whole = "".join(self._parts)
        start, ends = 0, list[int]()
        while (end := self._end(whole, start)) and end < len(whole):
            ends.append(end)
            start = end
        self._begin(whole[start:])
        for begin, stop in pairwise((0, *ends)):
            self._emit(whole[begin:stop])
        if end == len(whole):
            self._marked = True
            self._fill()

    def _end(self, whole: str, start: int) -> int:
        """Return where the piece that begins at ``start`` ends, 0 if that is not known yet."""
        ends: list[int] = []
        limit = len(whole) if self._chars is None else start + self._chars
        found = self._find(whole, start, limit)
        if found:
            ends.append(found)
        if limit < len(whole):
            end = limit
            while end > start and joined(whole, end):
                end -= 1
            ends.append(end if end > start else after_joined(whole, limit))
        return min(ends, default=0)

    def _find(self, whole: str, start: int, limit: int) -> int:
        """Return the end of the first ``until`` whose last character stands alone, 0 if there is none."""
        if not self._mark:
            return 0
        size = len(self._mark)
        found = whole.find(self._mark, start, limit + size)
        while found >= 0 and joined(whole, found + size):
            found = whole.find(self._mark, found + 1, limit + size)
        return found + size if found >= 0 else 0

    def _fill(self) -> None:
        """Let the piece go at the next boundary: at once, if nothing can be joined to its end."""
        self._full = True
        if self._parts[-1].endswith("\n"):
            self.flush()

    def _due(self) -> None:
        self._cancel = None
        whole = "".join(self._parts)
        end = len(whole) if "\r" != whole[-1] < "\u0300" else last_start(whole) or len(whole)
        self._begin(whole[end:])
        self._emit(whole[:end])

    def flush(self) -> None:
        piece = "".join(self._parts)
        self._begin("")
        if piece:
            self._emit(piece)
