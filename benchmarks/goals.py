"""The goals, each computed from the rounds of one scenario; those without a limit are for information."""

from collections.abc import Callable
from statistics import median

from benchmarks.bus_load import CROWD, LOOPS
from benchmarks.bus_load import STREAMS as BUS_STREAMS
from benchmarks.results import Goal, Rounds
from benchmarks.rounds import median_of, ratio, ratio_to_most
from benchmarks.scenarios import STREAMS
from benchmarks.web_load import STALLED

OURS, OURS_UV, OFFICIAL = "ours/asyncio", "ours/uvloop", "ollama_async/asyncio"
FLOOR_UV = "floor_async/uvloop"
TWO_WORKERS = "two workers/asyncio"
CROWDED = f"{CROWD} streams/uvloop"
NEVER_READ = f"{STALLED} never read"


def of(variant: str, figure: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes one figure of one variant."""
    return lambda rounds: median_of(rounds, variant, figure)


def ratio_of(over: str, under: str, figure: str = "us_per_token") -> Callable[[Rounds], float | None]:
    """Return a function that computes the ratio of two variants in one figure."""
    return lambda rounds: ratio(rounds, over, under, figure)


def to_floor(streams: int, figure: str = "us_per_token") -> Callable[[Rounds], float | None]:
    """Return a function that computes the ratio of ours to the floor, with as many streams on uvloop."""
    return ratio_of(f"{OURS_UV}/{streams}", f"{FLOOR_UV}/{streams}", figure)


def worst_of(variant: str, figure: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes the highest value of a figure of one variant."""
    return lambda rounds: max((each[variant][figure] for each in rounds if variant in each), default=None)


def least_of(variant: str, figure: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes the lowest value of a figure of one variant."""
    return lambda rounds: min((each[variant][figure] for each in rounds if variant in each), default=None)


def ratio_of_figures(variant: str, over: str, under: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes the median ratio of two figures of one variant."""

    def median_ratio(rounds: Rounds) -> float | None:
        found = [each[variant][over] / each[variant][under] for each in rounds if variant in each]
        return median(found) if found else None

    return median_ratio


def percent_of(variant: str, part: str, whole: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes the least percentage of two figures of one variant."""

    def least(rounds: Rounds) -> float | None:
        found = [each[variant][part] / each[variant][whole] * 100 for each in rounds if variant in each]
        return min(found, default=None)

    return least


def above(variant: str, other: str, figure: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes the median of how much a variant has more than another."""

    def median_difference(rounds: Rounds) -> float | None:
        both = [each for each in rounds if variant in each and other in each]
        found = [each[variant][figure] - each[other][figure] for each in both]
        return median(found) if found else None

    return median_difference


def to_slower_part(rounds: Rounds) -> float | None:
    """Return the ratio of the time of both to that of the slower of model and voice."""
    return ratio_to_most(rounds, "both", ("model", "voice"), "ms")


def arrived(variant: str) -> Callable[[Rounds], float | None]:
    """Return a function that computes the percentage of tokens that came in time in the worst round."""

    def worst(rounds: Rounds) -> float | None:
        found = [each[variant] for each in rounds if variant in each]
        return min((each["arrived"] / each["expected"] * each["pace"] * 100 for each in found), default=None)

    return worst


BLAST = (
    Goal("blast", "blast: full pipeline / floor", ratio_of(OURS, "floor"), at_most=2.2),
    Goal(
        "blast",
        "blast: full pipeline / bare httpx iter_raw loop",
        ratio_of(OURS, "httpx_sync"),
        at_most=0.22,
    ),
    Goal("blast", "blast: official client sync / full pipeline", ratio_of("ollama_sync", OURS)),
    Goal("blast", "blast: official client async / full pipeline", ratio_of(OFFICIAL, OURS)),
    Goal(
        "blast",
        "blast: official client sync / full pipeline in a thread",
        ratio_of("ollama_sync", "ours_threads"),
    ),
)

LIVE = (
    Goal(
        "live",
        "live, asyncio: full pipeline / bare httpx async",
        ratio_of(OURS, "httpx_async/asyncio"),
        at_most=0.45,
    ),
    Goal(
        "live",
        "live, uvloop: full pipeline / bare httpx async",
        ratio_of(OURS_UV, "httpx_async/uvloop"),
        at_most=0.35,
    ),
    Goal("live", "live, asyncio: official client async / full pipeline", ratio_of(OFFICIAL, OURS)),
    Goal("live", "live, uvloop: full pipeline / floor", ratio_of(OURS_UV, "floor")),
)

PACED = (
    *(
        Goal(
            "paced_many",
            f"{streams} streams: CPU of a token, ours / floor",
            to_floor(streams),
            at_most=1.5,
        )
        for streams in STREAMS
    ),
    Goal(
        "paced_many",
        "1000 streams: CPU of opening, ours / floor",
        to_floor(1000, "open_us_per_stream"),
        at_most=5,
    ),
    Goal(
        "paced_many",
        "3000 streams: CPU of opening, ours / floor",
        to_floor(3000, "open_us_per_stream"),
        at_most=5,
    ),
    Goal(
        "paced_many",
        "CPU of opening, ours: a stream of 3000 / of 100",
        ratio_of(f"{OURS_UV}/3000", f"{OURS_UV}/100", "open_us_per_stream"),
        at_most=1.4,
    ),
    Goal(
        "paced_many",
        "1000 streams: memory of a stream",
        of(f"{OURS_UV}/1000", "kib_per_stream"),
        at_most=18,
        unit=" KiB",
    ),
    Goal("paced_many", "1000 streams: memory, ours / floor", to_floor(1000, "kib_per_stream")),
    *(
        Goal(
            "paced_many",
            f"{streams} streams: tokens that arrived in time",
            arrived(f"{OURS_UV}/{streams}"),
            at_least=98,
            unit=" %",
        )
        for streams in (2000, 3000)
    ),
    *(
        Goal(
            "paced_many",
            f"{streams} streams: p99 added latency",
            of(f"{OURS_UV}/{streams}", "late_p99_ms"),
            at_most,
            unit=" ms",
        )
        for streams, at_most in ((2000, 10), (3000, 50))
    ),
    *(
        Goal(
            "paced_many",
            f"{streams} streams: share of one core",
            of(f"{OURS_UV}/{streams}", "core_percent"),
            unit=" %",
        )
        for streams in (2000, 3000)
    ),
    Goal("paced_300", "300 streams, asyncio: ours / official", ratio_of(f"{OURS}/300", f"{OFFICIAL}/300")),
    Goal(
        "paced_300",
        "300 streams: ours on uvloop / official",
        ratio_of(f"{OURS_UV}/300", f"{OFFICIAL}/300"),
    ),
    Goal(
        "paced_300",
        "300 streams, both on uvloop: ours / official",
        ratio_of(f"{OURS_UV}/300", "ollama_async/uvloop/300"),
    ),
)

MICRO = (
    Goal("micro", "operator hop: ours / ops.map", ratio_of("own_hop", "map_hop", "us"), at_most=0.4),
    Goal(
        "micro",
        "subscribe and dispose of five: ours / ops.map",
        ratio_of("own_subscribe", "map_subscribe", "us"),
        at_most=0.5,
    ),
    Goal(
        "micro",
        "the same with a source that is not ours",
        ratio_of("own_subscribe_foreign", "map_subscribe_foreign", "us"),
    ),
)

IMPORTS = (
    Goal(
        "imports",
        "import: client, operators, Console / libraries alone",
        ratio_of("usual", "libraries", "ms"),
        at_most=1.25,
    ),
    Goal("imports", "import ollama_rx alone / libraries", ratio_of("package", "libraries", "ms")),
    Goal(
        "imports",
        "import and build a pipeline / libraries",
        ratio_of("pipeline", "libraries", "ms"),
    ),
)

VOICE = (
    Goal("voice_first_audio", "voice, warm: prompt to first audio", of("warm", "total ms"), unit=" ms"),
    Goal("voice_first_audio", "of it our own share", of("warm", "own ms"), at_most=20, unit=" ms"),
    Goal("voice_cold_start", "voice, cold: both / slower of model and voice", to_slower_part, at_most=1.1),
    Goal(
        "voice_cold_start",
        "voice, cold: one process / one for each",
        ratio_of("both", "two processes", "ms"),
    ),
    Goal(
        "voice_gaps",
        "voice: late for the listener, by the voice's own figures",
        worst_of("answer", "late ms"),
        at_most=0,
        unit=" ms",
    ),
    Goal(
        "voice_gaps",
        "voice: late for the listener, by the blocks",
        worst_of("answer", "silent ms"),
        at_most=0,
        unit=" ms",
    ),
    *(
        Goal(
            "voice_interrupt",
            f"voice, {kind}: interrupt to silence, p99",
            of(kind, "p99 ms"),
            at_most=50,
            unit=" ms",
        )
        for kind in ("idle", "while the model computes")
    ),
    Goal(
        "voice_heard",
        "voice: heard text at most one word wrong",
        of("words", "at most one word %"),
        at_least=95,
        unit=" %",
    ),
    Goal(
        "voice_heard",
        "voice: wrong at sentence ends",
        of("words", "wrong sentence ends"),
        at_most=0,
    ),
    Goal(
        "voice_heard",
        "voice, engine without times: heard text at most one word wrong",
        of("estimate", "at most one word %"),
        unit=" %",
    ),
    Goal(
        "voice_memory",
        "voice: memory at the end / after a third",
        ratio_of_figures("hibari", "end MiB", "middle MiB"),
        at_most=1.05,
    ),
)

WEB = (
    *(
        goal
        for scenario, shape in (("web_one_stream", "one stream"), ("web_many_streams", "200 streams"))
        for loop in ("asyncio", "uvloop")
        for goal in (
            Goal(
                scenario,
                f"web, {shape}, {loop}: events that arrived",
                percent_of(f"ours/{loop}", "arrived", "expected"),
                at_least=100,
                unit=" %",
            ),
            Goal(
                scenario,
                f"web, {shape}, {loop}: p99 of the way to the reader, above the echo",
                above(f"ours/{loop}", f"echo/{loop}", "late_p99_ms"),
                at_most=20,
                unit=" ms",
            ),
            Goal(
                scenario,
                f"web, {shape}, {loop}: CPU of an event, ours / echo",
                ratio_of(f"ours/{loop}", f"echo/{loop}", "us_per_event"),
                at_most=2.5,
            ),
        )
    ),
    *(
        Goal(
            "web_many_streams",
            f"web, 200 streams, {loop}: CPU of an event, ours / bare relay",
            ratio_of(f"ours/{loop}", f"relay/{loop}", "us_per_event"),
        )
        for loop in ("asyncio", "uvloop")
    ),
    Goal(
        "web_never_read",
        "web, beside readers that never read: events that arrived",
        percent_of(NEVER_READ, "arrived", "expected"),
        at_least=100,
        unit=" %",
    ),
    Goal(
        "web_never_read",
        "web, beside readers that never read: p99, above that without them",
        above(NEVER_READ, "all read", "late_p99_ms"),
        at_most=20,
        unit=" ms",
    ),
    *(
        Goal(
            "web_idle",
            f"web, {kind}, {loop}: memory of a reader",
            of(f"ours, {kind}/{loop}", "kib_per_reader"),
            at_most=30,
            unit=" KiB",
        )
        for kind in ("idle", "idle streams")
        for loop in ("asyncio", "uvloop")
    ),
)

BUS = (
    *(
        goal
        for loop in LOOPS
        for goal in (
            Goal(
                "bus_many",
                f"bus, {loop}: CPU of a line, ours / bare",
                ratio_of(f"ours/{loop}", f"bare/{loop}", "us_per_line"),
                at_most=2.5,
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: p50 of the added latency, above that of the direct client",
                above(f"ours/{loop}", f"direct/{loop}", "late_p50_ms"),
                at_most=1,
                unit=" ms",
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: p99 of the added latency, above that of the direct client",
                above(f"ours/{loop}", f"direct/{loop}", "late_p99_ms"),
                at_most=10,
                unit=" ms",
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: CPU of a line, ours / bare that reads it from the host",
                ratio_of(f"ours/{loop}", f"relay/{loop}", "us_per_line"),
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: p50 of the added latency, above that of bare",
                above(f"ours/{loop}", f"bare/{loop}", "late_p50_ms"),
                unit=" ms",
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: CPU of opening, of client and worker",
                of(f"ours/{loop}", "open_us"),
                unit=" us",
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: memory of a stream in the client",
                of(f"ours/{loop}", "reader_kib"),
                unit=" KiB",
            ),
            Goal(
                "bus_many",
                f"bus, {loop}: memory of a stream in the worker",
                of(f"ours/{loop}", "writer_kib"),
                unit=" KiB",
            ),
        )
    ),
    Goal(
        "bus_many",
        "bus, two workers: streams that were done",
        least_of(TWO_WORKERS, "done"),
        at_least=BUS_STREAMS,
    ),
    Goal(
        "bus_many",
        "bus, two workers: lines that arrived",
        percent_of(TWO_WORKERS, "arrived", "expected"),
        at_least=100,
        unit=" %",
    ),
    Goal(
        "bus_many",
        f"bus, {CROWD} streams, uvloop: lines that arrived",
        percent_of(CROWDED, "arrived", "expected"),
        at_least=100,
        unit=" %",
    ),
    Goal("bus_many", f"bus, {CROWD} streams, uvloop: lines of an event", of(CROWDED, "lines_per_event")),
    Goal(
        "bus_many",
        f"bus, {CROWD} streams, uvloop: p50 of the added latency",
        of(CROWDED, "late_p50_ms"),
        unit=" ms",
    ),
    *(
        Goal(
            "bus_first_token",
            f"bus, {what}: a prompt's way to its first token, above that of the direct client",
            above(f"{kind}, bus", f"{kind}, direct", "ms"),
            at_most=10,
            unit=" ms",
        )
        for kind, what in (("first", "connection open"), ("fresh", "fresh thread"))
    ),
    Goal(
        "bus_synced",
        "bus, sync_interval always: CPU of a line, ours / bare",
        ratio_of("ours/asyncio", "bare/asyncio", "us_per_line"),
    ),
    *(
        Goal(
            "bus_synced",
            f"bus, sync_interval always: {percent} of the added latency, above that of {other}",
            above("ours/asyncio", f"{other}/asyncio", f"late_{percent}_ms"),
            unit=" ms",
        )
        for percent in ("p50", "p99")
        for other in ("direct", "bare")
    ),
    *(
        goal
        for loop in LOOPS
        for goal in (
            Goal(
                "bus_blast",
                f"bus, {loop}, as fast as it goes: lines a second, ours / direct",
                ratio_of(f"ours/{loop}", f"direct/{loop}", "lines_per_second"),
            ),
            Goal(
                "bus_blast",
                f"bus, {loop}, as fast as it goes: lines a second, ours / bare",
                ratio_of(f"ours/{loop}", f"bare/{loop}", "lines_per_second"),
            ),
            Goal(
                "bus_blast",
                f"bus, {loop}, as fast as it goes: lines of an event",
                of(f"ours/{loop}", "lines_per_event"),
            ),
        )
    ),
)

GOALS = (*BLAST, *LIVE, *PACED, *MICRO, *IMPORTS, *VOICE, *WEB, *BUS)
