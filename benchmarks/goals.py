"""The figures we want to reach, each worked out from the rounds of a scenario."""

from collections.abc import Callable

from benchmarks.results import Goal, Rounds
from benchmarks.rounds import middle, ratio


def per_token(over: str, under: str) -> Callable[[Rounds], float | None]:
    """Processor time for a token of one variant over another's."""
    return lambda rounds: ratio(rounds, over, under, "us_per_token")


def of(variant: str, figure: str) -> Callable[[Rounds], float | None]:
    """One variant's figure itself."""
    return lambda rounds: middle(rounds, variant, figure)


def arrived(variant: str) -> Callable[[Rounds], float | None]:
    """How many percent of the tokens came, in the time the server meant to take; the worst round."""

    def worst(rounds: Rounds) -> float | None:
        found = [each[variant] for each in rounds if variant in each]
        return min((each["arrived"] / each["expected"] * each["pace"] * 100 for each in found), default=None)

    return worst


OURS, OURS_UV, OFFICIAL = "ours/asyncio", "ours/uvloop", "ollama_async/asyncio"

GOALS = (
    Goal("blast", "blast: full pipeline / floor", per_token(OURS, "floor"), at_most=2.2),
    Goal(
        "blast",
        "blast: full pipeline / bare httpx iter_raw loop",
        per_token(OURS, "httpx_sync"),
        at_most=0.22,
    ),
    Goal("blast", "blast: official client sync / full pipeline", per_token("ollama_sync", OURS), at_least=8),
    Goal("blast", "blast: official client async / full pipeline", per_token(OFFICIAL, OURS)),
    Goal(
        "blast",
        "blast: official client sync / full pipeline in a thread",
        per_token("ollama_sync", "ours_threads"),
    ),
    Goal(
        "live",
        "live, asyncio: full pipeline / bare httpx async",
        per_token(OURS, "httpx_async/asyncio"),
        0.45,
    ),
    Goal(
        "live",
        "live, uvloop: full pipeline / bare httpx async",
        per_token(OURS_UV, "httpx_async/uvloop"),
        0.35,
    ),
    Goal("live", "live, asyncio: official client async / full pipeline", per_token(OFFICIAL, OURS)),
    Goal("live", "live, uvloop: full pipeline / floor", per_token(OURS_UV, "floor")),
    Goal(
        "paced_300",
        "300 streams, asyncio: ours / official",
        per_token(f"{OURS}/300", f"{OFFICIAL}/300"),
        0.25,
    ),
    Goal(
        "paced_300",
        "300 streams: ours on uvloop / official",
        per_token(f"{OURS_UV}/300", f"{OFFICIAL}/300"),
        at_most=0.18,
    ),
    Goal(
        "paced_300",
        "300 streams, both on uvloop: ours / official",
        per_token(f"{OURS_UV}/300", "ollama_async/uvloop/300"),
    ),
    Goal(
        "paced_many",
        "2000 streams: tokens arrived in time",
        arrived(f"{OURS_UV}/2000"),
        at_least=98,
        unit=" %",
    ),
    Goal(
        "paced_many", "2000 streams: p99 added latency", of(f"{OURS_UV}/2000", "late_p99_ms"), 10, unit=" ms"
    ),
    Goal("paced_many", "2000 streams: share of one core", of(f"{OURS_UV}/2000", "core_percent"), unit=" %"),
    Goal(
        "paced_many",
        "3000 streams: tokens arrived in time",
        arrived(f"{OURS_UV}/3000"),
        at_least=98,
        unit=" %",
    ),
    Goal(
        "paced_many", "3000 streams: p99 added latency", of(f"{OURS_UV}/3000", "late_p99_ms"), 50, unit=" ms"
    ),
    Goal("paced_many", "3000 streams: share of one core", of(f"{OURS_UV}/3000", "core_percent"), unit=" %"),
    Goal(
        "paced_many",
        "memory per live stream of 1000",
        of(f"{OURS_UV}/1000", "kib_per_stream"),
        25,
        unit=" KiB",
    ),
    Goal(
        "paced_many",
        "CPU to open a stream: at 3000 / at 100",
        lambda rounds: ratio(rounds, f"{OURS_UV}/3000", f"{OURS_UV}/100", "open_us_per_stream"),
        at_most=1.4,
    ),
    Goal(
        "micro", "operator hop: ours / ops.map", lambda rounds: ratio(rounds, "own_hop", "map_hop", "us"), 0.4
    ),
    Goal(
        "micro",
        "subscribe and dispose of five: ours / ops.map",
        lambda rounds: ratio(rounds, "own_subscribe", "map_subscribe", "us"),
        at_most=0.5,
    ),
    Goal(
        "micro",
        "the same on a source that is not ours",
        lambda rounds: ratio(rounds, "own_subscribe_foreign", "map_subscribe_foreign", "us"),
    ),
)
