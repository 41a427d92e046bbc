"""Look-ups of all hosts, beside the streams."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ollama_rx.client.hosts import look_ups as look_ups_module
from ollama_rx.client.hosts.host_pool import HostPool
from ollama_rx.client.hosts.host_settings import Host
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.client.hosts.look_ups import LookUps
from ollama_rx.errors import TotalTimeout
from ollama_rx.protocol.ndjson import MAX_LINE_BYTES
from ollama_rx.testing import FakeOllama, Gate, Reply, error_status, json_reply, raw_reply
from ollama_rx.transport.session import Session
from ollama_rx.transport.timeouts import Timeouts

pytestmark = pytest.mark.usefixtures("no_thread_left")


class Clock:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def look_ups_of(clock: Clock, *urls: str) -> tuple[LookUps, tuple[HostState, ...]]:
    states = tuple(
        HostState(Host(url), Session(url, {}, Timeouts()), position, clock)
        for position, url in enumerate(urls)
    )
    return LookUps(HostPool(), states, MAX_LINE_BYTES, clock), states


def look_up(look_ups: LookUps) -> None:
    """Look all hosts up if that is due, and wait for the end."""
    look_ups.refresh()
    for thread in threading.enumerate():
        if thread.name == "ollama-rx look-up":
            thread.join(5)


def tags(*models: str) -> Reply:
    return json_reply({"models": [{"name": model} for model in models]})


def test_a_host_that_changes_its_models_is_looked_up_again_after_five_seconds(
    stack: ExitStack, clock: Clock
) -> None:
    on = {"/api/tags": [tags("old"), tags("new")], "/api/ps": [tags("old"), tags()]}
    server = stack.enter_context(FakeOllama(on=on))
    look_ups, (state,) = look_ups_of(clock, server.url)
    look_up(look_ups)
    clock.now = 4.9
    look_up(look_ups)
    assert (state.status().models, state.status().loaded) == (("old:latest",), ("old:latest",))
    clock.now = 5.0
    look_up(look_ups)
    assert (state.status().models, state.status().loaded) == (("new:latest",), ())


def test_a_host_that_is_down_rests(clock: Clock) -> None:
    look_ups, (state,) = look_ups_of(clock, "http://127.0.0.1:1")
    look_up(look_ups)
    assert (state.resting > 0, state.status().models) == (True, None)


def test_a_host_that_does_not_offer_look_ups_is_no_worse_for_that(stack: ExitStack, clock: Clock) -> None:
    server = stack.enter_context(FakeOllama(on={"/api/tags": error_status(404)}))
    look_ups, (state,) = look_ups_of(clock, server.url)
    look_up(look_ups)
    assert (state.resting, state.status().error, state.status().models) == (0, None, None)


def test_a_look_up_that_runs_is_not_begun_again(stack: ExitStack, clock: Clock) -> None:
    gate = Gate()
    server = stack.enter_context(FakeOllama(on={"/api/tags": raw_reply(gate)}))
    look_ups, _ = look_ups_of(clock, server.url)
    look_ups.refresh()
    server.wait_for_request(path="/api/tags")
    clock.now = 100
    look_ups.refresh()
    gate.open()
    look_up(look_ups)
    assert sum(request.path == "/api/tags" for request in server.requests) == 1


def test_whoever_waits_for_the_first_look_up_learns_of_its_end(stack: ExitStack, clock: Clock) -> None:
    server = stack.enter_context(FakeOllama())
    look_ups, _ = look_ups_of(clock, server.url)
    left, waits = look_ups.wait_for_first(), look_ups.wait_for_first()
    left.cancel()
    assert not waits.done()
    look_up(look_ups)
    assert waits.done()
    assert look_ups.wait_for_first().done()
    assert not look_ups.is_worth_waiting


@pytest.mark.usefixtures("no_descriptors")
def test_a_look_up_that_cannot_get_an_event_loop_keeps_nobody_waiting(clock: Clock) -> None:
    look_ups, (state,) = look_ups_of(clock, "http://127.0.0.1:1")
    look_up(look_ups)
    assert (look_ups.is_worth_waiting, state.status().models) == (False, None)


def test_a_host_that_does_not_answer_in_time_rests(
    stack: ExitStack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_ups_module, "_TIMEOUTS", Timeouts(first_chunk=None, idle=None, total=0.05))
    gate = Gate()
    server = stack.enter_context(FakeOllama(on={"/api/tags": raw_reply(gate)}))
    look_ups, (state,) = look_ups_of(clock, server.url)
    look_up(look_ups)
    gate.open()
    assert (state.resting > 0, type(state.status().error)) == (True, TotalTimeout)


def test_a_look_up_that_cannot_get_a_thread_keeps_nobody_waiting_and_is_tried_again(
    stack: ExitStack, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    server = stack.enter_context(FakeOllama(on={"/api/tags": tags("m")}))
    look_ups, (state,) = look_ups_of(clock, server.url)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        look_ups.refresh()
    assert not look_ups.is_worth_waiting
    clock.now = 5.0
    look_up(look_ups)
    assert state.status().models == ("m:latest",)


def test_models_without_names_are_left_out(stack: ExitStack, clock: Clock) -> None:
    nameless = json_reply({"models": [{"name": None}, {}, {"name": "m"}]})
    server = stack.enter_context(FakeOllama(on={"/api/tags": nameless, "/api/ps": nameless}))
    look_ups, (state,) = look_ups_of(clock, server.url)
    look_up(look_ups)
    assert (state.status().models, state.status().loaded) == (("m:latest",), ("m:latest",))
