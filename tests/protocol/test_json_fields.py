"""Fields of a wrong type read as absent."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ollama_rx.protocol.json_fields import (
    count_of,
    list_of,
    number_of,
    object_of,
    objects_of,
    parse_time,
    text_of,
)

WRONG: list[object] = [None, 5, 1.5, True, [], {}, b"x"]


def test_a_value_of_the_right_type_is_returned_as_it_is() -> None:
    assert text_of("x") == "x"
    assert number_of(5) == count_of(5) == 5
    assert object_of({"a": 1}) == {"a": 1}
    assert list_of([1]) == list_of((1,)) == [1]
    assert objects_of([{"a": 1}, "not an object", {"b": 2}]) == ({"a": 1}, {"b": 2})


@pytest.mark.parametrize("wrong", WRONG)
def test_a_value_that_is_not_text_reads_as_empty(wrong: object) -> None:
    assert text_of(wrong) == ""


@pytest.mark.parametrize("wrong", [None, 1.5, True, "5", [], {}, 2**64, -(10**400)])
def test_a_value_that_is_not_a_whole_number_reads_as_none(wrong: object) -> None:
    assert number_of(wrong) is None


@pytest.mark.parametrize("wrong", [None, 1.5, True, "5", -1, 2**53])
def test_a_value_that_cannot_be_a_count_reads_as_none(wrong: object) -> None:
    assert count_of(wrong) is None


@pytest.mark.parametrize("wrong", [None, 5, "x", [1]])
def test_a_value_that_is_not_an_object_reads_as_empty(wrong: object) -> None:
    assert object_of(wrong) == {}


@pytest.mark.parametrize("wrong", [None, 5, "x", {"a": 1}])
def test_a_value_that_is_not_a_list_reads_as_empty(wrong: object) -> None:
    assert list_of(wrong) == []
    assert objects_of(wrong) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-06-09T17:58:55.337823123Z", datetime(2025, 6, 9, 17, 58, 55, 337823, UTC)),
        ("2025-06-09T17:58:55.3Z", datetime(2025, 6, 9, 17, 58, 55, 300000, UTC)),
        ("2025-06-09T17:58:55Z", datetime(2025, 6, 9, 17, 58, 55, 0, UTC)),
        ("2025-06-09T17:58:55", datetime(2025, 6, 9, 17, 58, 55, 0, UTC)),
        (
            "2025-06-09T17:58:55.337823123-07:00",
            datetime(2025, 6, 9, 17, 58, 55, 337823, timezone(timedelta(hours=-7))),
        ),
    ],
)
def test_times_are_read_to_the_microsecond_and_always_have_a_zone(value: str, expected: datetime) -> None:
    assert parse_time(value) == expected


@pytest.mark.parametrize("value", [None, "", "yesterday", "12025-01-01T00:00:00Z", 5, True])
def test_a_value_that_is_not_a_time_reads_as_none(value: object) -> None:
    assert parse_time(value) is None
