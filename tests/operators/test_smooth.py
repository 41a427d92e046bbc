"""`smooth` emits text at an even pace and never falls behind by more than `max_lag`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops
from reactivex.notification import OnNext
from reactivex.testing import Recorded, TestScheduler

from ollama_rx.operators import smooth
from ollama_rx.operators._graphemes import is_boundary
from ollama_rx.testing import check, check_any_cutting
from tests.operators.text_pieces import TEXT, pieces, run


def test_a_burst_is_emitted_at_the_pace() -> None:
    check(
        smooth(per_second=0.5, max_lag=9),
        source="-a-----b-|",
        expect="-x-y-z-w-(v|)",
        a="one two three fo",
        b="ur five",
        x="one",
        y=" two",
        z=" three",
        w=" four",
        v=" five",
    )


def test_an_error_drops_the_rest() -> None:
    check(
        smooth(per_second=0.1, max_lag=90), source="-a#", expect="-x#", a="one two three", x="one", life="^-!"
    )


def test_completion_emits_the_rest_at_once() -> None:
    check(
        smooth(per_second=0.1, max_lag=90),
        source="-a|",
        expect="-x(yzwv|)",
        a="one two three four five",
        x="one",
        y=" two",
        z=" three",
        w=" four",
        v=" five",
    )


def test_cancel_reaches_the_source_and_drops_the_rest() -> None:
    check(
        smooth(per_second=0.5, max_lag=90),
        source="-a-------|",
        expect="-x-y!",
        life="^---!",
        a="one two three four",
        x="one",
        y=" two",
    )


def _arrival(time: float, text: str) -> Recorded[str]:
    at: Any = 200 + time  # declared as a whole number, but virtual time has fractions
    return Recorded(at, OnNext(text))


def timed(arrivals: list[tuple[float, str]], **options: Any) -> list[tuple[float, str]]:
    """Return what is emitted, and when, for text that arrives at these times; the stream never ends."""
    scheduler = TestScheduler()
    found: list[tuple[float, str]] = []

    def record(text: str) -> None:
        found.append((scheduler.clock - 200, text))

    source = scheduler.create_hot_observable(*(_arrival(time, text) for time, text in arrivals))
    scheduler.start(lambda: source.pipe(smooth(**options), ops.do_action(record)), disposed=100_000)
    return found


def test_a_unit_passes_at_once_while_nothing_is_waiting() -> None:
    found = timed([(1, "one "), (5, "two "), (9, "three ")], per_second=1, max_lag=50)
    assert found[:3] == [(1, "one"), (5, " two"), (9, " three")]


def test_the_pace_rises_evenly_when_too_much_is_waiting() -> None:
    found = timed([(1, "a b c d e f ")], per_second=0.1, max_lag=10)
    assert [time for time, _ in found] == pytest.approx([1, 3, 5, 7, 9, 11, 11], abs=0.01)


def test_an_unfinished_word_is_emitted_after_max_lag() -> None:
    check(
        smooth(per_second=1, max_lag=3),
        source="-a-b-c-|",
        expect="----x--(y|)",
        a="wo",
        b="r",
        c="d",
        x="wor",
        y="d",
    )


def test_graphemes_keep_the_pace_and_are_not_cut() -> None:
    check(
        smooth(per_second=0.5, unit="grapheme", max_lag=50),
        source="-a-b--------|",
        expect="---x-y-z----(w|)",
        a="👩\u200d",
        b="👧日e\u0301.",
        x="👩\u200d👧",
        y="日",
        z="e\u0301",
        w=".",
    )


arrivals = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from(["one ", "tw", "o three fo", " a b c d e f", "日本語を", "\n", "👩\u200d"]),
    ),
    min_size=1,
    max_size=12,
)


@given(arrivals, st.sampled_from([0.2, 1.0, 5.0]), st.integers(1, 6), st.sampled_from(["word", "grapheme"]))
def test_no_text_is_held_longer_than_max_lag_and_none_is_lost(
    gaps: list[tuple[int, str]], per_second: float, max_lag: int, unit: str
) -> None:
    time, texts = 1.0, list[tuple[float, str]]()
    for gap, text in gaps:
        time += gap + 0.25
        texts.append((time, text))
    found = timed(texts, per_second=per_second, unit=unit, max_lag=max_lag)
    assert "".join(text for _, text in found) == "".join(text for _, text in texts)
    came = [time for time, text in texts for _ in text]
    went = [time for time, text in found for _ in text]
    assert all(leaves - comes <= max_lag + 0.01 for comes, leaves in zip(came, went, strict=True))


@pytest.mark.parametrize("unit", ["word", "grapheme"])
@given(cuts=pieces)
def test_the_units_do_not_depend_on_the_cutting(unit: Any, cuts: list[str]) -> None:
    text = "".join(cuts)
    found = run(smooth(per_second=1, unit=unit), cuts)
    assert found == run(smooth(per_second=1, unit=unit), [text])
    assert "".join(found) == text
    ends = [len("".join(found[:i])) for i in range(1, len(found))]
    assert not [end for end in ends if not is_boundary(text, end)]


@pytest.mark.parametrize("unit", ["word", "grapheme"])
def test_difficult_text_stays_the_same_in_any_cutting(unit: Any) -> None:
    assert "".join(check_any_cutting(smooth(per_second=9, unit=unit), TEXT)) == TEXT


@pytest.mark.parametrize(
    ("options", "named", "error"),
    [
        ({"per_second": 0}, "per_second", ValueError),
        ({"per_second": "5"}, "per_second", TypeError),
        ({"per_second": True}, "per_second", TypeError),
        ({"per_second": 5, "unit": "line"}, "unit", ValueError),
        ({"per_second": 5, "max_lag": 0}, "max_lag", ValueError),
    ],
)
def test_wrong_arguments_are_refused_when_the_operator_is_built(
    options: dict[str, Any], named: str, error: type
) -> None:
    with pytest.raises(error, match=named):
        smooth(**options)
