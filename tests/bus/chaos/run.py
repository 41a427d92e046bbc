"""One run of a scenario, and what is checked at its end."""

from collections.abc import AsyncGenerator, Collection, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ollama_rx import Client
from tests.bus.chaos.cluster import ClientParts, Cluster
from tests.bus.chaos.referee import MID_ANSWER_ERRORS, FoulError, logged_errors
from tests.bus.chaos.traffic import Tally, keep_busy

NO_ERRORS: frozenset[str] = frozenset()
"""The errors that are allowed where a stream has to go on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a scenario."""

    folder: Path
    random: Random
    times: int


@asynccontextmanager
async def judged(cluster: Cluster, *clients: Client, seconds: float = 20.0) -> AsyncGenerator[None]:
    """Check at the end of a block that nothing is left, on the bus or of the clients, which are closed."""
    parts = ClientParts()
    with logged_errors() as errors:
        try:
            yield
        except Exception:
            print(await cluster.describe())  # noqa: T201 - pytest shows it
            raise
        await cluster.until_nothing_is_left(seconds)
        for client in clients:
            await client.aclose()
        await parts.until_as_before()
    cluster.check_logs()
    if errors:
        raise FoulError(f"errors were logged: {errors}")


async def under_load(
    run: Run,
    cluster: Cluster,
    happening: Coroutine[None, None, None],
    *,
    raising: Collection[str] = MID_ANSWER_ERRORS,
    holding: Collection[str] = NO_ERRORS,
) -> Tally:
    """Let something happen to a cluster that is kept busy, and judge all answers.

    Half of them are asked for with each value of ``on_restart``; the collections have the errors by
    which they may end.
    """
    tally = Tally()
    clients = {cluster.client(): raising, cluster.client(on_restart="hold"): holding}
    async with judged(cluster, *clients):
        await keep_busy(clients, run.random, tally, width=6, until=happening)
    return tally
