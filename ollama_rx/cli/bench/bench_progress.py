"""The line that says how far a benchmark is."""

import time
from collections.abc import Callable

from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.output.status_line import StatusLine


class BenchProgress:
    """Counts tokens, and shows how many requests are over and how fast tokens arrive now.

    All calls come from the event loop of the requests. The speed is that since the call of `refresh` before.
    """

    def __init__(self, status: StatusLine, clock: Callable[[], float] = time.monotonic) -> None:
        self._status = status
        self._clock = clock
        self._level = BenchLevel(streams=0, requests=0)
        self._tokens = 0
        self._refreshed = 0.0
        self._speed: float | None = None

    def begin(self, level: BenchLevel) -> None:
        """Show a level, whose requests are sent next."""
        self._level = level
        self._tokens = 0
        self._refreshed = self._clock()
        self._speed = None
        self.show()

    def count_token(self) -> None:
        """Count a token that has arrived."""
        self._tokens += 1

    def refresh(self) -> None:
        """Show the speed of the tokens since the last time."""
        now = self._clock()
        self._speed = self._tokens / max(now - self._refreshed, 1e-3)
        self._refreshed = now
        self._tokens = 0
        self.show()

    def show(self) -> None:
        """Show the level as it is now."""
        level = self._level
        if level.is_warm_up:
            self._status.show("warming up, which may load the model")
            return
        speed = "" if self._speed is None else f", {self._speed:.0f} tokens/s"
        done = f"{len(level.results)} of {level.requests} requests"
        self._status.show(f"{level.title}: {done}{speed}")
