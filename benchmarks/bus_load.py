"""The scenarios of the bus; the programs are in `bus`, each side runs in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count

from benchmarks.bus.load import Load
from benchmarks.bus.nats_server import NatsServer
from benchmarks.rounds import Figures, NoResultError, Progress, Round, interleave
from benchmarks.server import ReplayServer, choose
from benchmarks.size import Size

STREAMS = 100
CROWD = 1000  # streams at once; more than one line is in an event then
RATE = 20  # tokens a second of one stream: about as fast as a person reads
LOOPS = ("asyncio", "uvloop")
SIDES = {  # the reader and the writer of each variant
    "ours": ("bus", "worker"),
    "bare": ("bare", "bare"),
    "relay": ("bare", "relay"),
    "direct": ("direct", None),
}
BLAST_FIGURES = ("us_per_line", "reader_us", "writer_us", "server_us", "lines_per_second", "lines_per_event")
SECONDS = 60.0


def bus_many(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure 100 streams of 20 tokens a second; with two workers; and more than the machine has time for."""
    with NatsServer() as bus:
        machine = _Machine(bus, server)
        measures: dict[str, Callable[[], Figures]] = {
            f"{variant}/{loop}": partial(machine.streams, variant, loop, size.bus_seconds)
            for loop in LOOPS
            for variant in SIDES
        }
        ours = partial(machine.streams, "ours")
        measures["two workers/asyncio"] = partial(ours, "asyncio", size.bus_seconds, workers=2)
        measures[f"{CROWD} streams/uvloop"] = partial(ours, "uvloop", size.bus_seconds, streams=CROWD)
        return interleave(measures, size.bus_rounds, progress)


def bus_synced(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure the same with a server that writes each message to the disk before it acknowledges it."""
    with NatsServer(sync_interval="always") as bus:
        machine = _Machine(bus, server)
        measures = {
            f"{variant}/asyncio": partial(machine.streams, variant, "asyncio", size.bus_seconds)
            for variant in ("ours", "bare", "direct")
        }
        return interleave(measures, size.bus_rounds, progress)


def bus_first_token(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure a prompt's way to its first token, on a loop and with ``run()`` in a fresh thread."""
    with NatsServer() as bus:
        machine = _Machine(bus, server)
        measures = {
            side: partial(machine.first_token, side, size.bus_prompts)
            for side in ("first, bus", "first, direct", "fresh, bus", "fresh, direct")
        }
        return interleave(measures, size.bus_rounds, progress)


def bus_blast(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure one stream that comes as fast as the bus takes it."""
    with NatsServer() as bus:
        machine = _Machine(bus, server)
        measures = {
            f"{variant}/{loop}": partial(machine.blast, variant, loop, size.bus_blast_tokens)
            for loop in LOOPS
            for variant in SIDES
        }
        return interleave(measures, size.bus_rounds, progress)


class _Machine:
    """A host and a NATS server, between which the sides are started."""

    def __init__(self, bus: NatsServer, host: ReplayServer) -> None:
        self._bus = bus
        self._host = host
        self._numbers = count()

    def streams(
        self, variant: str, loop: str, seconds: int, *, workers: int = 1, streams: int = STREAMS
    ) -> Figures:
        """Measure streams that come at the pace of a reader."""
        load = self._load(streams=streams, tokens=seconds * RATE, rate=RATE, parallel=streams // workers)
        self._host.stats()
        figures = self._measure(variant, loop, load, workers)
        return {**figures, "server_worst_late_ms": self._host.stats().worst_late_ms}

    def blast(self, variant: str, loop: str, tokens: int) -> Figures:
        """Measure a stream that comes at once."""
        figures = self._measure(variant, loop, self._load(streams=1, tokens=tokens))
        return {name: figures[name] for name in BLAST_FIGURES}

    def first_token(self, side: str, prompts: int) -> Figures:
        """Measure prompts whose answers come at once."""
        load = self._load(streams=1, tokens=5)
        choose(load.host, tokens=load.tokens)
        with _writers("worker" if side.endswith("bus") else None, "asyncio", load):
            return _read(side, "asyncio", load, str(prompts))

    def _load(self, *, streams: int, tokens: int, rate: int = 0, parallel: int = 1) -> Load:
        return Load(
            bus=self._bus.url,
            namespace=f"bench{next(self._numbers)}",
            host=self._host.base,
            streams=streams,
            tokens=tokens,
            rate=rate,
            parallel=parallel,
        )

    def _measure(self, variant: str, loop: str, load: Load, workers: int = 1) -> Figures:
        reader, writer = SIDES[variant]
        with _writers(writer, loop, load, workers) as pids:
            processes = {"writer": pids, "server": [self._bus.pid]} if writer else {}
            return _read(reader, loop, load, json.dumps(processes))


@contextmanager
def _writers(side: str | None, loop: str, load: Load, how_many: int = 1) -> Generator[list[int]]:
    """Run the other side, if there is one, and give the ids of its processes."""
    command = [sys.executable, "-m", "benchmarks.bus.writers", str(side), loop, load.written()]
    with ExitStack() as running:
        started: list[subprocess.Popen[str]] = []
        for _ in range(how_many if side else 0):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            running.callback(_stop, process)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise NoResultError(f"{side} does not start")
        yield [process.pid for process in started]


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()


def _read(side: str, loop: str, load: Load, argument: str) -> Figures:
    command = [sys.executable, "-m", "benchmarks.bus.readers", side, loop, load.written(), argument]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NoResultError(str(error)) from error
    figures: Figures = json.loads(done.stdout)
    return figures
