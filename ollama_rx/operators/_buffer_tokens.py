"""Join the small pieces of a text stream into larger ones."""

from collections.abc import Callable
from itertools import pairwise

from reactivex import Observable

from ollama_rx.arguments import check_seconds, check_whole, wrong_type, wrong_value
from ollama_rx.operators._graphemes import (
    GraphemeCursor,
    is_boundary,
    is_boundary_between,
    last_boundary,
)
from ollama_rx.rx import Emitter, through

Until = str | Callable[[str], bool]


def buffer_tokens(
    *,
    count: int | None = None,
    chars: int | None = None,
    seconds: float | None = None,
    until: Until | None = None,
) -> Callable[[Observable[str]], Observable[str]]:
    r"""Join incoming pieces of text until the first of the limits is reached; no text is lost or reordered.

    ::

        source  -a-b-c---d-|          buffer_tokens(count=2)
        pieces  -----x-----(y|)       x="ab"  y="cd"

        source  -a-b-c---d-|          buffer_tokens(seconds=3)
        pieces  ----x---c--(d|)       x="ab"

    A piece never ends inside a grapheme (an emoji of several code points, a letter and its accent). Only the
    next character shows whether a grapheme is complete, so a full piece is emitted when more text arrives,
    together with any characters that continue its last grapheme. After a line break, which no character can
    continue, a full piece is emitted at once. If ``chars`` and a text for ``until`` are the only limits, the
    result depends on the text alone, not on how it was cut.

    On completion the rest is emitted; on error or cancel it is dropped. Empty incoming pieces do not count.

    Args:
        count: incoming pieces (from Ollama, mostly one token each).
        chars: characters; a piece is longer only if a single grapheme is.
        seconds: time since the first character of a piece. When the timer fires, a trailing character beyond
            the Latin script is kept for the next piece, because a combining mark may follow; it waits at most
            another ``seconds``. A Latin letter is emitted even if an accent follows.
        until: a piece ends right after this text (such as ``"\n"``), or after an incoming piece for which
            this function returns True.

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
        raise wrong_type("until", "text or a function", until)
    if until == "":
        raise wrong_value("until", "text of at least 1 character", until)
    return through(
        lambda out: _BufferTokens(out, count, chars, seconds, until),
        name="buffer_tokens",
        takes=str,
        gives=str,
    )


class _BufferTokens:
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
        self._delimiter = until if isinstance(until, str) else ""
        self._is_last = until if callable(until) else None
        self._cancel_timer: Callable[[], None] | None = None
        self._start_piece("")

    def _start_piece(self, text: str) -> None:
        """Start a piece with the text that the one before left over."""
        self._parts = [text] if text else []
        self._size = len(text)
        self._tokens = len(self._parts)
        self._cursor: GraphemeCursor | None = None  # only few pieces need one
        self._passed = 0  # parts that the cursor has moved over
        self._searched = self._delimiter_prefix(text)
        self._is_full = False  # the piece ends at the next grapheme boundary
        self._is_delimited = False  # it is full because the delimiter has come
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
        if text:
            self._start_timer()

    def _start_timer(self) -> None:
        if self._seconds is not None:
            self._cancel_timer = self._later(self._seconds, self._on_timer)

    def feed(self, text: str, /) -> None:
        if self._is_full and text:
            text = self._end_full_piece(text)
        if not text:
            return
        if not self._parts:
            self._start_timer()
        self._parts.append(text)
        self._size += len(text)
        self._tokens += 1
        if self._chars is not None and self._size > self._chars:
            self._emit_complete_pieces()
        elif self._delimiter:
            window = self._searched + text
            self._searched = self._delimiter_prefix(window)
            if self._delimiter in window and self._has_complete_delimiter(text, window):
                self._emit_complete_pieces()
        if self._parts and (self._tokens == self._count or (self._is_last and self._is_last(text))):
            self._set_full()

    def _end_full_piece(self, text: str) -> str:
        """Emit the full piece with the characters that continue its last grapheme; return the other text."""
        if is_boundary_between(self._parts[-1][-1], text[0]):
            self.flush()
            return text
        cursor = self._cursor_after_parts(len(self._parts)).copy()
        end = cursor.next_boundary(text)
        size = self._size + end
        too_long = self._chars is not None and self._size <= self._chars < size
        if end and self._is_delimited:  # the longer grapheme is no longer the delimiter
            self._is_delimited = False
            self._is_full = self._tokens == self._count
        if too_long or not self._is_full:
            self._is_full = False
            return text
        if end:
            self._parts.append(text[:end])
            self._size = size
            self._cursor = cursor
            self._passed += 1
        if end < len(text):
            self.flush()
        return text[end:]

    def _cursor_after_parts(self, count: int) -> GraphemeCursor:
        """Move the cursor over the first parts of the piece, of which it may have moved over some."""
        if self._cursor is None:
            self._cursor = GraphemeCursor()
        text = "".join(self._parts[self._passed : count])
        self._cursor.move_over_text(text, 0, len(text))
        self._passed = count
        return self._cursor

    def _has_complete_delimiter(self, text: str, window: str) -> bool:
        """Return whether a delimiter ends before the end of the newest text; at the end, wait for more."""
        to_end = len(self._delimiter) + len(text) - len(window)  # from its start in the window
        passed = 0
        found = window.find(self._delimiter)
        while 0 <= found < len(text) - to_end:
            cursor = self._cursor_after_parts(len(self._parts) - 1)
            cursor.move_over_text(text, passed, found + to_end)
            passed = found + to_end
            if cursor.is_boundary_before(text[passed]):
                return True
            found = window.find(self._delimiter, found + 1)
        if passed:
            self._cursor_after_parts(len(self._parts) - 1).move_over_text(text, passed, len(text))
            self._passed += 1
        if found >= 0:
            self._is_delimited = True
            self._set_full()
        return False

    def _delimiter_prefix(self, text: str) -> str:
        """Return the end of the text, where the delimiter may have begun."""
        return text[1 - len(self._delimiter) :] if len(self._delimiter) > 1 else ""

    def _emit_complete_pieces(self) -> None:
        """Emit the pieces that end before the last character, start one with the rest."""
        whole = "".join(self._parts)
        start, ends = 0, list[int]()
        while (end := self._piece_end(whole, start)) and end < len(whole):
            ends.append(end)
            start = end
        self._start_piece(whole[start:])
        for begin, stop in pairwise((0, *ends)):
            self._emit(whole[begin:stop])
        if end == len(whole):
            self._is_delimited = self._chars is None or self._size <= self._chars  # else: a long grapheme
            self._set_full()

    def _piece_end(self, whole: str, start: int) -> int:
        """Return where the piece that begins at ``start`` ends, 0 if that is not known yet."""
        ends: list[int] = []
        limit = len(whole) if self._chars is None else start + self._chars
        found = self._delimiter_end(whole, start, limit)
        if found:
            ends.append(found)
        if limit < len(whole):
            end = limit
            while end > start and not is_boundary(whole, end, start):
                end -= 1
            if end == start:  # a grapheme that is longer than `chars`
                cursor = GraphemeCursor()
                cursor.move_over_text(whole, start, limit)
                end = cursor.next_boundary(whole, limit)
            ends.append(end)
        return min(ends, default=0)

    def _delimiter_end(self, whole: str, start: int, limit: int) -> int:
        """Return the end of the first delimiter that no combining mark continues, 0 if there is none."""
        if not self._delimiter:
            return 0
        size = len(self._delimiter)
        found = whole.find(self._delimiter, start, limit + size)
        while found >= 0 and not is_boundary(whole, found + size, start):
            found = whole.find(self._delimiter, found + 1, limit + size)
        return found + size if found >= 0 else 0

    def _set_full(self) -> None:
        """End the piece at the next grapheme boundary, which may be here."""
        self._is_full = True
        if self._parts[-1].endswith("\n"):
            self.flush()

    def _on_timer(self) -> None:
        self._cancel_timer = None
        whole = "".join(self._parts)
        end = len(whole) if "\r" != whole[-1] < "\u0300" else last_boundary(whole) or len(whole)
        is_delimited = self._is_delimited
        self._start_piece(whole[end:])
        self._is_full = self._is_delimited = is_delimited and end < len(whole)
        self._emit(whole[:end])

    def flush(self) -> None:
        piece = "".join(self._parts)
        self._start_piece("")
        if piece:
            self._emit(piece)
