"""One timer a stream, for all of its time limits."""

import asyncio
import math
from collections.abc import Callable

from ollama_rx.errors import FirstChunkTimeout, IdleTimeout, TimedOutError, TotalTimeout
from ollama_rx.timeouts import Timeouts


class Watchdog:
    """Compares times when it wakes up, so that hearing something costs one look at the clock.

    Who hears something writes the loop's time into ``heard``. While nothing has been heard the
    watchdog also wakes up for the limit that would hold from then on.
    """

    __slots__ = ("_expired", "_loop", "_paused", "_since", "_started", "_timeouts", "_timer", "heard")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        timeouts: Timeouts,
        expired: Callable[[TimedOutError], object],
    ) -> None:
        self.heard: float | None = None  # when the server has sent something last
        self._paused = False  # the subscriber makes the server wait: silence is not its fault
        self._loop = loop
        self._timeouts = timeouts
        self._expired = expired
        self._started = self._since = loop.time()  # from when on silence counts
        self._timer: asyncio.TimerHandle | None = None
        self._arm(self._started)

    def pause(self) -> None:
        """Let silence pass."""
        self._paused = True

    def resume(self) -> None:
        """Count silence again, from now on."""
        self._paused = False
        self._since = self._loop.time()

    def cancel(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, now: float) -> None:
        limits = self._timeouts
        moments = [self._silence_ends()]
        if limits.total is not None:
            moments.append(self._started + limits.total)
        if limits.idle is not None and self.heard is None:
            moments.append(now + limits.idle)
        moment = min(moments)
        self._timer = None if math.isinf(moment) else self._loop.call_at(moment, self._wake)

    def _silence_ends(self) -> float:
        """Return when patience ends if nothing more is heard."""
        limits = self._timeouts
        if self.heard is None:
            return math.inf if limits.first_chunk is None else self._since + limits.first_chunk
        return math.inf if limits.idle is None else max(self._since, self.heard) + limits.idle

    def _wake(self) -> None:
        now = self._loop.time()
        limits = self._timeouts
        if limits.total is not None and now >= self._started + limits.total:
            self._expired(TotalTimeout(limits.total))
            return
        if self._paused:
            self._since = now
        elif now >= self._silence_ends():
            if self.heard is None:
                self._expired(FirstChunkTimeout(limits.first_chunk or 0.0))
            else:
                self._expired(IdleTimeout(limits.idle or 0.0))
            return
        self._arm(now)
