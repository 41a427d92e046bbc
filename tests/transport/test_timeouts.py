"""Limits are seconds above zero, or None."""

import pytest

from ollama_rx import Timeouts

NAMES = ["connect", "first_chunk", "idle", "total"]


def test_the_defaults_leave_time_to_load_a_model() -> None:
    assert Timeouts() == Timeouts(connect=5.0, first_chunk=300.0, idle=60.0, total=None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0.001, 1, 10**9, None])
def test_numbers_above_zero_and_none_are_accepted(name: str, seconds: float | None) -> None:
    assert getattr(Timeouts(**{name: seconds}), name) == seconds


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0, -1, -0.5, float("nan"), float("inf")])
def test_a_number_that_is_not_a_time_is_refused_with_the_name_of_the_limit(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}:"):
        Timeouts(**{name: seconds})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", ["5", True, False, [5]])
def test_a_value_that_is_not_a_number_is_refused_with_the_name_of_the_limit(
    name: str, seconds: object
) -> None:
    with pytest.raises(TypeError, match=f"^{name}:"):
        Timeouts(**{name: seconds})  # type: ignore[arg-type]
