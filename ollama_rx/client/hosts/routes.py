"""Where the requests of a client go: to its one server, or to one or all of several."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import reactivex
from reactivex import Observable
from reactivex import operators as rx_operators

from ollama_rx.client.hosts.host_pool import HostPool
from ollama_rx.client.hosts.host_settings import Host
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.client.hosts.host_status import HostStatus
from ollama_rx.client.hosts.look_ups import LookUps
from ollama_rx.client.hosts.model_names import full_name
from ollama_rx.client.hosts.routed_stream import HostGroup, HostRequest, LastHost, RoutedStream
from ollama_rx.protocol.readers import JsonReader, Reader
from ollama_rx.responses import Model, RunningModel, running_of
from ollama_rx.transport.request_stream import RequestStream
from ollama_rx.transport.session import PreparedRequest, Session

T = TypeVar("T")
Listed = TypeVar("Listed", Model, RunningModel)

_LOADING_PATHS = frozenset({"/api/generate", "/api/chat", "/api/embed"})


class Route(Protocol):
    """Sends requests to the right server."""

    def stream(
        self,
        path: str,
        request: Callable[[], PreparedRequest],
        reader: Callable[[], Reader[T]],
        item_type: type[T] | None = None,
        *,
        model: str | None = None,
    ) -> Observable[T]:
        """Return the stream of a request that one server answers."""
        ...

    def unload(
        self, request: PreparedRequest, reader: Callable[[], Reader[T]], item_type: type[T], model: str
    ) -> Observable[T]:
        """Return the stream of a request to each server that has a model in memory."""
        ...

    def listed(
        self, path: str, reader: Callable[[], Reader[tuple[Listed, ...]]]
    ) -> Observable[tuple[Listed, ...]]:
        """Return what all servers list."""
        ...

    def only_session(self, method: str) -> Session:
        """Return the session of the only server; a method that changes a server needs that."""
        ...

    def sessions(self) -> Sequence[Session]:
        """Return the session of each server."""
        ...

    def on_host(self, url: str) -> "Route":
        """Return the route to one of the servers."""
        ...

    def sticky(self) -> "Route":
        """Return a route that stays with the server of the last stream."""
        ...

    def status(self) -> tuple[HostStatus, ...]:
        """Return what is known of each server."""
        ...


class SingleHost:
    """The route of a client with one server."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stream(
        self,
        path: str,  # noqa: ARG002 - which server is asked does not depend on it
        request: Callable[[], PreparedRequest],
        reader: Callable[[], Reader[T]],
        item_type: type[T] | None = None,
        *,
        model: str | None = None,  # noqa: ARG002 - as above
    ) -> Observable[T]:
        """Return the stream of a request."""
        return RequestStream(self._session, request, reader, item_type)

    def unload(
        self,
        request: PreparedRequest,
        reader: Callable[[], Reader[T]],
        item_type: type[T],
        model: str,  # noqa: ARG002 - as above
    ) -> Observable[T]:
        """Return the stream of the request."""
        return RequestStream(self._session, lambda: request, reader, item_type)

    def listed(
        self, path: str, reader: Callable[[], Reader[tuple[Listed, ...]]]
    ) -> Observable[tuple[Listed, ...]]:
        """Return what the server lists."""
        request = PreparedRequest("GET", path)
        return RequestStream(self._session, lambda: request, reader)

    def only_session(self, method: str) -> Session:  # noqa: ARG002 - as above
        """Return the session."""
        return self._session

    def sessions(self) -> Sequence[Session]:
        """Return the session."""
        return (self._session,)

    def on_host(self, url: str) -> "SingleHost":
        """Return this route if the URL is the server's."""
        if url != self._session.shown_url:
            raise _unknown_host(url, [self._session.shown_url])
        return self

    def sticky(self) -> "SingleHost":
        """Return this route."""
        return self

    def status(self) -> tuple[HostStatus, ...]:
        """Return what is known without asking."""
        return (HostStatus(self._session.shown_url, streams=len(self._session.open_calls)),)


class SeveralHosts:
    """The route of a client with several servers, or to one of them."""

    def __init__(self, group: HostGroup) -> None:
        self._group = group

    @classmethod
    def of(
        cls,
        hosts: Sequence[tuple[Host, Session]],
        max_line_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> "SeveralHosts":
        """Build the route of a new client; one host needs no look-ups."""
        states = tuple(
            HostState(host, session, position, clock) for position, (host, session) in enumerate(hosts)
        )
        pool = HostPool()
        look_ups = LookUps(pool, states, max_line_bytes, clock) if len(states) > 1 else None
        return cls(HostGroup(states, pool, look_ups))

    def stream(
        self,
        path: str,
        request: Callable[[], PreparedRequest],
        reader: Callable[[], Reader[T]],
        item_type: type[T] | None = None,
        *,
        model: str | None = None,
    ) -> Observable[T]:
        """Return the stream of a request to the best host."""
        routed = HostRequest(request, reader, item_type, model, loads_model=path in _LOADING_PATHS)
        return RoutedStream(routed, self._group)

    def unload(
        self, request: PreparedRequest, reader: Callable[[], Reader[T]], item_type: type[T], model: str
    ) -> Observable[T]:
        """Return the streams of a request to each host that has a model in memory, as one.

        If there is none, the best host is asked, and says what it thinks.
        """

        def to_holders(found: tuple[RunningModel, ...]) -> Observable[T]:
            holders = {one.host for one in found if full_name(one.name) == full_name(model)}
            streams = [
                RequestStream(host.session, lambda: request, reader, item_type)
                for host in self._group.hosts
                if host.url in holders
            ]
            if streams:
                return reactivex.merge(*streams)
            return self.stream("", lambda: request, reader, item_type, model=model)

        return self.listed("/api/ps", lambda: JsonReader(running_of)).pipe(rx_operators.flat_map(to_holders))

    def listed(
        self, path: str, reader: Callable[[], Reader[tuple[Listed, ...]]]
    ) -> Observable[tuple[Listed, ...]]:
        """Return what all hosts list that can be reached, in their order; fails if there is none."""
        request = PreparedRequest("GET", path)

        def asked(position: int, host: HostState) -> "Observable[_HostListing[Listed]]":
            def marked(found: tuple[Listed, ...]) -> "_HostListing[Listed]":
                return _HostListing(position, tuple(replace(one, host=host.url) for one in found))

            def failed(error: Exception, _: object) -> "Observable[_HostListing[Listed]]":
                return reactivex.of(_HostListing(position, (), error))

            session = _impatient(host.session) if len(self._group.hosts) > 1 else host.session
            stream: Observable[tuple[Listed, ...]] = RequestStream(session, lambda: request, reader)
            return stream.pipe(rx_operators.map(marked), rx_operators.catch(failed))

        streams = [asked(position, host) for position, host in enumerate(self._group.hosts)]
        return reactivex.merge(*streams).pipe(rx_operators.to_list(), rx_operators.map(_joined))

    def only_session(self, method: str) -> Session:
        """Return the session of the only host.

        Raises:
            ValueError: there are several hosts.
        """
        if len(self._group.hosts) > 1:
            raise ValueError(
                f"{method} needs one host: client.on_host(url).{method}(...), where url is one of "
                f"{', '.join(host.url for host in self._group.hosts)}"
            )
        return self._group.hosts[0].session

    def sessions(self) -> Sequence[Session]:
        """Return the session of each host."""
        return tuple(host.session for host in self._group.hosts)

    def on_host(self, url: str) -> "SeveralHosts":
        """Return the route to one host, which counts its streams as this one does."""
        for host in self._group.hosts:
            if host.url == url:
                return SeveralHosts(HostGroup((host,), self._group.pool, None))
        raise _unknown_host(url, [host.url for host in self._group.hosts])

    def sticky(self) -> "SeveralHosts":
        """Return a route that stays with the host of the last stream while that can serve."""
        last_host = self._group.last_host
        return SeveralHosts(replace(self._group, last_host=copy(last_host) if last_host else LastHost()))

    def status(self) -> tuple[HostStatus, ...]:
        """Return what is known of each host."""
        return self._group.pool.status(self._group.hosts)


@dataclass(frozen=True, slots=True)
class _HostListing(Generic[Listed]):
    """What one host lists, or why it does not."""

    position: int
    found: tuple[Listed, ...]
    error: Exception | None = None


def _impatient(session: Session) -> Session:
    """Return the session for a list: one host that hangs must not hold back what the others have."""
    limits = session.timeouts
    seconds = [limit for limit in (limits.connect, limits.first_chunk) if limit is not None]
    return session.with_timeouts(replace(limits, first_chunk=min(seconds, default=None)))


def _joined(answers: "list[_HostListing[Listed]]") -> tuple[Listed, ...]:
    answers.sort(key=lambda answer: answer.position)
    errors = [answer.error for answer in answers if answer.error is not None]
    if len(errors) == len(answers):
        raise errors[-1]
    return tuple(one for answer in answers for one in answer.found)


def _unknown_host(url: str, known: Sequence[str]) -> ValueError:
    return ValueError(f"url: expected one of the client's hosts ({', '.join(known)}), got {url}")
