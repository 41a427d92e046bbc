"""Time limits of a request, and the one timer per stream that enforces them."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import TracebackType

from ollama_rx.arguments import check_seconds
from ollama_rx.errors import FirstChunkTimeout, IdleTimeout, TimedOutError, TotalTimeout

_ONE_MORE_LOOK = 0.01  # seconds: enough for the loop to poll its sockets


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds, or None for no limit; each has an error of its own.

    - ``connect``: until the connection is established (`UnreachableError`).
    - ``first_chunk``: from the subscription to the first chunk (`FirstChunkTimeout`); generous, because the
      server may have to load the model first, and giving up aborts the load.
    - ``idle``: between two chunks (`IdleTimeout`); time in which a slow subscriber makes the server wait does
      not count. Between two steps of pull, push and create the limit is the longer of ``first_chunk`` and
      ``idle``, because the server checks and converts gigabytes without sending anything. So it is after each
      block of an upload that the server has taken.
    - ``total``: the whole answer (`TotalTimeout`).

    The limits judge the server: if this process was stopped, or its event loop was blocked, past the end of a
    limit, what arrived meanwhile still counts, and the limit is extended once by that time.

    Raises:
        ValueError: a limit is not above zero.
        TypeError: a limit is not a number.
    """

    connect: float | None = 5.0
    first_chunk: float | None = 300.0
    idle: float | None = 60.0
    total: float | None = None

    @property
    def between_steps(self) -> float | None:
        """The limit between two steps of pull, push and create."""
        if self.idle is None or self.first_chunk is None:
            return None
        return max(self.idle, self.first_chunk)

    def __post_init__(self) -> None:
        for field in fields(self):
            seconds = getattr(self, field.name)
            if seconds is not None:
                check_seconds(field.name, seconds)


class Watchdog:
    """Enforces the limits of one stream with one timer.

    The receiver stores the loop's time in ``last_received`` at each read. Times are compared only when the
    timer fires, so a read costs no more than reading the clock. Before the first read the timer also fires
    after ``idle`` seconds, because from that read on the idle limit applies. A limit that is reached gets a
    `reprieve`, but not two in a row: a loop that is busy all the time must not make it last for ever.
    """

    __slots__ = (
        "_expired",
        "_loop",
        "_paused",
        "_reprieved",
        "_since",
        "_started",
        "_timeouts",
        "_timer",
        "last_received",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        timeouts: Timeouts,
        expired: Callable[[TimedOutError], object],
    ) -> None:
        self.last_received: float | None = None  # the loop's time of the last read
        self._paused = False  # the subscriber makes the server wait, so silence is not the server's fault
        self._loop = loop
        self._timeouts = timeouts
        self._expired = expired
        self._reprieved: type[TimedOutError] | None = None  # the limit that is reached, and has its reprieve
        self._started = self._since = loop.time()  # silence counts from this time on
        self._timer: asyncio.TimerHandle | None = None
        self._arm(self._started)

    def pause(self) -> None:
        """Stop counting silence until `resume`."""
        self._paused = True

    def resume(self) -> None:
        """Count silence again, from now on."""
        self._paused = False
        self._since = self._loop.time()

    def cancel(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, now: float) -> None:
        limits = self._timeouts
        moments = [self._silence_ends()]
        if limits.total is not None:
            moments.append(self._started + limits.total)
        if limits.idle is not None and self.last_received is None:
            moments.append(now + limits.idle)
        moment = min(moments)
        self._timer = None if math.isinf(moment) else self._loop.call_at(moment, self._wake)

    def _silence_ends(self) -> float:
        """Return the time at which the limit expires if nothing more is received."""
        limits = self._timeouts
        if self.last_received is None:
            return math.inf if limits.first_chunk is None else self._since + limits.first_chunk
        return math.inf if limits.idle is None else max(self._since, self.last_received) + limits.idle

    def _wake(self) -> None:
        now = self._loop.time()
        if self._paused:
            self._since = now
        error, end = self._reached_limit(now)
        if error is None:
            self._reprieved = None
            self._arm(now)
        elif type(error) is self._reprieved:
            self._expired(error)
        else:
            self._reprieved = type(error)
            self._timer = self._loop.call_at(now + reprieve(now - end, error.seconds), self._wake)

    def _reached_limit(self, now: float) -> tuple[TimedOutError | None, float]:
        """Return the error of a limit that is reached, if any, and the time at which it was reached."""
        limits = self._timeouts
        if limits.total is not None and now >= self._started + limits.total:
            return TotalTimeout(limits.total), self._started + limits.total
        end = self._silence_ends()
        if now < end:
            return None, end
        if self.last_received is None:
            return FirstChunkTimeout(limits.first_chunk or 0.0), end
        return IdleTimeout(limits.idle or 0.0), end


class TimeLimit:
    """Raises a TimeoutError after so many seconds and a `reprieve`, as an asynchronous context manager."""

    __slots__ = ("_end", "_loop", "_seconds", "_timeout", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + self._seconds
        self._timer = self._loop.call_at(self._end, self._reached)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _reached(self) -> None:
        now = self._loop.time()
        self._timeout.reschedule(now + reprieve(now - self._end, self._seconds))


def reprieve(late: float, limit: float) -> float:
    """Return the seconds by which a limit is extended, once, when it is found to be reached.

    At least the loop looks once more whether data is there. A timer that fires late means that the process
    was stopped or the loop was blocked: what arrived meanwhile, or was held up, gets as much time again, but
    not more than the limit itself.

    >>> reprieve(late=0.0004, limit=60), reprieve(late=6, limit=60), reprieve(late=600, limit=60)
    (0.01, 6, 60)
    """
    return max(min(late, limit), _ONE_MORE_LOOK)
