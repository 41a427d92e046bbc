"""Give bursty text an even pace."""

from collections import deque
from collections.abc import Callable
from typing import Literal

from reactivex import Observable

from ollama_rx.arguments import check_choice, check_positive, check_seconds
from ollama_rx.operators._word_splitter import Graphemes, Units
from ollama_rx.rx import Emitter, through


def smooth(
    *, per_second: float, unit: Literal["word", "grapheme"] = "word", max_lag: float = 1.0
) -> Callable[[Observable[str]], Observable[str]]:
    """Emit bursty text word by word (or grapheme by grapheme) at an even pace; joined it is the same text.

    ::

        source  -a-----b-|         a="one two three fo"  b="ur five"   smooth(per_second=0.5, max_lag=9)
        text    -x-y-z-w-(v|)      x="one"  y=" two"  z=" three"  w=" four"  v=" five"

    A unit that arrives in a quiet moment passes at once. Nothing stays longer than ``max_lag`` seconds:
    when more text waits than ``per_second`` can bring out in that time, the pace quickens evenly, and a
    word whose end does not come is emitted as far as it is there. A word has the white space before it;
    in scripts without spaces words are found as `split_words` does. A grapheme is never cut, except that
    one whose end has not come within ``max_lag`` goes as it is.

    On completion all the rest is emitted at once, unit by unit, so the end comes without delay. On error
    or cancel the rest is dropped.

    Args:
        per_second: units a second; people read 4 to 5 words a second.
        unit: "word" or "grapheme", the smallest piece a reader sees appear.
        max_lag: seconds; how far the text may fall behind.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("one two", " three").pipe(smooth(per_second=100), ops.to_list()).run()
    ['one', ' two', ' three']
    """
    check_positive("per_second", per_second)
    check_choice("unit", unit, ("word", "grapheme"))
    check_seconds("max_lag", max_lag)
    splitter = Units if unit == "word" else Graphemes
    return through(lambda out: _Smooth(out, splitter, 1 / per_second, max_lag))


_SOON = 1e-6  # seconds: what is due so soon is due; sums of intervals are not exact


class _Smooth:
    def __init__(
        self, out: Emitter[str], splitter: type[Units | Graphemes], interval: float, lag: float
    ) -> None:
        self._emit = out.emit
        self._later = out.later
        self._now = out.now
        self._interval = interval
        self._lag = lag
        self._units = splitter(self._arrived)
        self._waiting: deque[tuple[float, str]] = deque()  # with the time by which each must be out
        self._next = 0.0  # when the pace allows the next unit
        self._fed: deque[tuple[int, float]] = deque()  # up to which character text had come, and when
        self._taken = 0  # characters that have become units
        self._total = 0  # characters that have come
        self._cancel: Callable[[], None] | None = None
        self._timer = 0.0  # when it rings

    def feed(self, text: str, /) -> None:
        if not text:
            return
        self._total += len(text)
        self._fed.append((self._total, self._now()))
        self._units.feed(text)
        self._go_on()

    def _arrived(self, unit: str) -> None:
        self._waiting.append((self._oldest() + self._lag, unit))
        self._taken += len(unit)

    def _oldest(self) -> float:
        """Say when the first character came that is not yet in a unit."""
        while self._fed[0][0] <= self._taken:
            self._fed.popleft()
        return self._fed[0][1]

    def _go_on(self) -> None:
        """Emit what is due, then wait for what is due next."""
        now = self._now()
        if self._taken < self._total and self._oldest() + self._lag <= now + _SOON:
            self._units.flush()
        while self._waiting and min(self._next, self._waiting[0][0]) <= now + _SOON:
            _, unit = self._waiting.popleft()
            self._next = max(self._next, now) + self._pause(now)
            self._emit(unit)
        if self._waiting:
            self._wait(now, min(self._next, self._waiting[0][0]))
        elif self._taken < self._total:
            self._wait(now, self._oldest() + self._lag)

    def _pause(self, now: float) -> float:
        """Return the pause after a unit: shorter than the pace asks for if too much waits."""
        if not self._waiting:
            return self._interval
        left = self._waiting[-1][0] - now
        return min(self._interval, max(left, 0.0) / len(self._waiting))

    def _wait(self, now: float, due: float) -> None:
        """Go on when something is due; a timer that comes before that looks again and waits on."""
        if self._cancel is not None:
            if self._timer <= due:
                return
            self._cancel()
        self._timer = due
        self._cancel = self._later(due - now, self._alarm)

    def _alarm(self) -> None:
        self._cancel = None
        self._go_on()

    def flush(self) -> None:
        self._units.flush()
        for _, unit in self._waiting:
            self._emit(unit)
        self._waiting.clear()
