"""Operators are compared with diagrams, and a mismatch is shown as diagrams."""

import re
from collections.abc import Callable

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx.operators import split_words
from ollama_rx.rx import Emitter, through
from ollama_rx.testing import check


def failing(value: str) -> str:
    raise KeyError(value)


def problem(action: Callable[[], None]) -> str:
    with pytest.raises(AssertionError) as caught:
        action()
    return str(caught.value)


def test_letters_stand_for_values() -> None:
    check(ops.map(lambda number: number * 2), source="-a-b-|", expect="-c-d-|", a=1, b=2, c=2, d=4)


def test_letters_that_are_not_given_stand_for_themselves() -> None:
    check(ops.map(str.upper), source="-a-b-|", expect="-A-B-|")


def test_a_group_is_one_tick() -> None:
    check(ops.flat_map(lambda item: reactivex.of(item, item)), source="-a   -|", expect="-(aa)-|")
    check(split_words(), source="-a-b-|   ", expect="---w-(x|)", a="Hel", b="lo wor", w="Hello", x="wor")


def test_the_life_of_the_source_is_compared() -> None:
    check(ops.take(2), source="-a-b-c-|", expect="-a-(b|)", life="^--!")
    check(ops.map(str), source="-a-|", expect="-a-|", life="^--!")
    check(ops.map(str), source="-a--", expect="-a--", life="^")


def test_the_subscriber_can_unsubscribe_and_the_source_is_unsubscribed() -> None:
    check(ops.map(str), source="-a-b-c-|", expect="-a-(b!)", life="^--!")
    check(ops.map(str), source="-a-b-c-|", expect="-a!", life="^-!")
    check(ops.delay(2.0), source="-a-b-c-|", expect="---a!", life="^---!")


def test_an_error_passes_as_the_same_error() -> None:
    check(ops.map(str), source="-a-#", expect="-a-#", life="^--!")
    check(ops.map(str), source="-a-#", expect="-a-#", error=KeyError("x"))


def test_an_error_raised_by_the_operator_has_to_be_named() -> None:
    check(ops.map(failing), source="-a-|", expect="-#", expect_error=KeyError)
    check(ops.map(failing), source="-a-|", expect="-#", expect_error=KeyError("a"))
    check(ops.map(failing), source="-a-#", expect="-#", expect_error=KeyError)
    with pytest.raises(ValueError, match=r"^expect_error: expected an error, .*, got None$"):
        check(ops.map(failing), source="-a-|", expect="-#")


def test_timers_run_in_virtual_time() -> None:
    check(ops.delay(0.2), source="-a-b-|", expect="---a-b-|", tick=0.1)
    check(ops.debounce(0.3), source="-ab----c|", expect="-----b--(c|)", tick=0.1)


class _Echo:
    """Emits each item again after one second; items after the third second are not repeated."""

    def __init__(self, out: Emitter[str]) -> None:
        self._out = out
        self._began = out.now()

    def feed(self, item: str) -> None:
        self._out.emit(item)
        if self._out.now() - self._began < 3:
            self._out.later(1.0, lambda: self._out.emit(item))


def test_timers_of_our_operators_run_in_virtual_time_too() -> None:
    echo: Callable[[Observable[str]], Observable[str]] = through(_Echo)
    check(echo, source="-a--b-|", expect="-aa-b-|", life="^-----!")
    check(echo, source="-a--b-|", expect="-a!    ", life="^-!", tick=0.5)


def test_output_after_the_last_column_is_compared_too() -> None:
    late = problem(lambda: check(ops.delay(5.0), source="-a-|", expect="----"))
    assert "got     ------a-|" in late


def test_events_of_a_hot_source_before_the_subscription_are_skipped() -> None:
    check(ops.map(str), source="-a-^-b-|", expect="   --b-|", life="   ^---!")


def test_a_hot_source_continues_without_a_subscriber() -> None:
    def twice(source: Observable[str]) -> Observable[str]:
        return reactivex.concat(source.pipe(ops.take(1)), source)

    check(twice, source="^-a-b-|", expect="--a-b-|", life=["^-!", "--^---!"])
    check(twice, source="^-a----", expect="--a----", life=["^-!", "--^----"])


def test_a_cold_source_begins_anew_for_each_subscription() -> None:
    check(ops.retry(2), source="-a-#", expect="-a--a-#", life=["^--!", "---^--!"])


def test_each_subscription_can_have_a_source_of_its_own() -> None:
    check(ops.retry(3), source=["-#", "-a|"], expect="--a|", life=["^!", "-^-!"])


def test_an_operator_that_does_not_subscribe_has_an_empty_life() -> None:
    def instead(source: Observable[str]) -> Observable[str]:
        del source
        return reactivex.of("x")

    check(instead, source="-a-|", expect="(x|)", life="")
    assert "got\n" in problem(lambda: check(instead, source="-a-|", expect="(x|)", life="^")) + "\n"


def test_diagrams_can_be_empty() -> None:
    check(ops.map(str), source="|", expect="|", life="(^!)")
    check(ops.map(str), source="", expect="")


def test_a_mismatch_shows_the_diagrams_one_below_another() -> None:
    found = problem(
        lambda: check(ops.take(2), source="-a-b-c-|", expect="-a-x-|", a="Hi ", b="you", c="c", x="me")
    )
    assert found.splitlines() == [
        "differs from `expect` from tick 3 on:",
        "",
        "  source  -a-b   -c-|",
        "  expect  -a-x   -|",
        "  got     -a-(b|)",
        "             ^",
        "  a = 'Hi '",
        "  b = 'you'",
        "  x = 'me'",
    ]


def test_values_without_a_letter_get_one() -> None:
    found = problem(lambda: check(ops.map(str.upper), source="-a-b-A-|", expect="-a-b-A-|", A="B", b="b"))
    assert "got     -B-A-A-|" in found
    assert "B = 'A'" in found


def test_values_beyond_the_alphabet_are_question_marks() -> None:
    numbers: Callable[[Observable[str]], Observable[int]] = ops.flat_map(lambda _: reactivex.range(0, 30))
    assert "YZ????" in problem(lambda: check(numbers, source="a|", expect="a|"))


def test_events_that_are_missing_or_too_many_are_mismatches() -> None:
    assert "from tick 3 on" in problem(lambda: check(ops.map(str), source="-a-|", expect="-a"))
    assert "from tick 3 on" in problem(lambda: check(ops.map(str), source="-a", expect="-a-|"))
    assert "from tick 1 on" in problem(lambda: check(ops.map(str), source="-a", expect="--a"))
    assert "from tick 1 on" in problem(lambda: check(ops.map(str), source="-a", expect="-|"))


def test_an_item_where_the_end_is_expected_is_a_mismatch() -> None:
    assert "got     -#" in problem(lambda: check(ops.map(str), source="-#", expect="-a"))
    assert "got     -|" in problem(
        lambda: check(ops.map(str), source="-|", expect="-#", expect_error=KeyError)
    )


def test_an_unexpected_error_is_shown() -> None:
    found = problem(lambda: check(ops.map(failing), source="-a-|", expect="-#", expect_error=ValueError("x")))
    assert "# is ValueError('x') in expect, but the operator sent KeyError('a')" in found
    unexpected = problem(lambda: check(ops.map(failing), source="-a-|", expect="-a-|"))
    assert "# = KeyError('a')" in unexpected
    passed = problem(lambda: check(ops.map(str), source="-a-#", expect="-a-|"))
    assert "# =" not in passed


def test_events_between_two_columns_are_shown() -> None:
    found = problem(lambda: check(ops.delay(0.5), source="-a|", expect="-a|"))
    assert "between two columns, at tick 1.5: - 'a'" in found


def test_only_the_life_is_shown_if_the_output_is_right() -> None:
    found = problem(lambda: check(ops.map(str), source="-a-b-|", expect="-a-b-|", life="^-!"))
    assert found.splitlines() == [
        "the source's subscription differs from `life`:",
        "",
        "  source  -a-b-|",
        "  life    ^-!",
        "  got     ^----!",
    ]


def test_several_lives_are_numbered() -> None:
    found = problem(lambda: check(ops.retry(2), source="-#", expect="--#", life=["^!", "^!"]))
    assert re.search(r"life 2 +\^!\n +got 1 +\^!\n +got 2 +-\^!$", found)


def test_both_differences_are_shown() -> None:
    found = problem(lambda: check(ops.map(str), source="-a-|", expect="-b-|", life="^!"))
    assert "differs from `expect`" in found
    assert "differs from `life`" in found


@pytest.mark.parametrize(
    ("source", "expect", "life"),
    [
        ("-a-!", "-a", "^"),
        ("-a-|", "-a-^", "^"),
        ("-a-|", "-a-|", "^-a"),
        ("-a-|", "-a-|", "!-^"),
        ("-a-|", "-a-|", "^-^"),
        ("-a-|-b", "-a-|", "^"),
        ("-a-#b", "-a-|", "^"),
        ("-(a", "-a", "^"),
        ("-a)", "-a", "^"),
        ("-((a))", "-a", "^"),
        ("-(a-b)", "-a", "^"),
        ([], "-a", "^"),
    ],
)
def test_a_malformed_diagram_raises_value_error(source: str, expect: str, life: str) -> None:
    with pytest.raises(ValueError, match=r"^(source|expect|life): expected .*, got "):
        check(ops.map(str), source=source, expect=expect, life=life)


def test_an_unused_letter_raises_value_error() -> None:
    with pytest.raises(
        ValueError, match=r"^letters: expected letters of `source` or `expect`, got \['c', 'd'\]$"
    ):
        check(ops.map(str), source="-a", expect="-a", d=1, c=2)


@pytest.mark.parametrize("tick", [0.0, -1.0])
def test_a_tick_must_be_above_zero(tick: float) -> None:
    with pytest.raises(ValueError, match=r"^tick: expected a number of seconds above 0, got "):
        check(ops.map(str), source="-a", expect="-a", tick=tick)
