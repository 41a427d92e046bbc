"""The scenarios of a web server beside a bare echo; the programs are in `web`, each runs in a process."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.rounds import Figures, NoResultError, Progress, Round, interleave
from benchmarks.server import ReplayServer
from benchmarks.size import Size
from benchmarks.web.load import RATE, WARM_UP, Load

READERS = 200
IDLE_READERS = 1000
STALLED = 20
LONG = 4000  # characters of an event that fill what a reader that never reads has of buffers, in two seconds
LOOPS = ("asyncio", "uvloop")
SECONDS = 60.0

Measure = Callable[[], Figures]


def web_one_stream(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure one stream that all readers read."""
    return _beside(("echo",), "one stream", server, size, progress, gate=1)


def web_many_streams(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure a stream for each reader, from a server of token streams in a process of its own."""
    return _beside(("echo", "relay"), "many streams", server, size, progress, gate=READERS)


def web_never_read(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:
    """Measure one stream of long events with and without readers that never read."""
    measures: dict[str, Measure] = {}
    for name, stalled in (("all read", 0), (f"{STALLED} never read", STALLED)):
        load = _load(server, size, gate=1, readers=READERS + stalled, padding=LONG, send_buffer=4096)
        measures[name] = partial(_read, "ours, one stream", "asyncio", load, stalled)
    return interleave(measures, size.web_rounds, progress)


def web_idle(server: ReplayServer, size: Size, progress: Progress) -> list[Round]:  # noqa: ARG001 - as all
    """Measure the memory of readers to which nothing is sent."""
    apps = ("ours, idle", "ours, idle streams", "echo, idle")
    return interleave(
        {f"{app}/{loop}": partial(_idle, app, loop) for loop in LOOPS for app in apps},
        size.web_rounds,
        progress,
    )


def _beside(
    others: Sequence[str], shape: str, server: ReplayServer, size: Size, progress: Progress, *, gate: int
) -> list[Round]:
    load = _load(server, size, gate=gate, readers=READERS)
    measures: dict[str, Measure] = {
        f"{app}/{loop}": partial(_read, f"{app}, {shape}", loop, load, 0)
        for loop in LOOPS
        for app in ("ours", *others)
    }
    return interleave(measures, size.web_rounds, progress)


def _load(server: ReplayServer, size: Size, *, gate: int, readers: int, **more: int) -> Load:
    events = WARM_UP + size.web_seconds * RATE
    return Load(readers, events, server.url(tokens=events, rate=RATE, gate=gate), **more)


def _read(app: str, loop: str, load: Load, stalled: int) -> Figures:
    return _measure(
        app, loop, load, "load", readers=load.readers - stalled, stalled=stalled, events=load.events
    )


def _idle(app: str, loop: str) -> Figures:
    return _measure(app, loop, Load(0, 0, "http://127.0.0.1"), "idle", readers=IDLE_READERS)


def _measure(app: str, loop: str, load: Load, kind: str, **readers: Any) -> Figures:
    command = [sys.executable, "-m", "benchmarks.web.server", app, loop, json.dumps(asdict(load))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            return _figures(kind, port, json.dumps({**readers, "seconds": SECONDS}))
        finally:
            server.kill()


def _figures(*arguments: str) -> Figures:
    command = [sys.executable, "-m", "benchmarks.web.readers", *arguments]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=2 * SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NoResultError(str(error)) from error
    figures: Figures = json.loads(done.stdout)
    return figures
