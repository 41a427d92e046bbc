"""What can happen to a part of a cluster; afterwards that part is there again, or on its way."""

import asyncio
from random import Random

from tests.bus.chaos.asking import moment
from tests.bus.chaos.cluster import Cluster
from tests.bus.chaos.referee import FoulError


async def kill_worker(cluster: Cluster, random: Random) -> None:
    """Kill a worker, and start it again."""
    number = random.randrange(len(cluster.workers))
    cluster.workers[number].kill()
    cluster.start_worker(number)


async def stop_worker(cluster: Cluster, random: Random) -> None:
    """Ask a worker to end, which takes as long as its answers, and start it again."""
    number = random.randrange(len(cluster.workers))
    code = await asyncio.to_thread(cluster.workers[number].wait_ready().stop)
    if code:
        raise FoulError(f"a worker that was asked to end has exited with {code}")
    cluster.start_worker(number)


async def pause_worker(cluster: Cluster, random: Random) -> None:
    """Stop the execution of a worker for longer than the server waits for it, and let it go on."""
    worker = random.choice(cluster.workers)
    worker.pause()
    await moment(random.uniform(3.5, 5.5))
    worker.resume()


async def kill_server(cluster: Cluster, random: Random) -> None:
    """Kill the NATS server; it is back at once, or after up to two seconds."""
    cluster.server.kill()
    await moment(random.choice([0.0, random.uniform(0, 2.0)]))
    await asyncio.to_thread(cluster.server.start)


async def pause_server(cluster: Cluster, random: Random) -> None:
    """Stop the execution of the NATS server for longer than its answers are waited for, and let it go on."""
    cluster.server.pause()
    await moment(random.uniform(1.0, 5.0))
    cluster.server.resume()


async def kill_host(cluster: Cluster, random: Random) -> None:
    """Kill the model's server of a worker; it is started again at once, or after up to a second."""
    number = random.randrange(len(cluster.hosts))
    cluster.hosts[number].kill()
    await moment(random.choice([0.0, random.uniform(0, 1.0)]))
    cluster.start_host(number)
