"""Connections to NATS, one for each event loop that uses the bus.

Each connection has its own task, which opens and closes it. The task ends when the connection has been unused
for a while, when it is closed, or when its event loop ends, so no connection is left behind.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from ollama_rx.bus.connection.connection_failure import failure_of, is_refused_login
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.reply_inbox import ReplyInbox
from ollama_rx.errors import OllamaError, UnreachableError
from ollama_rx.rx.event_loops import user_loop
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.rx.loop_end import end_with_loop
from ollama_rx.transport.timeouts import TimeLimit

_KEEPALIVE = 5.0  # seconds for which an unused connection is kept on a user's loop, as in `HttpTransport`
_CLOSING = 0.5  # seconds for which `aclose` waits
_RECONNECT_WAIT = 0.1  # seconds between two attempts
_FLUSHING = 1.0  # seconds for which a full buffer delays a publisher; nats-py's default is no limit
_FIRST_ATTEMPTS = 1  # retries for each server while the first connection is opened
_FOR_EVER: Final = -1
_OLDEST_SERVER = (2, 11)  # the first version that sends several stored messages for one request

_log = logging.getLogger("ollama_rx.bus")


class BusConnection:
    """A connection that, once open, reconnects by itself for as long as it takes."""

    def __init__(self, options: ConnectionOptions, name: str) -> None:
        self.nats: Final = options.new_client()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended for good, for instance because its user was removed."""
        self._options = options
        self._name = name
        self._on_reconnect: set[Callable[[], object]] = set()
        self._on_problem: set[Callable[[], object]] = set()
        self._connected = asyncio.Event()
        self._problem: Exception | None = None
        self._problem_at = float("-inf")
        self._was_lost = False

    @property
    def jetstream(self) -> JetStreamContext:
        """The JetStream API of the server."""
        return self._jetstream

    @property
    def url(self) -> str:
        """The servers, without credentials."""
        return self._options.shown_url

    @property
    def max_payload(self) -> int:
        """The maximum number of bytes that the server accepts in one message."""
        return self.nats.max_payload

    @property
    def is_connected(self) -> bool:
        """Whether the server can be reached at this moment."""
        return self._connected.is_set()

    def denies(self, subject: str) -> bool:
        """Whether the last error from the server says that this user may not use a subject."""
        problem = str(self._problem).lower()  # as nats-py does with the server's text
        return "permissions violation" in problem and f'"{subject.lower()}"' in problem

    def refusal_since(self, moment: float) -> str | None:
        """Return the server's text about a missing permission since ``moment`` (loop time), or None."""
        problem = str(self._problem)
        is_refusal = self._problem_at >= moment and "permissions violation" in problem.lower()
        return problem.removeprefix("nats: ") if is_refusal else None

    async def connected(self) -> None:
        """Wait until the server can be reached.

        Raises:
            UnreachableError: the connection has ended for good.
        """
        if not self._connected.is_set():
            waiting = asyncio.ensure_future(self._connected.wait())
            ends: set[asyncio.Future[Any]] = {waiting, self.lost}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if self.lost.done():
            raise UnreachableError(self.url, str(self._problem or "the connection was closed"))

    def on_reconnect(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call ``callback`` after each reconnect; return a function that removes it."""
        self._on_reconnect.add(callback)
        return lambda: self._on_reconnect.discard(callback)

    def on_problem(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call ``callback`` after each server or connection error; return a function that removes it."""
        self._on_problem.add(callback)
        return lambda: self._on_problem.discard(callback)

    async def request(
        self, subject: str, payload: bytes, *, seconds: float, headers: Mapping[str, str] | None = None
    ) -> Msg:
        """Send a request and return the reply; see `ReplyInbox.request`."""
        return await self._replies.request(subject, payload, seconds=seconds, headers=headers)

    async def open(self, seconds: float | None) -> None:
        """Connect.

        Raises:
            UnreachableError: no server answers.
            UnauthorizedError: the server refuses the login.
        """
        try:
            if seconds is None:
                await self._connect()
            else:
                async with TimeLimit(seconds):
                    await self._connect()
        except (NatsError, OSError, TimeoutError) as error:
            reason = self._problem or error
            raise failure_of(self.url, reason) from reason
        self._refuse_old_server()
        self._jetstream = self.nats.jetstream()  # pyright: ignore[reportUnknownMemberType]
        self._replies = ReplyInbox(self.nats)
        self.lost.add_done_callback(lambda _: self._replies.close())
        await self._replies.open()
        self.nats.options["max_reconnect_attempts"] = _FOR_EVER

    async def _connect(self) -> None:
        await self.nats.connect(
            **self._options.connect_arguments(),
            name=self._name,
            max_reconnect_attempts=_FIRST_ATTEMPTS,
            reconnect_time_wait=_RECONNECT_WAIT,  # type: ignore[arg-type] # it may be a fraction
            flush_timeout=_FLUSHING,
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            closed_cb=self._closed,
        )
        self._connected.set()

    def _refuse_old_server(self) -> None:
        with suppress(ValueError):  # the version of a custom build may not be made of numbers
            found = self.nats.connected_server_version
            if (found.major, found.minor) < _OLDEST_SERVER:
                oldest = ".".join(map(str, _OLDEST_SERVER))
                reason = f"nats-server {found.major}.{found.minor} is too old, {oldest} or newer is needed"
                raise UnreachableError(self.url, reason)

    async def close(self) -> None:
        """Close the connection after all published messages have been sent."""
        self._connected.clear()
        with suppress(NatsError, OSError):
            await self.nats.close()

    async def _failed(self, error: Exception) -> None:
        if is_refused_login(str(error)) and not is_refused_login(str(self._problem)) and self._was_lost:
            _log.warning("%s", failure_of(self.url, error))
        self._problem = error
        self._problem_at = asyncio.get_running_loop().time()
        _log.debug("bus %s: %s", self.url, type(error).__name__)
        for callback in tuple(self._on_problem):
            callback()

    async def _disconnected(self) -> None:
        if self._connected.is_set():  # otherwise it is being closed
            self._connected.clear()
            self._was_lost = True
            _log.info("lost the bus at %s", self.url)

    async def _reconnected(self) -> None:
        self._connected.set()
        _log.info("the bus at %s is back", self.url)
        for callback in tuple(self._on_reconnect):
            callback()

    async def _closed(self) -> None:
        self.lost.set_result(None)


class BusConnections:
    """The connections of all event loops on which a client or a worker uses the bus.

    The server's monitoring shows ``name``.
    """

    def __init__(self, options: ConnectionOptions, *, name: str) -> None:
        self.options = options
        self._name = name
        self._by_loop: dict[asyncio.AbstractEventLoop, _LoopConnection] = {}

    @asynccontextmanager
    async def lease(self, seconds: float | None = 5.0) -> AsyncGenerator[BusConnection]:
        """Use the running loop's connection; it is opened if there is none.

        Raises:
            UnreachableError: the connection cannot be opened within ``seconds``.
            UnauthorizedError: the server refuses the login.
        """
        await end_with_loop()
        loop = asyncio.get_running_loop()
        shared = self._by_loop.get(loop)
        if shared is None or shared.is_ending:
            shared = self._by_loop[loop] = _LoopConnection(self.options, self._name, seconds)
            shared.when_closed(partial(self._forget, loop, shared))
        shared.users += 1
        try:
            yield await shared.opened()
        finally:
            shared.release()

    def _forget(self, loop: asyncio.AbstractEventLoop, shared: "_LoopConnection", _: object) -> None:
        if self._by_loop.get(loop) is shared:
            del self._by_loop[loop]

    async def aclose(self) -> None:
        """Close each connection as soon as it has no users; wait a moment for that of the running loop."""
        self.close()
        shared = self._by_loop.get(asyncio.get_running_loop())
        if shared is not None:
            await shared.wait_closed(_CLOSING)

    def close(self) -> None:
        """Close each connection as soon as it has no users; may be called from any thread."""
        for loop, shared in tuple(self._by_loop.items()):
            with suppress(RuntimeError):  # that loop has just been closed, and its connection with it
                loop.call_soon_threadsafe(shared.close)


class _LoopConnection:
    """The connection of one loop, and the number of its users."""

    def __init__(self, options: ConnectionOptions, name: str, seconds: float | None) -> None:
        self.users = 0
        self.is_ending = False
        self._loop = asyncio.get_running_loop()
        self._keepalive = 0.0 if user_loop() is None else _KEEPALIVE
        self._timer: asyncio.TimerHandle | None = None
        self._unused = asyncio.Event()
        self._connection = BusConnection(options, name)
        self._connection.lost.add_done_callback(lambda _: self._end())
        self._ready: asyncio.Future[BusConnection] = self._loop.create_future()
        self._keeper = self._loop.create_task(self._keep(seconds), name=TASK_NAME)

    async def opened(self) -> BusConnection:
        """Wait until the connection is open."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return await asyncio.shield(self._ready)

    def when_closed(self, callback: Callable[[object], object]) -> None:
        """Call ``callback`` when the connection is closed and its task has ended."""
        self._keeper.add_done_callback(callback)

    def release(self) -> None:
        """Remove a user."""
        self.users -= 1
        if self.users:
            return
        if self._keepalive and not self.is_ending:
            self._timer = self._loop.call_later(self._keepalive, self._end)
        else:
            self._end()

    def close(self) -> None:
        """Close the connection as soon as it has no users."""
        self._keepalive = 0.0
        if not self.users:
            self._end()

    async def wait_closed(self, seconds: float) -> None:
        """Wait until the connection is closed, for at most ``seconds``."""
        await asyncio.wait({self._keeper}, timeout=seconds)

    def _end(self) -> None:
        self.is_ending = True
        if not self.users:
            self._unused.set()
            if not self._ready.done():
                self._keeper.cancel()  # nobody waits for the connection any longer

    async def _wait_unused(self) -> None:
        """Wait a moment for users that still have to publish something, such as a run's cancellation."""
        self.is_ending = True
        if self.users and self._ready.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING):
                    await self._unused.wait()

    async def _keep(self, seconds: float | None) -> None:
        try:
            await self._connection.open(seconds)
            self._ready.set_result(self._connection)
            await self._unused.wait()
        except asyncio.CancelledError:  # the event loop ends, and with it the connection's users
            await self._wait_unused()
            raise
        except OllamaError as error:
            self.is_ending = True
            self._ready.set_exception(error)
            self._ready.exception()  # mark it as retrieved: the user may be gone
        finally:
            self.is_ending = True
            self._ready.cancel()
            if self._timer is not None:
                self._timer.cancel()
            await self._connection.close()
