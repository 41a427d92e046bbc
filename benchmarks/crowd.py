"""Many paced streams in one process: what opening and a token cost, how late it comes, how much memory.

The server answers each request's head at once and starts to send when all requests have come. So the
processor time before the first token is that of opening, and what follows is that of reading, up to the
last two tokens of each stream: there the first streams end, and their closing would be counted as reading.
"""

import asyncio
import gc
import os
from array import array
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import process_time, time

from benchmarks.clients.contract import AsyncReader

STATM = Path("/proc/self/statm")
LAST_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of this process at one moment."""

    moment: float
    cpu: float
    memory: int


class Watch:
    """Notes each token's delay, and the state of the process at both ends of the reading."""

    def __init__(self, streams: int, tokens: int) -> None:
        self.expected = streams * tokens
        self.window = streams * (tokens - LAST_TOKENS)
        self._delays = array("d", bytes(8 * self.expected))  # allocated before memory is measured
        self.arrived = 0
        self.first: Mark | None = None
        self.last: Mark | None = None
        self.read = asyncio.Event()

    def saw(self, created_at: str) -> None:
        """Take the server's stamp of a token that has just been worked off."""
        # the clock counts whole minutes from the same origin, so the seconds in the minute are enough
        self._delays[self.arrived] = (time() - float(created_at[17:-1])) % 60
        if self.arrived == 0:
            self.first = mark()
        self.arrived += 1
        if self.arrived == self.window:
            self.last = mark()
            self.read.set()

    def milliseconds_late(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the delays."""
        cuts = quantiles(self._delays[: self.window], n=100)
        return cuts[49] * 1e3, cuts[98] * 1e3


async def measure_crowd(
    reader: AsyncReader, url: str, *, streams: int, tokens: int, rate: int, to_the_end: bool
) -> dict[str, float]:
    """Open the streams, wait for the server's common start, read.

    Not ``to_the_end``: the caller ends this process then, for httpx needs long to close many streams.
    """
    watch = Watch(streams, tokens)
    gc.collect()
    before = mark()
    reading = asyncio.ensure_future(reader.read_many(url, streams, watch.saw))
    enough = asyncio.ensure_future(watch.read.wait())
    await asyncio.wait([reading] if to_the_end else [reading, enough], return_when=asyncio.FIRST_COMPLETED)
    if reading.done():
        await reading  # raise what went wrong
    first, last = watch.first, watch.last
    if first is None or last is None:
        raise ValueError(f"{watch.arrived} of {watch.expected} tokens arrived")
    cpu, lasted = last.cpu - first.cpu, last.moment - first.moment
    median, late = watch.milliseconds_late()
    return {
        "expected": watch.expected if to_the_end else watch.window,
        "arrived": watch.arrived,
        "pace": watch.window / (streams * rate) / lasted,  # 1.0: as fast as the server meant to send
        "open_us_per_stream": (first.cpu - before.cpu) / streams * 1e6,
        "us_per_token": cpu / watch.window * 1e6,
        "core_percent": cpu / lasted * 100,
        "late_p50_ms": median,
        "late_p99_ms": late,
        "kib_per_stream": (last.memory - before.memory) / streams / 1024,
    }


def mark() -> Mark:
    """Take the state of this process now."""
    pages = int(STATM.read_text().split()[1])
    return Mark(time(), process_time(), pages * os.sysconf("SC_PAGE_SIZE"))


async def warm_up(reader: AsyncReader, url: str) -> None:
    """Import and build whatever the first answers need, so that it is not counted."""
    for _ in range(3):
        await reader.read(url)
    await asyncio.sleep(0)
