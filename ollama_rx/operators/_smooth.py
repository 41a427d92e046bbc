"""Emit bursty text at an even pace."""

from collections import deque
from collections.abc import Callable
from typing import Literal

from reactivex import Observable

from ollama_rx.arguments import check_choice, check_positive, check_seconds
from ollama_rx.operators._word_splitter import GraphemeSplitter, WordSplitter
from ollama_rx.rx import Emitter, through


def smooth(
    *, per_second: float, unit: Literal["word", "grapheme"] = "word", max_lag: float = 1.0
) -> Callable[[Observable[str]], Observable[str]]:
    """Emit bursty text word by word (or grapheme by grapheme) at an even pace, without changing the text.

    ::

        source  -a-----b-|         a="one two three fo"  b="ur five"   smooth(per_second=0.5, max_lag=9)
        text    -x-y-z-w-(v|)      x="one"  y=" two"  z=" three"  w=" four"  v=" five"

    A unit that arrives while nothing is waiting passes at once. No text is held back for longer than
    ``max_lag`` seconds: when more is waiting than ``per_second`` allows in that time, the pace rises evenly,
    and an unfinished word is emitted as far as it has arrived. The white space before a word belongs
    to the word; in scripts without spaces, words are found as in `split_words`. A grapheme is never cut,
    unless its end has not arrived within ``max_lag``.

    On completion the rest is emitted at once, unit by unit, so that completion is not delayed. On error or
    cancel the rest is dropped.

    Args:
        per_second: units per second; people read 4 to 5 words per second.
        unit: "word" or "grapheme", the smallest piece that appears at once.
        max_lag: seconds; how far the output may fall behind the input.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("one two", " three").pipe(smooth(per_second=100), ops.to_list()).run()
    ['one', ' two', ' three']
    """
    check_positive("per_second", per_second)
    check_choice("unit", unit, ("word", "grapheme"))
    check_seconds("max_lag", max_lag)
    splitter = WordSplitter if unit == "word" else GraphemeSplitter
    return through(
        lambda out: _Smooth(out, splitter, 1 / per_second, max_lag), name="smooth", takes=str, gives=str
    )


_TOLERANCE = 1e-6  # seconds: what is due this soon counts as due, since sums of intervals are not exact


class _Smooth:
    def __init__(
        self,
        out: Emitter[str],
        splitter: type[WordSplitter | GraphemeSplitter],
        interval: float,
        max_lag: float,
    ) -> None:
        self._emit = out.emit
        self._later = out.later
        self._now = out.now
        self._interval = interval
        self._max_lag = max_lag
        self._splitter = splitter(self._enqueue)
        self._queue: deque[tuple[float, str]] = deque()  # units, each with its deadline
        self._next_slot = 0.0  # the time at which the pace allows the next unit
        self._arrivals: deque[tuple[int, float]] = deque()  # characters received by then, and the time
        self._received = 0  # characters
        self._split = 0  # characters that have become units
        self._cancel_timer: Callable[[], None] | None = None
        self._timer_due = 0.0

    def feed(self, text: str, /) -> None:
        if not text:
            return
        self._received += len(text)
        self._arrivals.append((self._received, self._now()))
        self._splitter.feed(text)
        self._emit_due()

    def _enqueue(self, unit: str) -> None:
        self._queue.append((self._splitter_deadline(), unit))
        self._split += len(unit)

    def _splitter_deadline(self) -> float:
        """Return when the oldest character that is not yet part of a unit must be emitted."""
        while self._arrivals[0][0] <= self._split:
            self._arrivals.popleft()
        return self._arrivals[0][1] + self._max_lag

    def _emit_due(self) -> None:
        """Emit the units that are due, then set the timer for the next one."""
        now = self._now()
        if self._split < self._received and self._splitter_deadline() <= now + _TOLERANCE:
            self._splitter.flush()
        while self._queue and self._next_due() <= now + _TOLERANCE:
            _, unit = self._queue.popleft()
            self._next_slot = max(self._next_slot, now) + self._pause(now)
            self._emit(unit)
        if self._queue:
            self._set_timer(now, self._next_due())
        elif self._split < self._received:
            self._set_timer(now, self._splitter_deadline())

    def _next_due(self) -> float:
        """Return when to emit the first unit of the queue: when the pace allows it, or its deadline."""
        deadline, _ = self._queue[0]
        return min(self._next_slot, deadline)

    def _pause(self, now: float) -> float:
        """Return the pause after a unit; shorter than the interval if too much is waiting."""
        if not self._queue:
            return self._interval
        last_deadline, _ = self._queue[-1]
        return min(self._interval, max(last_deadline - now, 0.0) / len(self._queue))

    def _set_timer(self, now: float, due: float) -> None:
        """Make sure that a timer fires no later than ``due``; one that fires earlier sets the next."""
        if self._cancel_timer is not None:
            if self._timer_due <= due:
                return
            self._cancel_timer()
        self._timer_due = due
        self._cancel_timer = self._later(due - now, self._on_timer)

    def _on_timer(self) -> None:
        self._cancel_timer = None
        self._emit_due()

    def flush(self) -> None:
        self._splitter.flush()
        for _, unit in self._queue:
            self._emit(unit)
        self._queue.clear()
