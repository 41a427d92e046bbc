"""One timer a stream, for all of its time limits."""

import asyncio
from collections.abc import Callable

from ollama_rx.errors import FirstChunkTimeout, IdleTimeout, TimedOutError, TotalTimeout
from ollama_rx.timeouts import Timeouts


class Watchdog:
    """Compares times when it wakes up, so that hearing something costs one look at the clock."""

    __slots__ = ("_any", "_expired", "_heard", "_loop", "_paused", "_started", "_timeouts", "_timer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        timeouts: Timeouts,
        expired: Callable[[TimedOutError], object],
    ) -> None:
        self._paused = False  # the subscriber makes the server wait: silence is not its fault
        self._loop = loop
        self._timeouts = timeouts
        self._expired = expired
        self._started = self._heard = loop.time()
        self._any = False
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    def heard(self) -> None:
        """Take note that the server has sent something."""
        self._heard = self._loop.time()
        if not self._any:
            self._any = True
            self.cancel()
            self._arm()

    def pause(self) -> None:
        """Let silence pass."""
        self._paused = True

    def resume(self) -> None:
        """Count silence again, from now on."""
        self._paused = False
        self._heard = self._loop.time()

    def cancel(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        limits = self._timeouts
        silence = limits.idle if self._any else limits.first_chunk
        moments = [] if silence is None else [self._heard + silence]
        if limits.total is not None:
            moments.append(self._started + limits.total)
        self._timer = self._loop.call_at(min(moments), self._wake) if moments else None

    def _wake(self) -> None:
        now = self._loop.time()
        limits = self._timeouts
        silence = limits.idle if self._any else limits.first_chunk
        if limits.total is not None and now >= self._started + limits.total:
            self._expired(TotalTimeout(limits.total))
            return
        if self._paused:
            self._heard = now
        elif silence is not None and now >= self._heard + silence:
            self._expired(IdleTimeout(silence) if self._any else FirstChunkTimeout(silence))
            return
        self._arm()
