"""`throttle_latest` emits the latest item of each interval, and always the last one."""

import pytest

from ollama_rx.operators import throttle_latest
from ollama_rx.testing import check
from tests.operators.text_pieces import run


def test_the_first_item_passes_at_once_and_then_the_latest_of_each_interval() -> None:
    check(
        throttle_latest(3),
        source="-a-bc----d---ef|",
        expect="-a--c----d---e-(f|)",
    )


def test_an_error_drops_the_kept_item() -> None:
    check(throttle_latest(5), source="-ab#", expect="-a-#", life="^--!")


def test_completion_emits_the_kept_item_at_once() -> None:
    check(throttle_latest(5), source="-abc|", expect="-a--(c|)", life="^---!")


def test_cancel_reaches_the_source_and_stops_the_timer() -> None:
    check(throttle_latest(5), source="-ab--c|", expect="-a-!", life="^--!")


def test_the_last_item_is_never_lost() -> None:
    assert run(throttle_latest(60), range(100)) == [0, 99]


def test_an_item_that_arrives_as_the_interval_ends_is_emitted_at_once() -> None:
    check(throttle_latest(2), source="-abcde|", expect="-a-c-e|")


def test_after_an_interval_without_items_the_next_item_passes_at_once() -> None:
    check(throttle_latest(2), source="-ab------c-|", expect="-a-b-----c-|")


@pytest.mark.parametrize(
    ("seconds", "error"), [(0, ValueError), (-1, ValueError), (float("nan"), ValueError)]
)
def test_seconds_must_be_positive(seconds: float, error: type) -> None:
    with pytest.raises(error, match="seconds"):
        throttle_latest(seconds)


@pytest.mark.parametrize("seconds", ["1", True, None])
def test_seconds_must_be_a_number(seconds: float) -> None:
    with pytest.raises(TypeError, match="seconds"):
        throttle_latest(seconds)
