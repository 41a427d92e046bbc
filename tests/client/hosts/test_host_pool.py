"""Which host a stream gets, and which stream gets a host that becomes free."""

import time
from collections import Counter

from ollama_rx.client.hosts.host_pool import HostPool, Ticket
from ollama_rx.client.hosts.host_settings import Host
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.transport.session import Session
from ollama_rx.transport.timeouts import Timeouts


def states(*hosts: Host) -> tuple[HostState, ...]:
    return tuple(
        HostState(host, Session(host.url, {}, Timeouts()), position, time.monotonic)
        for position, host in enumerate(hosts)
    )


def ticket(hosts: tuple[HostState, ...], preferred: HostState | None = None) -> Ticket:
    return Ticket(hosts, "m", lambda: preferred)


def claimed(pool: HostPool, hosts: tuple[HostState, ...], preferred: HostState | None = None) -> Ticket:
    new = ticket(hosts, preferred)
    pool.claim(new)
    return new


def test_a_thousand_streams_are_spread_by_weight() -> None:
    pool, hosts = HostPool(), states(Host("http://a"), Host("http://b", weight=2), Host("http://c", weight=7))
    found = [claimed(pool, hosts).host for _ in range(1000)]
    assert Counter(host.url for host in found if host) == {"http://a": 100, "http://b": 200, "http://c": 700}


def test_waiting_streams_get_their_turns_in_order() -> None:
    pool, hosts = HostPool(), states(Host("http://a", max_streams=1))
    first, second, third = (claimed(pool, hosts) for _ in range(3))
    assert (first.host, second.host, third.host) == (hosts[0], None, None)
    pool.release(first)
    assert (second.host, second.turn.done(), third.host) == (hosts[0], True, None)
    pool.release(second)
    assert third.host is hosts[0]
    pool.release(third)
    pool.release(third)
    assert hosts[0].streams == 0


def test_a_stream_that_has_tried_the_free_host_is_passed_over() -> None:
    pool, hosts = HostPool(), states(Host("http://a", max_streams=1), Host("http://b", max_streams=1))
    on_a, on_b = claimed(pool, hosts), claimed(pool, hosts)
    only_b, any_host = claimed(pool, hosts[1:]), claimed(pool, hosts)
    pool.release(on_a)
    assert (only_b.host, any_host.host) == (None, hosts[0])
    pool.release(on_b)
    assert only_b.host is hosts[1]


def test_a_stream_that_gives_up_waiting_gets_no_turn() -> None:
    pool, hosts = HostPool(), states(Host("http://a", max_streams=1))
    first, second = claimed(pool, hosts), claimed(pool, hosts)
    pool.release(second)
    pool.release(first)
    assert (second.host, hosts[0].streams) == (None, 0)


def test_a_stream_whose_wait_was_cancelled_is_passed_over() -> None:
    pool, hosts = HostPool(), states(Host("http://a", max_streams=1))
    first, second, third = (claimed(pool, hosts) for _ in range(3))
    second.turn.cancel()
    pool.release(first)
    assert (second.host, third.host) == (None, hosts[0])
    pool.release(second)
    pool.release(third)
    assert hosts[0].streams == 0


def test_a_signal_handler_may_release_a_ticket_that_is_just_being_given_a_host() -> None:
    pool, hosts = HostPool(), states(Host("http://a", max_streams=1))

    def interrupted() -> None:
        pool.release(second)

    first, second = claimed(pool, hosts), Ticket(hosts, "m", interrupted)
    pool.claim(second)
    third = claimed(pool, hosts)
    pool.release(first)
    assert (second.host, third.host, hosts[0].streams) == (None, hosts[0], 1)


def test_a_preferred_host_wins_unless_it_is_full() -> None:
    pool, hosts = HostPool(), states(Host("http://a"), Host("http://b", max_streams=1))
    assert claimed(pool, hosts, hosts[1]).host is hosts[1]
    assert claimed(pool, hosts, hosts[1]).host is hosts[0]
