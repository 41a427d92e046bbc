"""A NATS server, workers and their hosts as processes, for one run of chaos."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, Self

import httpx
import orjson

from ollama_rx import Client
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.direct_get import stored_messages
from ollama_rx.bus.connection.until_answered import until_answered
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.subjects import Subjects, word_of
from tests.bus.chaos.asking import moment, open_client
from tests.bus.chaos.child_process import ChildProcess
from tests.bus.chaos.scripted_host import MODEL, OBSERVED_PATH, Generation
from tests.bus.nats_process import NatsProcess, free_port

_SETTLING = 20.0  # seconds until nothing may be left


class ResidueError(AssertionError):
    """Something is left although all prompts are done."""


class Cluster:
    """Starts with everything running; the end of the block kills it all.

    Args:
        folder: for files and logs.
        workers: how many.
        parallel: how many prompts each of them answers at the same time.
        host_is_process: whether the host of each worker is a process of its own, or in that of the worker.
        max_attempts: of the workers.
        through: puts something in front of the port of the server, and returns the port of that.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 3,
        parallel: int = 4,
        host_is_process: bool = True,
        max_attempts: int = 3,
        through: Callable[[int], int] | None = None,
    ) -> None:
        self.folder = folder
        self.namespace = f"chaos_{token_hex(4)}"
        self.server = NatsProcess(folder / "nats")
        self.url = self.server.url
        if through is not None:
            self.url = f"nats://127.0.0.1:{through(self.server.port)}"
        self._parallel = parallel
        self._max_attempts = max_attempts
        self._host_ports = [free_port() if host_is_process else 0 for _ in range(workers)]
        self.hosts: list[ChildProcess] = []
        self.workers: list[ChildProcess] = []

    def __enter__(self) -> Self:
        self.server.start()
        try:
            self.hosts = [self._new_host(number) for number, port in enumerate(self._host_ports) if port]
            for host in self.hosts:
                host.wait_ready()
            self.workers = [self._new_worker(number) for number in range(len(self._host_ports))]
            for worker in self.workers:
                worker.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, *self.hosts):
            process.kill()
        self.server.kill()

    def _new_host(self, number: int) -> ChildProcess:
        log = self.folder / f"host-{number}.log"
        return ChildProcess("tests.bus.chaos.host_process", log, port=self._host_ports[number])

    def _new_worker(self, number: int) -> ChildProcess:
        port = self._host_ports[number]
        return ChildProcess(
            "tests.bus.chaos.worker_process",
            self.folder / f"worker-{number}.log",
            host=f"http://127.0.0.1:{port}" if port else None,
            servers=self.url,
            namespace=self.namespace,
            parallel=self._parallel,
            max_attempts=self._max_attempts,
            name=f"worker-{number}",
        )

    # what is done to its parts

    def start_worker(self, number: int) -> None:
        """Start a worker in the place of one that is dead."""
        self.workers[number] = self._new_worker(number)

    def start_host(self, number: int) -> None:
        """Start a host in the place of one that is dead, at the same address."""
        self.hosts[number] = self._new_host(number)

    def revive(self) -> None:
        """Start the workers that have ended, and wait until all are ready."""
        for number, worker in enumerate(self.workers):
            if not worker.is_running:
                worker.wait()
                self.start_worker(number)
                self.workers[number].wait_ready()

    def client(
        self,
        *,
        on_restart: Literal["raise", "hold"] = "raise",
        detach: bool = False,
        grace: float = 10.0,
    ) -> Client:
        """Return a client of this cluster."""
        return open_client(self.url, self.namespace, on_restart=on_restart, detach=detach, grace=grace)

    def new_client_process(self, prompts: list[str], *, detach: bool, grace: float) -> ChildProcess:
        """Return a process that asks these prompts."""
        return ChildProcess(
            "tests.bus.chaos.client_process",
            self.folder / "clients.log",
            servers=self.url,
            namespace=self.namespace,
            prompts=prompts,
            detach=detach,
            grace=grace,
        )

    # what can be seen of it

    def check_logs(self) -> None:
        """Check that no worker has logged an error that it does not understand.

        Raises:
            ResidueError: one has.
        """
        for log in self.folder.glob("worker-*.log"):
            text = log.read_text(encoding="utf-8", errors="replace")
            for sign in ("Traceback", "never retrieved", "was destroyed"):
                if sign in text:
                    raise ResidueError(f"{log} has {sign!r}: {text[text.index(sign) :][:2000]}")

    async def generations(self) -> list[Generation]:
        """Return what the hosts have observed since they were started."""
        async with httpx.AsyncClient(timeout=30) as http:
            answers = [
                await http.get(f"http://127.0.0.1:{port}{OBSERVED_PATH}") for port in self._host_ports if port
            ]
        return [Generation(**found) for answer in answers for found in orjson.loads(answer.content)]

    async def until_hosts_are_idle(self, seconds: float) -> None:
        """Wait until no host is at work."""
        await _until(self._no_host_is_busy, seconds)

    async def _no_host_is_busy(self) -> str:
        running = [found.prompt for found in await self.generations() if found.is_running]
        return f"hosts are at work for {running}" if running else ""

    async def describe(self) -> str:
        """Return in words what is on the bus, when something has gone wrong."""
        connections = BusConnections(ConnectionOptions.of(self.server.url), name="referee")
        try:
            async with connections.lease() as connection:
                subjects = Subjects(self.namespace)
                words = [await _residue(connection, subjects)]
                for message in await stored_messages(
                    connection, subjects.prompts_stream, subjects.all_prompts
                ):
                    run = message.subject.rpartition(".")[2]
                    last = await RunLog(connection, subjects, run).last()
                    end = "no event" if last is None else f"{last.id} {last.kind} {last.payload[:100]!r}"
                    words.append(f"run {run}, {message.data[:200]!r}: {end}")
        finally:
            await connections.aclose()
        return "\n".join(words)

    async def until_nothing_is_left(self, seconds: float = _SETTLING) -> None:
        """Wait until the queue, the consumers, the object store and the workers hold nothing of any run.

        Raises:
            ResidueError: something is still there after so many seconds.
        """
        connections = BusConnections(ConnectionOptions.of(self.server.url), name="referee")
        try:
            async with connections.lease() as connection:
                subjects = Subjects(self.namespace)
                await _until(lambda: _residue(connection, subjects), seconds)
        finally:
            await connections.aclose()


async def _until(find: Callable[[], Any], seconds: float) -> None:
    """Wait until nothing is found any more."""
    deadline = asyncio.get_running_loop().time() + seconds
    while found := await find():
        if asyncio.get_running_loop().time() > deadline:
            raise ResidueError(f"after {seconds:g} s: {found}")
        await moment(0.1)


async def _residue(connection: BusConnection, subjects: Subjects) -> str:
    """Return in words what is left on the bus; "" if there is nothing."""
    left: list[str] = []
    prompts = await _api(connection, f"STREAM.INFO.{subjects.prompts_stream}", {"subjects_filter": ">"})
    if prompts["state"]["messages"]:
        left.append(f"prompts {list(prompts['state'].get('subjects', ()))}")
    consumer = await _api(connection, f"CONSUMER.INFO.{subjects.prompts_stream}.{word_of(MODEL)}", {})
    if consumer["num_ack_pending"] or consumer["num_pending"]:
        left.append(f"num_ack_pending {consumer['num_ack_pending']}, num_pending {consumer['num_pending']}")
    events = await _api(connection, f"STREAM.INFO.{subjects.events_stream}", {})
    if events["state"]["consumer_count"]:
        left.append(f"{events['state']['consumer_count']} consumers of run logs")
    chunks = f"$O.{subjects.large_bucket}.C.>"
    large = await _api(connection, f"STREAM.INFO.OBJ_{subjects.large_bucket}", {"subjects_filter": chunks})
    if large["state"].get("subjects"):
        left.append(f"large bodies {large['state']['subjects']}")
    busy = {
        state.name: state.streams for state in await Registry(connection, subjects).workers() if state.streams
    }
    if busy:
        left.append(f"workers with streams {busy}")
    return "; ".join(left)


async def _api(connection: BusConnection, path: str, content: dict[str, object]) -> dict[str, Any]:
    answer = await until_answered(
        connection,
        lambda: connection.nats.request(f"$JS.API.{path}", orjson.dumps(content), timeout=2),
    )
    found: dict[str, Any] = orjson.loads(answer.data)
    if "error" in found:
        raise ResidueError(f"{path}: {found['error']}")
    return found


class ClientParts:
    """What clients must not leave behind in this process: threads, tasks and sockets."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._sockets = _count_sockets()

    async def until_as_before(self, seconds: float = 5.0) -> None:
        """Wait until there is no more of them than before.

        Raises:
            ResidueError: there is.
        """
        await _until(self._find, seconds)

    async def _find(self) -> str:
        left: list[str] = []
        threads = [thread.name for thread in threading.enumerate() if thread not in self._threads]
        if ours := [name for name in threads if name.startswith("ollama-rx")]:
            left.append(f"threads {ours}")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if names := [task.get_name() for task in tasks if task.get_name().startswith("ollama")]:
            left.append(f"tasks {names}")
        if (sockets := _count_sockets()) > self._sockets:
            left.append(f"{sockets - self._sockets} sockets")
        return "; ".join(left)


def _count_sockets() -> int:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return 0
    found = 0
    for entry in folder.iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue
    return found
