"""The scenarios: each runs its variants in interleaved rounds and returns the figures of every round."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks.bus_load import bus_blast, bus_first_token, bus_many, bus_synced
from benchmarks.imports import measure_imports
from benchmarks.rounds import Figures, NoResultError, Progress, Round, Worker, interleave
from benchmarks.server import ReplayServer
from benchmarks.size import Size
from benchmarks.voice import (
    voice_cold_start,
    voice_first_audio,
    voice_gaps,
    voice_heard,
    voice_interrupt,
    voice_memory,
)
from benchmarks.web_load import web_idle, web_many_streams, web_never_read, web_one_stream
from benchmarks.worker import raise_file_limit

RATE = 20  # tokens a second of one paced stream: about as fast as a person reads
LIVE_RATE = 2000
SPARE_FILES = 200


STREAMS = (300, 1000, 2000, 3000)  # streams in one process, ours and the floor
TO_THE_END = {"ours", "floor_async"}  # clients that close many streams quickly

Scenario = Callable[[ReplayServer, Size, Progress], list[Round]]


def variants(*names: str) -> list[tuple[str, str]]:
    """Read ``ours/uvloop`` as the client ``ours`` on uvloop; blocking clients have no loop."""
    return [(name.partition("/")[0], name.partition("/")[2]) for name in names]


SEQUENTIAL = variants(
    "floor",
    "ours/asyncio",
    "ours/uvloop",
    "ours_threads",
    "httpx_sync",
    "httpx_async/asyncio",
    "httpx_async/uvloop",
    "ollama_sync",
    "ollama_async/asyncio",
    "ollama_async/uvloop",
)


def blast(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure one stream that comes as fast as the client can read: the cost of decoding and parsing."""
    return _sequential(server.url(tokens=size.blast_tokens), size.blast_tokens, size.rounds, progress)


def live(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure one stream of 2000 tokens a second, each written separately: the cost of waking up."""
    return _sequential(
        server.url(tokens=size.live_tokens, rate=LIVE_RATE), size.live_tokens, size.rounds, progress
    )


def _sequential(url: str, tokens: int, rounds: int, progress: Progress) -> list[Round]:
    with ExitStack() as open_workers:
        measures: dict[str, Callable[[], Figures]] = {}
        for name, loop in SEQUENTIAL:
            worker = open_workers.enter_context(Worker(name, loop))
            job = partial(worker.run, 60, url=url, tokens=tokens, answers=1)
            try:
                job()  # the first one imports, connects and warms the caches
            except NoResultError as error:
                print(error, file=sys.stderr)
            else:
                measures[f"{name}/{loop}".rstrip("/")] = job
        return interleave(measures, rounds, progress)


def paced_300(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure 300 streams beside the official client, which can still keep up with so many."""
    names = ("ours/asyncio", "ours/uvloop", "ollama_async/asyncio", "ollama_async/uvloop")
    return _paced(server, [(*each, 300) for each in variants(*names)], size, size.paced_rounds, progress)


def paced_many(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure up to 3000 streams on uvloop beside the floor: tokens, opening, memory and latency."""
    clients = [(name, "uvloop", streams) for streams in STREAMS for name in ("floor_async", "ours")]
    return _paced(server, [("ours", "uvloop", 100), *clients], size, size.paced_rounds, progress)


def paced_peers(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure the other clients with 100 and 1000 streams for the plots; only once, because they are slow."""
    clients = [
        (name, loop, streams)
        for streams in (100, 1000)
        for name, loop in variants("ollama_async/asyncio", "ollama_async/uvloop", "httpx_async/uvloop")
    ]
    return _paced(server, [*clients, ("ours", "asyncio", 1000)], size, 1, progress)


def _paced(
    server: ReplayServer, clients: list[tuple[str, str, int]], size: Size, rounds: int, progress: Progress
) -> list[Round]:
    allowed = raise_file_limit() - SPARE_FILES
    measures: dict[str, Callable[[], Figures]] = {}
    for name, loop, streams in clients:
        if streams > allowed:
            progress(f"skipped {streams} streams: only {allowed} files may be open (ulimit -Hn)")
        else:
            measures[f"{name}/{loop}/{streams}"] = partial(_paced_one, server, name, loop, streams, size)
    return interleave(measures, rounds, progress)


def _paced_one(server: ReplayServer, name: str, loop: str, streams: int, size: Size) -> Figures:
    tokens = size.paced_seconds * RATE
    paced = {"streams": streams, "tokens": tokens, "rate": RATE, "to_the_end": name in TO_THE_END}
    url = server.url(tokens=tokens, rate=RATE, gate=streams)
    before = server.stats()
    with Worker(name, loop) as worker:  # a new process, so that memory and opening start from zero
        figures = worker.run(60, url=url, warm_up=server.url(tokens=100), paced=paced)
    after = server.stats()
    return {**figures, "server_worst_late_ms": after.worst_late_ms, "server_cpu": after.cpu - before.cpu}


def micro(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all scenarios
    """Measure our cost of a hop and of a subscription beside that of RxPY's ``map``."""
    progress(f"{size.rounds} rounds")
    command = [sys.executable, "-m", "benchmarks.micro", str(size.rounds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    rounds: list[Round] = json.loads(done.stdout)
    return rounds


def imports(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all scenarios
    """Measure a fresh interpreter that imports the package, and one that imports its libraries only."""
    return measure_imports(size.import_rounds, progress)


SCENARIOS: dict[str, Scenario] = {
    "micro": micro,
    "imports": imports,
    "blast": blast,
    "live": live,
    "paced_300": paced_300,
    "paced_many": paced_many,
    "paced_peers": paced_peers,
    "voice_first_audio": voice_first_audio,
    "voice_cold_start": voice_cold_start,
    "voice_gaps": voice_gaps,
    "voice_interrupt": voice_interrupt,
    "voice_heard": voice_heard,
    "voice_memory": voice_memory,
    "web_one_stream": web_one_stream,
    "web_many_streams": web_many_streams,
    "web_never_read": web_never_read,
    "web_idle": web_idle,
    "bus_many": bus_many,
    "bus_synced": bus_synced,
    "bus_first_token": bus_first_token,
    "bus_blast": bus_blast,
}


def named(name: str) -> list[str]:
    """Return the scenarios that a name means: one, or all of a group such as "voice".

    >>> named("paced")
    ['paced_300', 'paced_many', 'paced_peers']
    """
    return [scenario for scenario in SCENARIOS if scenario == name or scenario.startswith(f"{name}_")]
