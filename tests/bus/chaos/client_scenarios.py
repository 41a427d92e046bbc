"""What clients may do, and what can happen to them."""

import asyncio
import statistics
import time

from reactivex import Observable
from reactivex.abc import DisposableBase
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx import Chunk, Client, OllamaError, iterate
from tests.bus.chaos.asking import attach, moment
from tests.bus.chaos.cluster import Cluster
from tests.bus.chaos.happenings import kill_worker
from tests.bus.chaos.referee import MID_ANSWER_ERRORS, FoulError, Outcome, judge
from tests.bus.chaos.run import NO_ERRORS, Run, judged
from tests.bus.chaos.scripted_host import Generation
from tests.bus.chaos.scripted_prompt import BALLAST, ScriptedPrompt
from tests.bus.chaos.traffic import Tally, ask_and_judge, random_prompt

_AT_ONCE = 5
_GRACE = 1.0
_STOPPING = 20.0  # seconds more: workers look every two seconds, and the machine may be busy
_NOT_KNOWN = "nothing is known"  # an error of `attach` to a run whose prompt is not stored yet


async def kill_clients(run: Run) -> Tally:
    """Kill clients at random moments: their models stop, unless the runs are detached."""
    with Cluster(run.folder, workers=2, parallel=40) as cluster:
        reader = cluster.client()
        victims = _Victims(run, cluster, reader)
        async with judged(cluster, reader):
            for first in range(0, run.times, _AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for number in range(first, min(first + _AT_ONCE, run.times)):
                        group.create_task(victims.kill_one(f"c{number}", detach=number % 3 == 0))
        victims.tally.notes.append(f"slowest stop {victims.slowest:.1f} s after the kill")
        return victims.tally


class _Victims:
    """Clients as processes that are killed, and what becomes of their prompts."""

    def __init__(self, run: Run, cluster: Cluster, reader: Client) -> None:
        self.tally = Tally()
        self.slowest = 0.0
        self._random = run.random
        self._cluster = cluster
        self._reader = reader

    async def kill_one(self, name: str, *, detach: bool) -> None:
        prompts = [
            ScriptedPrompt(
                id=f"{name}-{place}",
                words=40 if detach else 600,
                every=0.05,
                prefill=self._random.choice([0.0, 0.5]),
            )
            for place in range(3)
        ]
        texts = [prompt.to_text() for prompt in prompts]
        process = await asyncio.to_thread(
            lambda: self._cluster.new_client_process(texts, detach=detach, grace=_GRACE).wait_ready()
        )
        await moment(self._random.uniform(0, 2.0))
        process.kill()
        if detach:
            await self._read_to_the_end(prompts)
        else:
            await self._wait_until_stopped({prompt.id for prompt in prompts}, time.monotonic())

    async def _read_to_the_end(self, prompts: list[ScriptedPrompt]) -> None:
        for prompt in prompts:
            outcome = await attach(self._reader, prompt.id)
            if _NOT_KNOWN in outcome.message:
                self.tally.ends["not asked"] += 1
            else:
                judge(prompt, outcome, errors=NO_ERRORS)
                self.tally.ends["detached, whole"] += 1

    async def _wait_until_stopped(self, ids: set[str], killed_at: float) -> None:
        while True:
            found = [each for each in await self._cluster.generations() if each.prompt in ids]
            if not any(each.is_running for each in found):
                break
            if time.monotonic() > killed_at + _GRACE + _STOPPING:
                raise FoulError(f"models of a dead client still run after {_GRACE + _STOPPING:g} s: {found}")
            await moment(0.2)
        ends = [each.disconnected_at - killed_at for each in found if each.disconnected_at is not None]
        self.tally.ends["stopped"] += len(ends)
        self.tally.ends["not asked"] += len(ids) - len(ends)
        self.slowest = max([self.slowest, *ends])


async def slow_readers(run: Run) -> Tally:
    """Read with callbacks that block for seconds; some lines have 8 MB. Others are not slowed down."""
    tally = Tally()
    with Cluster(run.folder, workers=1, parallel=2 * run.times + 2, host_is_process=False) as cluster:
        client, quick = cluster.client(), cluster.client()

        def read(prompt: ScriptedPrompt, blocked: float) -> None:
            blocks = {0, prompt.words // 2, prompt.words - 1}
            pieces: list[str] = []
            error: OllamaError | None = None
            try:
                for place, chunk in enumerate(iterate(client.generate(prompt.to_text()))):
                    pieces.append(chunk.text)
                    if place in blocks:
                        time.sleep(blocked)
            except OllamaError as failure:
                error = failure
            outcome = Outcome.of("".join(pieces), error)
            tally.count(outcome)
            judge(prompt, outcome, errors=NO_ERRORS)

        async def quick_ones(reading: "asyncio.Future[list[None]]") -> None:
            while not reading.done():
                begun = time.monotonic()
                await ask_and_judge(
                    quick,
                    ScriptedPrompt(id=f"q{begun:.6f}".replace(".", "-"), words=5),
                    tally,
                    errors=NO_ERRORS,
                )
                slowest.append(time.monotonic() - begun)

        slowest: list[float] = []
        async with judged(cluster, client, quick):
            reading = [
                asyncio.to_thread(
                    read,
                    ScriptedPrompt(id=f"s{number}", words=2000, every=0.0, padding=1000)
                    if number % 2
                    else ScriptedPrompt(id=f"s{number}", words=4, every=0.1, padding=8_000_000),
                    run.random.uniform(0.3, 1.5),
                )
                for number in range(run.times)
            ]
            all_read = asyncio.ensure_future(asyncio.gather(*reading))
            await asyncio.gather(all_read, quick_ones(all_read))
        tally.notes.append(f"slowest of {len(slowest)} quick answers {max(slowest):.2f} s")
    return tally


async def shared_runs(run: Run) -> Tally:
    """Let two clients begin the same run, and others attach to it at random moments."""
    return await _share_all(run, NO_ERRORS)


async def shared_runs_killed(run: Run) -> Tally:
    """Do that while workers are killed."""
    return await _share_all(run, MID_ANSWER_ERRORS)


async def _share_all(run: Run, errors: frozenset[str]) -> Tally:
    """Share runs; if errors are allowed, kill a worker beside each few of them."""
    tally = Tally()
    with Cluster(run.folder, workers=2, parallel=10, host_is_process=False) as cluster:
        clients = [cluster.client(), cluster.client(), cluster.client()]
        async with judged(cluster, *clients):
            for first in range(0, run.times, _AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for number in range(first, min(first + _AT_ONCE, run.times)):
                        group.create_task(_share(run, clients, tally, f"shared-{number}", errors))
                    if errors:
                        await moment(run.random.uniform(0, 1.0))
                        await kill_worker(cluster, run.random)
    return tally


async def _share(run: Run, clients: list[Client], tally: Tally, name: str, errors: frozenset[str]) -> None:
    prompt = random_prompt(run.random, name)
    head_start = run.random.choice([0.0, 0.0, run.random.uniform(0, 0.5)])

    async def begin(client: Client, wait: float) -> str:
        await moment(wait)
        return await ask_and_judge(client.with_run(prompt.id), prompt, tally, errors=errors)

    async def join(wait: float, after: int) -> str:
        await moment(wait)
        outcome = await attach(clients[2], prompt.id, after=after)
        if _NOT_KNOWN in outcome.message:
            tally.ends["not known yet"] += 1
            return ""
        tally.ends[f"attached, {outcome.error or 'whole'}"] += 1
        return judge(prompt, outcome, errors=errors, after=after)

    generations = await asyncio.gather(
        begin(clients[0], 0.0),
        begin(clients[1], head_start),
        join(run.random.uniform(0, 1.0), 0),
        join(run.random.uniform(0.2, 1.0), run.random.randint(1, prompt.words)),
    )
    if not errors and len({generation for generation in generations if generation}) != 1:
        raise FoulError(f"{prompt.id}: one run has several generations: {generations}")


async def cancel(run: Run) -> Tally:
    """Dispose of streams at random moments: before the prompt is stored, in the queue, in mid-answer."""
    tally = Tally()
    with Cluster(run.folder, workers=2, parallel=3) as cluster:
        client = cluster.client()
        disposed_at: dict[str, float] = {}
        open_at_once = asyncio.Semaphore(10)

        async def ask_and_leave(number: int) -> None:
            prompt = ScriptedPrompt(
                id=f"x{number}",
                words=2000,
                every=0.02,
                prefill=run.random.choice([0.0, 0.0, 0.5]),
                ballast=run.random.choice(["", "", "", BALLAST]),
            )
            chosen = run.random.choice([client, client.with_run(prompt.id)])
            seconds = run.random.uniform(0, run.random.choice([0.002, 0.02, 0.3, 1.0, 1.0]))
            leave = run.random.choice([_leave_on_loop, _leave_on_thread])
            async with open_at_once:
                disposed_at[prompt.id] = await leave(chosen.generate(prompt.to_text()), seconds)

        async with judged(cluster, client):
            await asyncio.gather(*(ask_and_leave(number) for number in range(run.times)))
            await cluster.until_hosts_are_idle(10.0)
            found = await cluster.generations()
        delays = sorted(_delays(found, disposed_at))
        tally.ends["never at a host"] = run.times - len(delays)
        tally.ends["stopped at the host"] = len(delays)
        if delays:
            late = sum(delay > 0.05 for delay in delays)
            tally.notes.append(
                f"dispose to hang-up: median {statistics.median(delays) * 1000:.0f} ms, "
                f"slowest {delays[-1] * 1000:.0f} ms, {late} above 50 ms"
            )
    return tally


async def _leave_on_loop(stream: Observable[Chunk], seconds: float) -> float:
    """Subscribe and dispose on the running loop; return when it was disposed of."""
    failures: list[Exception] = []
    running = stream.subscribe(
        on_error=failures.append, scheduler=AsyncIOScheduler(asyncio.get_running_loop())
    )
    await moment(seconds)
    return _dispose(running, failures)


async def _leave_on_thread(stream: Observable[Chunk], seconds: float) -> float:
    """Do the same in a thread, so that the stream has a thread of its own."""

    def leave() -> float:
        failures: list[Exception] = []
        running = stream.subscribe(on_error=failures.append)
        time.sleep(seconds)
        return _dispose(running, failures)

    return await asyncio.to_thread(leave)


def _dispose(running: DisposableBase, failures: list[Exception]) -> float:
    if failures:
        raise FoulError(f"a stream has failed before it was disposed of: {failures}")
    disposed_at = time.monotonic()
    running.dispose()
    return disposed_at


def _delays(generations: list[Generation], disposed_at: dict[str, float]) -> list[float]:
    delays: list[float] = []
    for found in generations:
        if found.disconnected_at is None:
            raise FoulError(f"{found.prompt} was answered to its end although nobody wanted it")
        delays.append(found.disconnected_at - disposed_at[found.prompt])
    return delays
