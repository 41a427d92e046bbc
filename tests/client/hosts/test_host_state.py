"""What is known of one host."""

import pytest

from ollama_rx.client.hosts.choice import HasModel
from ollama_rx.client.hosts.host_settings import Host
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.errors import BusyError, TotalTimeout, UnreachableError
from ollama_rx.transport.session import Session
from ollama_rx.transport.timeouts import Timeouts

ERROR = UnreachableError("http://a", "refused")


class Clock:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> HostState:
    def uniform(_: float, longest: float) -> float:
        return longest

    monkeypatch.setattr("ollama_rx.client.hosts.host_state._random.uniform", uniform)
    return HostState(Host("http://a", weight=2), Session("http://a", {}, Timeouts()), 0, clock)


def has(state: HostState, model: str) -> HasModel:
    return state.preference(model, None).has_model


def test_a_host_rests_for_twice_as_long_each_time_up_to_a_minute(state: HostState, clock: Clock) -> None:
    rests: list[float] = []
    for _ in range(8):
        state.failed(ERROR, rests=True)
        rests.append(state.resting)
        clock.now += state.resting
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    assert state.resting == 0


def test_streams_that_fail_together_make_one_rest(state: HostState) -> None:
    state.failed(ERROR, rests=True)
    state.failed(ERROR, rests=True)
    assert state.resting == 1


def test_an_answer_ends_the_rest_and_the_next_one_is_short_again(state: HostState, clock: Clock) -> None:
    state.failed(ERROR, rests=True)
    clock.now = 1
    state.failed(ERROR, rests=True)
    state.answered()
    assert (state.resting, state.status().error) == (0, None)
    state.failed(ERROR, rests=True)
    assert state.resting == 1


@pytest.mark.parametrize(
    ("error", "is_back"), [(ERROR, True), (TotalTimeout(2), True), (BusyError(503, "busy"), False)]
)
def test_a_look_up_that_is_answered_ends_the_rest_of_a_host_that_did_not_answer(
    state: HostState, error: Exception, *, is_back: bool
) -> None:
    state.failed(error, rests=True)
    state.looked_up(["m"], [])
    assert (state.resting == 0, state.status().error is None) == (is_back, is_back)


def test_a_failure_without_a_rest_is_remembered(state: HostState) -> None:
    state.failed(ERROR, rests=False)
    assert (state.resting, state.status().error) == (0, ERROR)


def test_a_model_is_unknown_then_there_then_missing(state: HostState) -> None:
    assert has(state, "m") is HasModel.UNKNOWN
    state.looked_up(["M:latest"], [])
    assert (has(state, "m"), has(state, "other"), has(state, "a:cloud")) == (
        HasModel.YES,
        HasModel.NO,
        HasModel.UNKNOWN,
    )
    state.lacks("m")
    assert has(state, "m") is HasModel.NO
    state.looked_up(["m"], [])
    assert has(state, "m") is HasModel.YES


def test_an_answer_shows_that_the_model_is_in_memory(state: HostState) -> None:
    assert state.preference("m", None).is_cold
    state.has_loaded("M")
    state.has_loaded("n")
    assert not state.preference("m:latest", None).is_cold
    assert state.status().loaded == ("m:latest", "n:latest")


def test_a_request_without_a_model_needs_none(state: HostState) -> None:
    assert state.preference(None, None).has_model is HasModel.YES


def test_the_load_is_the_number_of_streams_by_weight(state: HostState) -> None:
    state.streams = 3
    assert state.preference("m", None).load == 1.5
    assert state.preference("m", state).is_other_host is False
