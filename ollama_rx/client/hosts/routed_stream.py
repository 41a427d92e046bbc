"""A request as a cold Observable: it goes to the best of several hosts, and to the next one if that fails."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, Never, TypeVar

from ollama_rx.client.hosts.failures import Failure, failure_of
from ollama_rx.client.hosts.host_pool import HostPool, Ticket
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.client.hosts.look_ups import LookUps
from ollama_rx.errors import BusyError
from ollama_rx.protocol.readers import Reader
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.serial_source import SerialSource
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.transport.generator_stream import GeneratorStream
from ollama_rx.transport.request_stream import RequestStream
from ollama_rx.transport.session import PreparedRequest
from ollama_rx.transport.timeouts import TimeLimit

T = TypeVar("T")

_FIRST_LOOK_UP = 1.0  # seconds for which the first streams wait until something is known of the hosts
_SERVICE_UNAVAILABLE = 503


@dataclass(slots=True)
class LastHost:
    """The host of the last stream that has delivered an item."""

    host: HostState | None = None

    def get(self) -> HostState | None:
        """Return the host."""
        return self.host


@dataclass(frozen=True, slots=True)
class HostGroup:
    """The hosts that a client may ask, and what it needs to choose one of them."""

    hosts: Sequence[HostState]
    pool: HostPool
    look_ups: LookUps | None
    """None if there is nothing to choose."""
    last_host: LastHost | None = None
    """The host to stay with, for a client that does."""


@dataclass(frozen=True, slots=True)
class HostRequest(Generic[T]):
    """A request that any host can answer."""

    prepare: Callable[[], PreparedRequest]
    reader: Callable[[], Reader[T]]
    item_type: type[T] | None
    model: str | None
    loads_model: bool

    def to(self, host: HostState) -> RequestStream[T]:
        """Return the stream of one host."""
        return RequestStream(host.session, self.prepare, self.reader, self.item_type)


class RoutedStream(ChainedObservable[T]):
    """Sends its request to one host after the other, until one has sent an item.

    Each host is asked once at most. The time limits hold for each request anew.
    """

    def __init__(self, request: HostRequest[T], group: HostGroup) -> None:
        super().__init__()
        self.item_type = request.item_type
        self._request = request
        self._group = group

    def subscribe_chained(self, observer: ChainObserver[T], subscription: ChainSubscription) -> None:
        """Choose a host, or wait for one."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        _HostAttempts(self._request, self._group, observer, subscription).begin()


class _HostAttempts(Generic[T]):
    """One subscription: the hosts that were tried, and the ticket for the current one."""

    def __init__(
        self,
        request: HostRequest[T],
        group: HostGroup,
        observer: ChainObserver[T],
        subscription: ChainSubscription,
    ) -> None:
        self._request = request
        self._hosts = list(group.hosts)  # those that were not tried yet
        self._is_one_of_several = len(group.hosts) > 1
        self._session = group.hosts[0].session  # its limits, and its end, are those of all
        self._pool = group.pool
        self._look_ups = group.look_ups
        self._last_host = group.last_host
        self._forward = observer.on_next
        self._subscription = subscription
        self._tried: list[str] = []
        self._broken_host: Exception | None = None  # why the last one that rests has failed
        self._ticket: Ticket | None = None
        self._has_started = False  # an item has arrived
        self._after_wait: Callable[[], None] | None = None  # what follows, while it waits and asks no host
        self._sources: SerialSource[T] = SerialSource(
            subscription, self._on_next, self._on_error, self._on_completed
        )
        subscription.add_teardown(self._release)

    def begin(self) -> None:
        """Try the best host, after a short wait if nothing is known of any."""
        look_ups = self._look_ups
        if look_ups is not None:
            look_ups.refresh()
            if look_ups.is_worth_waiting:
                self._wait(partial(_wait_for_look_up, look_ups), self._claim)
                return
        self._claim()

    def _claim(self) -> None:
        ticket = self._ticket = Ticket(
            tuple(self._hosts), self._request.model, self._last_host.get if self._last_host else _no_host
        )
        self._pool.claim(ticket)
        if self._subscription.is_disposed:
            self._pool.release(ticket)  # `dispose` may have come before the claim
        elif ticket.host is not None:
            self._ask()
        else:
            seconds = self._session.timeouts.first_chunk
            self._wait(partial(_wait_for_turn, ticket, seconds), self._ask)

    def _ask(self) -> None:
        host = self._current_host()
        if host is not None:  # pragma: no branch - else another thread has disposed at this moment
            self._sources.follow_with(self._request.to(host))

    def _wait(self, wait: Callable[[], Awaitable[None]], then: Callable[[], None]) -> None:
        self._after_wait = then
        self._sources.follow_with(GeneratorStream[T](self._session, partial(_without_items, wait)))

    def _on_next(self, item: T) -> None:
        if not self._has_started:
            self._started()
        self._forward(item)

    def _started(self) -> None:
        self._has_started = True
        host = self._current_host()
        if host is not None:  # pragma: no branch - as above
            self._pool.answered(host)
            if self._last_host is not None:
                self._last_host.host = host

    def _on_completed(self) -> None:
        then, self._after_wait = self._after_wait, None
        if then is not None:
            then()
            return
        host = self._current_host()
        if host is not None and self._has_started and self._request.loads_model and self._request.model:
            self._pool.has_loaded(host, self._request.model)
        self._release()
        self._subscription.complete()

    def _on_error(self, error: Exception) -> None:
        is_waiting = self._after_wait is not None  # a turn may have come just as the wait has failed
        host = None if is_waiting else self._current_host()
        failure = Failure.FINAL if host is None or self._has_started else failure_of(error)
        if host is None or failure is Failure.FINAL:
            self._fail(error)
            return
        self._pool.failed(host, failure, error, self._request.model)
        self._tried.append(f"{host.url}: {error}")
        self._hosts.remove(host)
        self._release()
        if failure is Failure.REST:
            self._broken_host = error
        if self._hosts:
            self._claim()
        elif failure is Failure.NO_MODEL and self._broken_host is not None:
            self._fail(self._broken_host)  # that host may have the model
        else:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._release()
        if self._is_one_of_several:
            for tried in self._tried:
                error.add_note(f"tried {tried}")
        self._subscription.fail(error)

    def _current_host(self) -> HostState | None:
        return None if self._ticket is None else self._ticket.host

    def _release(self) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._pool.release(ticket)


def _no_host() -> HostState | None:
    return None


async def _without_items(wait: Callable[[], Awaitable[None]]) -> AsyncGenerator[Never]:
    """Make a generator, which is what a stream runs, of a wait."""
    await wait()
    return
    yield


async def _wait_for_look_up(look_ups: LookUps) -> None:
    with suppress(TimeoutError):
        async with TimeLimit(_FIRST_LOOK_UP):
            await asyncio.wrap_future(look_ups.wait_for_first())
    look_ups.stop_waiting()


async def _wait_for_turn(ticket: Ticket, seconds: float | None) -> None:
    try:
        async with nullcontext() if seconds is None else TimeLimit(seconds):
            await asyncio.wrap_future(ticket.turn)
    except TimeoutError as error:
        reason = f"every host has been at its max_streams for {seconds:g} s"
        raise BusyError(_SERVICE_UNAVAILABLE, reason) from error
