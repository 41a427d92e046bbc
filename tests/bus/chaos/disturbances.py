"""What may happen while answers are under way; afterwards each of them is whole, or its error is told."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from random import Random

from tests.bus.chaos.asking import moment
from tests.bus.chaos.cluster import Cluster
from tests.bus.chaos.happenings import (
    kill_host,
    kill_server,
    kill_worker,
    pause_server,
    pause_worker,
    stop_worker,
)
from tests.bus.chaos.lossy_proxy import LossyProxy
from tests.bus.chaos.referee import MID_ANSWER_ERRORS, FoulError
from tests.bus.chaos.run import NO_ERRORS, Run, judged, under_load
from tests.bus.chaos.scripted_prompt import ScriptedPrompt
from tests.bus.chaos.traffic import Tally, ask_and_judge

_HOST_ERRORS = MID_ANSWER_ERRORS | {"StatusError", "BusyError"}

Happening = Callable[[Cluster, Random], Awaitable[None]]


async def kill_workers(run: Run) -> Tally:
    """Kill workers: an answer that has begun ends with an error, or is held back until it is complete."""
    return await _repeat(run, kill_worker)


async def stop_workers(run: Run) -> Tally:
    """Ask workers to end: nobody notices."""
    return await _repeat(run, stop_worker, raising=NO_ERRORS)


async def pause_workers(run: Run) -> Tally:
    """Stop the execution of workers for a while: others take over, and what wakes up is fenced off."""
    return await _repeat(run, pause_worker)


async def kill_servers(run: Run) -> Tally:
    """Kill the NATS server: all answers go on."""
    return await _repeat(run, kill_server)


async def pause_servers(run: Run) -> Tally:
    """Stop the execution of the NATS server for a while: all answers go on."""
    return await _repeat(run, pause_server)


async def kill_hosts(run: Run) -> Tally:
    """Kill the models' servers: another attempt is made, or the failure is told."""
    return await _repeat(run, kill_host, raising=_HOST_ERRORS, holding=_HOST_ERRORS)


async def everything(run: Run) -> Tally:
    """Let all of that happen."""
    happenings = kill_worker, kill_server, kill_host, pause_worker, stop_worker, pause_server
    return await _repeat(run, *happenings, raising=_HOST_ERRORS, holding=_HOST_ERRORS)


async def _repeat(
    run: Run,
    *happenings: Happening,
    raising: Collection[str] = MID_ANSWER_ERRORS,
    holding: Collection[str] = NO_ERRORS,
) -> Tally:
    order = [happenings[number % len(happenings)] for number in range(run.times)]
    run.random.shuffle(order)
    with Cluster(run.folder) as cluster:

        async def happen() -> None:
            for happening in order:
                await moment(run.random.uniform(0, 1.0))
                await happening(cluster, run.random)
            for process in (*cluster.hosts, *cluster.workers):
                await asyncio.to_thread(process.wait_ready)

        return await under_load(run, cluster, happen(), raising=raising, holding=holding)


async def lose_acknowledgements(run: Run) -> Tally:
    """Lose what the server answers right after a publication, and then the connection: all answers go on."""
    return await _through_proxy(run, LossyProxy(run.random, losses=run.times))


async def stall_connections(run: Run) -> Tally:
    """Hold up the connections of workers and clients for a while: others take over."""
    return await _through_proxy(run, LossyProxy(run.random, losses=run.times, stalls=True))


async def _through_proxy(run: Run, lossy: LossyProxy) -> Tally:
    with (
        lossy as proxy,
        Cluster(run.folder, workers=2, host_is_process=False, through=proxy.through) as cluster,
    ):

        async def until_over() -> None:
            while not proxy.is_over:
                await moment(0.1)

        tally = await under_load(run, cluster, until_over())
        tally.notes.append(f"{proxy.losses} losses")
        return tally


async def judges_run(run: Run) -> Tally:
    """Ask many prompts of three workers, one of which is killed every second; half of them with "hold"."""
    tally = Tally()
    with Cluster(run.folder) as cluster:
        raising, holding = cluster.client(), cluster.client(on_restart="hold")
        kills = 0

        async def kill() -> None:
            nonlocal kills
            while True:
                await moment(1.0)
                await kill_worker(cluster, run.random)
                kills += 1

        async with judged(cluster, raising, holding):
            killing = asyncio.create_task(kill())
            async with asyncio.TaskGroup() as group:
                for number in range(run.times):
                    client, errors = (raising, MID_ANSWER_ERRORS) if number % 2 else (holding, NO_ERRORS)
                    prompt = ScriptedPrompt(id=f"p{number}", words=run.random.randint(10, 40), every=0.05)
                    group.create_task(ask_and_judge(client, prompt, tally, errors=errors, patience=600.0))
            killing.cancel()
            await asyncio.to_thread(cluster.revive)
        tally.notes.append(f"{kills} kills")
    return tally


async def poison(run: Run) -> Tally:
    """Ask prompts that kill their worker: they fail and leave the queue, and others are answered."""
    tally = Tally()
    with Cluster(run.folder, workers=2, host_is_process=False, max_attempts=2) as cluster:
        raising, holding = cluster.client(), cluster.client(on_restart="hold")

        async def revive() -> None:
            while True:
                await asyncio.to_thread(cluster.revive)
                await moment(0.1)

        async def ask_poison(number: int) -> None:
            client, errors = (raising, MID_ANSWER_ERRORS) if number % 2 else (holding, NO_ERRORS)
            prompt = ScriptedPrompt(id=f"poison-{number}", dies_at=run.random.randint(0, 10))
            await ask_and_judge(client, prompt, tally, errors=errors)
            if tally.ends["whole"]:
                raise FoulError(f"{prompt.id} is whole")

        async with judged(cluster, raising, holding, seconds=40.0):
            reviving = asyncio.create_task(revive())
            await asyncio.gather(*(ask_poison(number) for number in range(run.times)))
            await ask_and_judge(holding, ScriptedPrompt(id="good"), tally, errors=NO_ERRORS)
            reviving.cancel()
            with suppress(asyncio.CancelledError):
                await reviving
            await asyncio.to_thread(cluster.revive)
    return tally
