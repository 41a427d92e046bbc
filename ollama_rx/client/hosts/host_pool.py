"""The hosts of a client: which of them a stream gets, and the streams that wait for one."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from ollama_rx.client.hosts.failures import Failure
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.client.hosts.host_status import HostStatus


class Ticket:
    """A stream's claim to one of some hosts: it has got one, or waits for its turn."""

    def __init__(
        self, hosts: Sequence[HostState], model: str | None, preferred: Callable[[], HostState | None]
    ) -> None:
        self.hosts = hosts
        self.model = model
        self.preferred = preferred
        self.host: HostState | None = None
        self.turn: Future[None] = Future()
        """Done when there is a host."""


class HostPool:
    """Gives hosts to streams; from any thread, and a signal handler may interrupt each method."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waiting: deque[Ticket] = deque()

    def claim(self, ticket: Ticket) -> None:
        """Give the ticket the best host that is not full; if all are, it waits: first come, first served."""
        with self._lock:
            if not self._give_host(ticket):
                self._waiting.append(ticket)

    def release(self, ticket: Ticket) -> None:
        """Take the ticket's host back, and give it to the stream that has waited longest; or end the wait."""
        with self._lock:
            self._take_back(ticket)
            next_ticket = self._next_in_turn()
        if next_ticket is not None:
            next_ticket.turn.set_result(None)

    def _next_in_turn(self) -> Ticket | None:
        """Give a host to the first ticket that waits for one which is free now."""
        for ticket in tuple(self._waiting):  # a copy: a signal handler may release one of them meanwhile
            if self._give_host(ticket):
                self._end_wait(ticket)
                if ticket.turn.set_running_or_notify_cancel():
                    return ticket
                self._take_back(ticket)  # its stream has given up waiting
        return None

    def _give_host(self, ticket: Ticket) -> bool:
        free = [host for host in ticket.hosts if not host.is_full]
        if not free:
            return False
        preferred = ticket.preferred()
        host = min(free, key=lambda host: host.preference(ticket.model, preferred))
        host.streams += 1
        ticket.host = host
        return True

    def _take_back(self, ticket: Ticket) -> None:
        if ticket.host is None:
            ticket.turn.cancel()  # a signal handler may be releasing it while it is given a host
            self._end_wait(ticket)
        else:
            ticket.host.streams -= 1
            ticket.host = None

    def _end_wait(self, ticket: Ticket) -> None:
        with suppress(ValueError):  # it does not wait
            self._waiting.remove(ticket)

    # what streams and look-ups teach

    def failed(self, host: HostState, failure: Failure, error: Exception, model: str | None) -> None:
        """Note that a request to a host has failed before its first item."""
        with self._lock:
            host.failed(error, rests=failure is Failure.REST)
            if failure is Failure.NO_MODEL and model is not None:
                host.lacks(model)

    def answered(self, host: HostState) -> None:
        """Note that an answer has begun."""
        with self._lock:
            host.answered()

    def has_loaded(self, host: HostState, model: str) -> None:
        """Note that a host has answered with a model, which so is in its memory."""
        with self._lock:
            host.has_loaded(model)

    def looked_up(self, host: HostState, models: Sequence[str], loaded: Sequence[str]) -> None:
        """Note the models of a host."""
        with self._lock:
            host.looked_up(models, loaded)

    def status(self, hosts: Sequence[HostState]) -> tuple[HostStatus, ...]:
        """Return what is known of hosts."""
        with self._lock:
            return tuple(host.status() for host in hosts)
