"""Many paced streams in one process: the cost of opening and of a token, added latency, memory.

The server answers each request's head at once and starts to send when all requests have arrived. So the
processor time before the first token is the cost of opening, and what follows is the cost of reading. The
last two tokens of each stream are left out, because the first streams end there and closing is not reading.
"""

import asyncio
import gc
import os
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import process_time, time
from typing import Generic, TypeVar

from benchmarks.clients.contract import AsyncReader

STATM = Path("/proc/self/statm")
LAST_TOKENS = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of this process at one moment."""

    moment: float
    cpu: float
    memory: int


class Recorder(Generic[T]):
    """Records the latency of each token, and what ``take`` returns at both ends of the reading."""

    def __init__(self, streams: int, tokens: int, take: Callable[[], T]) -> None:
        self._take = take
        self.expected = streams * tokens
        self.counted = streams * (tokens - LAST_TOKENS)
        self._latencies = array("d", bytes(8 * self.expected))  # allocated before memory is measured
        self.arrived = 0
        self.first: T | None = None
        self.last: T | None = None
        self.finished = asyncio.Event()

    def on_token(self, created_at: str) -> None:
        """Record a token that has been processed to the end, by the server's time stamp."""
        # Both clocks count from the same origin and whole minutes cancel out, so the seconds are enough.
        self._latencies[self.arrived] = (time() - float(created_at[17:-1])) % 60
        if self.arrived == 0:
            self.first = self._take()
        self.arrived += 1
        if self.arrived == self.counted:
            self.last = self._take()
            self.finished.set()

    def latency_ms(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the added latency in milliseconds."""
        cuts = quantiles(self._latencies[: self.counted], n=100)
        return cuts[49] * 1e3, cuts[98] * 1e3


async def measure_paced(
    reader: AsyncReader, url: str, *, streams: int, tokens: int, rate: int, to_the_end: bool
) -> dict[str, float]:
    """Open the streams, wait for the server's common start, read.

    Without ``to_the_end`` the caller ends this process early, because httpx is slow to close many streams.
    """
    recorder = Recorder(streams, tokens, snapshot)
    gc.collect()
    before = snapshot()
    reading = asyncio.ensure_future(reader.read_many(url, streams, recorder.on_token))
    finished = asyncio.ensure_future(recorder.finished.wait())
    await asyncio.wait([reading] if to_the_end else [reading, finished], return_when=asyncio.FIRST_COMPLETED)
    if reading.done():
        await reading  # raise its error, if it failed
    first, last = recorder.first, recorder.last
    if first is None or last is None:
        raise ValueError(f"{recorder.arrived} of {recorder.expected} tokens arrived")
    cpu, seconds = last.cpu - first.cpu, last.moment - first.moment
    p50, p99 = recorder.latency_ms()
    return {
        "expected": recorder.expected if to_the_end else recorder.counted,
        "arrived": recorder.arrived,
        "pace": recorder.counted / (streams * rate) / seconds,  # 1.0: as fast as the server meant to send
        "open_us_per_stream": (first.cpu - before.cpu) / streams * 1e6,
        "us_per_token": cpu / recorder.counted * 1e6,
        "core_percent": cpu / seconds * 100,
        "late_p50_ms": p50,
        "late_p99_ms": p99,
        "kib_per_stream": (last.memory - before.memory) / streams / 1024,
    }


def snapshot() -> Snapshot:
    """Return the state of this process now."""
    pages = int(STATM.read_text().split()[1])
    return Snapshot(time(), process_time(), pages * os.sysconf("SC_PAGE_SIZE"))


async def warm_up(reader: AsyncReader, url: str) -> None:
    """Read a few answers, so that imports and first uses are not counted."""
    for _ in range(3):
        await reader.read(url)
    await asyncio.sleep(0)
