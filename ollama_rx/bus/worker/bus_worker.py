"""A worker: answers the prompts on the bus for the models that its hosts have."""

import asyncio
import socket
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

from nats.aio.msg import Msg

from ollama_rx.arguments import check_instance, check_whole, optional_texts
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.credentials import Credentials
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.subjects import DEFAULT_NAMESPACE, Subjects
from ollama_rx.bus.worker.attempt import Workplace
from ollama_rx.bus.worker.prompt_handler import handle
from ollama_rx.bus.worker.prompt_queue import PromptQueue, Release
from ollama_rx.bus.worker.registration import Registration
from ollama_rx.bus.worker.run_controls import RunControls
from ollama_rx.client import Client
from ollama_rx.errors import OllamaError
from ollama_rx.rx.internal_loop import TASK_NAME, begin_on_thread


class Worker:
    """Takes prompts from the bus, sends them to the hosts of its client, and stores the answers.

    ::

        with Worker(Client("http://127.0.0.1:11434"), "nats://bus.example", parallel=4):
            ...                                                # it works on a thread of its own
        async with Worker(client, "nats://bus.example"): ...   # or on the running event loop
        asyncio.run(Worker(client).run())                      # or until `stop` is called

    The worker is ready when the block begins: the models that its hosts have by then are registered. At the
    end of the block it takes no new prompts and finishes those it has begun; if the block ends with an error,
    it stops at once, and another worker answers those prompts from the start. A worker can run only once.

    Args:
        client: for the host, or the hosts, that answer; the worker does not close it. Its timeouts apply
            too, so they should be longer than those of the clients on the bus.
        servers: the servers of the bus, as for `jetstream`.
        parallel: how many prompts the worker answers at the same time.
        namespace: the namespace that the clients use.
        max_attempts: how many attempts a prompt gets; an attempt fails if its worker dies or its host fails.
        name: shown in the registry; by default the name of this machine.
        credentials: for the bus, as for `jetstream`.

    Raises:
        UnreachableError: when the worker starts, if there is no server. It waits for a server that is lost
            later.
    """

    def __init__(
        self,
        client: Client,
        servers: str | Sequence[str] | None = None,
        *,
        parallel: int = 1,
        namespace: str = DEFAULT_NAMESPACE,
        max_attempts: int = 3,
        name: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        check_instance("client", client, Client)
        check_whole("parallel", parallel, least=1)
        check_whole("max_attempts", max_attempts, least=1)
        optional_texts(name=name)
        self.name = name or socket.gethostname()
        self._client = client
        self._parallel = parallel
        self._subjects = Subjects(namespace)
        self._max_attempts = max_attempts
        options = ConnectionOptions.of(servers, credentials)
        self.url = options.shown_url
        """The servers of the bus, without credentials."""
        self._connections = BusConnections(options, name=f"ollama-rx worker {self.name}")
        self._tasks: _Tasks | None = None
        self._has_begun = False
        self._may_finish: bool | None = None  # what it has begun; None until `stop` is called
        self._ready: Future[None] = Future()
        self._ended: Future[None] = Future()

    def __repr__(self) -> str:
        return f"<Worker {self.name} at {self.url}>"

    @property
    def state(self) -> WorkerState | None:
        """The state that the worker registered last, or is about to register; None before it has begun."""
        return None if self._tasks is None else self._tasks.registration.state

    @property
    def streams(self) -> int:
        """How many prompts the worker is answering now."""
        return 0 if self._tasks is None else self._tasks.streams

    async def run(self) -> None:
        """Work until `stop` is called. Cancelling the task stops the worker at once.

        Raises:
            UnreachableError: there is no server, or the connection has ended for good.
            RuntimeError: this worker has run already.
        """
        self._check_new()
        self._has_begun = True
        try:
            async with self._connections.lease() as connection:
                self._tasks = _Tasks(
                    self._client,
                    connection,
                    self._subjects,
                    name=self.name,
                    parallel=self._parallel,
                    max_attempts=self._max_attempts,
                )
                self._pass_stop_on()
                await self._tasks.run(lambda: _settle(self._ready))
        except BaseException as error:
            _settle(self._ready, error)
            _settle(self._ended, error)
            raise
        finally:
            await self._connections.aclose()
            _settle(self._ready)
            _settle(self._ended)

    async def ready(self) -> None:
        """Wait until the worker is registered and clients find its models; raises the errors of `run`."""
        is_ready = asyncio.wrap_future(self._ready)
        is_ready.add_done_callback(_note_error)
        await asyncio.shield(is_ready)

    def stop(self, *, finish: bool = True) -> None:
        """Take no new prompts and end, after finishing those already begun if ``finish``; from any thread."""
        self._may_finish = finish and self._may_finish is not False
        self._pass_stop_on()

    def _pass_stop_on(self) -> None:
        if self._tasks is not None and self._may_finish is not None:
            self._tasks.end(finish=self._may_finish)

    # as a context manager

    def _check_new(self) -> None:
        if self._has_begun:
            raise RuntimeError("a worker works once; make a new one")

    def __enter__(self) -> Self:
        self._check_new()
        begin_on_thread(self._begin, partial(_settle, self._ready), name="ollama-rx worker")
        self._ready.result()
        return self

    def _begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bool]":
        return loop.create_task(self._run_on_thread(), name=TASK_NAME)

    async def _run_on_thread(self) -> bool:
        with suppress(OllamaError):  # the error is raised where the block begins, or where it ends
            await self.run()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(finish=error is None)
        self._ended.result()

    async def __aenter__(self) -> Self:
        self._check_new()
        task = asyncio.create_task(self.run(), name=TASK_NAME)
        task.add_done_callback(_note_error)
        try:
            await self.ready()
        except asyncio.CancelledError:
            task.cancel()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(finish=error is None)
        await asyncio.wrap_future(self._ended)


class _Tasks:
    """The tasks of a worker: one takes prompts, one registers the worker, and there is one per prompt."""

    def __init__(
        self,
        client: Client,
        connection: BusConnection,
        subjects: Subjects,
        *,
        name: str,
        parallel: int,
        max_attempts: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._prompts: set[asyncio.Task[None]] = set()
        self._unread: set[asyncio.Task[None]] = set()  # the tasks in _prompts that wait for a reader
        self._stopped = asyncio.Event()
        self._aborted = asyncio.Event()
        self._queue = PromptQueue(connection, subjects, slots=parallel, take=self._take)
        self.registration = Registration(
            client,
            connection,
            subjects,
            name=name,
            parallel=parallel,
            streams=lambda: self.streams,
            on_models=self._queue.set_models,
        )
        self._place = Workplace(
            client=client,
            connection=connection,
            subjects=subjects,
            controls=RunControls(connection, subjects),
            registry=Registry(connection, subjects),
            look_at_hosts=self.registration.look_now,
            max_attempts=max_attempts,
        )

    @property
    def streams(self) -> int:
        """How many prompts are being answered now."""
        return len(self._prompts) - len(self._unread)

    def end(self, *, finish: bool) -> None:
        """Take no new prompts, and abort those already begun unless ``finish`` is true; from any thread."""
        events = (self._stopped,) if finish else (self._stopped, self._aborted)
        with suppress(RuntimeError):  # the loop has just been closed
            for event in events:
                self._loop.call_soon_threadsafe(event.set)

    async def run(self, ready: Callable[[], object]) -> None:
        """Answer prompts until `end` is called, then finish those already begun unless they are aborted.

        Raises:
            UnreachableError: the worker cannot register, or the connection has ended for good.
        """
        async with self._place.controls.listening():
            await self._run(ready)

    async def _run(self, ready: Callable[[], object]) -> None:
        taking = [asyncio.create_task(self._queue.run()), asyncio.create_task(self.registration.run())]
        telling = asyncio.create_task(self._tell_when_registered(ready))
        try:
            await self._until(self._stopped, taking)
            for task in taking:
                if task.done():
                    task.result()  # raises its error
            await _cancelled([telling, *taking, *self._unread])
            while self._prompts and not self._aborted.is_set():
                await self._until(self._aborted, self._prompts)
        finally:
            await _cancelled([telling, *taking, *self._prompts])

    async def _until(self, event: asyncio.Event, tasks: "Collection[asyncio.Task[None]]") -> None:
        """Wait until an event is set, or one of the tasks has ended."""
        waiting = asyncio.create_task(event.wait())
        lost = self._place.connection.lost
        ends: set[asyncio.Future[Any]] = {waiting, lost, *tasks}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if lost.done():
            await self._place.connection.connected()  # raises an error that says why it was lost

    async def _tell_when_registered(self, ready: Callable[[], object]) -> None:
        await self.registration.registered.wait()
        ready()

    def _take(self, message: Msg, release: Release) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._prompts.discard(task)
            self._unread.discard(task)
            release()

        def leave_slot() -> None:
            release()
            self._unread.add(task)
            if self._stopped.is_set():
                task.cancel()

        task = asyncio.create_task(handle(self._place, message, leave_slot))
        self._prompts.add(task)
        task.add_done_callback(ended)


async def _cancelled(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks and wait until they have ended."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def _settle(future: Future[None], error: BaseException | None = None) -> None:
    """Set the result or error of a future, unless it has one already."""
    with suppress(InvalidStateError):
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _note_error(ended: "asyncio.Future[None]") -> None:
    """Keep asyncio from logging an error that is also raised elsewhere."""
    if not ended.cancelled():
        ended.exception()
