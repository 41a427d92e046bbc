"""Fixtures that run each contract from a plain thread and on an event loop, over both transports."""

import asyncio
import gc
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import pytest
from reactivex import Observable
from reactivex.abc import DisposableBase

from ollama_rx import Client, Timeouts
from tests.bus.nats_process import NatsProcess
from tests.contracts.host_behind_bus import HostBehindBus

_OF_IDLE_CONNECTIONS = ("Client._", "_BoundedClient._", "Subscription._", "_LoopConnection._")
"""The coroutines of an idle connection to a bus, which is kept on the user's loop for a moment."""

Kind = Literal["threads", "asyncio"]


@dataclass
class Seen:
    """Records the events of one subscription."""

    items: list[Any] = field(default_factory=list[Any])
    errors: list[Exception] = field(default_factory=list[Exception])
    completed: int = 0
    threads: set[int] = field(default_factory=set[int])
    started: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    hook: Callable[[Any], object] | None = None
    subscription: DisposableBase | None = None

    def on_next(self, item: Any) -> None:
        self.items.append(item)
        self.threads.add(threading.get_ident())
        self.started.set()
        if self.hook is not None:
            self.hook(item)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)
        self.over.set()

    def on_completed(self) -> None:
        self.completed += 1
        self.over.set()

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items)

    def wait(self) -> "Seen":
        assert self.over.wait(10), f"no end: {self.items[-3:]}"
        return self

    def dispose(self) -> float:
        """Dispose from the test's thread; return the time."""
        assert self.subscription is not None
        now = time.monotonic()
        self.subscription.dispose()
        return now


class Door:
    """Subscribes from a plain thread, or on an event loop that runs in a thread of its own."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.loop: asyncio.AbstractEventLoop | None = None
        if kind == "asyncio":
            self.loop = asyncio.new_event_loop()
            self.thread = threading.Thread(target=self.loop.run_forever, name="users-loop")
            self.thread.start()

    def subscribe(self, stream: Observable[Any], hook: Callable[[Any], object] | None = None) -> Seen:
        seen = Seen(hook=hook)
        seen.subscription = self.call(
            lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed)
        )
        return seen

    def call(self, action: Callable[[], Any]) -> Any:
        """Call something where this door subscribes."""
        if self.loop is None:
            return action()

        async def inside() -> Any:
            return action()

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(20)

    def tasks(self) -> int:
        """Count the tasks on the user's event loop, without those of an idle connection to a bus."""
        return self.call(_count_tasks) if self.loop else 0

    def close(self) -> None:
        if self.loop is not None and not self.loop.is_closed():
            assert eventually(lambda: self.tasks() == 0), "a task is left on the user's loop"
            asyncio.run_coroutine_threadsafe(self.loop.shutdown_asyncgens(), self.loop).result(5)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()


over_http = pytest.mark.parametrize("connect", ["fast", "httpx"], indirect=True)
"""Marks a contract that a bus does not have: it stands between the client and the host."""


def _count_tasks() -> int:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    names: list[str] = [getattr(task.get_coro(), "__qualname__", "") for task in others]
    return sum(not name.startswith(_OF_IDLE_CONNECTIONS) for name in names)


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until a condition holds; False if it does not in time."""
    deadline = time.monotonic() + seconds
    waiting = threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            return False
        waiting.wait(0.002)
    return True


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ollama-rx")]


@pytest.fixture(params=["threads", "asyncio"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    door = Door(request.param)
    yield door
    door.close()


Connect = Callable[..., Client]


@pytest.fixture(scope="session")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a server of NATS."""
    server = NatsProcess(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture(params=["fast", "httpx", "bus"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make clients with our transport, an httpx one or over a bus; fail if one of their threads is left."""
    clients: list[Client] = []
    hosts: list[HostBehindBus] = []

    def connected(url: str, timeouts: Timeouts | None = None, **more: Any) -> Client:
        options: dict[str, Any] = {"model": "echo", "timeouts": timeouts or Timeouts(), **more}
        if request.param == "bus":
            host = HostBehindBus(url, request.getfixturevalue("bus"), secrets.token_hex(8))
            hosts.append(host)
            client = Client(transport=host.transport, **options)
        else:
            transport = httpx.AsyncHTTPTransport() if request.param == "httpx" else None
            client = Client(url, transport=transport, **options)
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.close()
    for host in hosts:
        host.close()
    assert eventually(lambda: not our_threads()), f"threads are left: {our_threads()}"
    gc.collect()
