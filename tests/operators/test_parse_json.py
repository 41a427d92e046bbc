"""A JSON answer is an object while it is being written."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, ValidationError
from reactivex import Observable, from_iterable
from reactivex import operators as ops

from ollama_rx import BadJsonError
from ollama_rx.operators import parse_json
from ollama_rx.operators._partial_json import JsonValue
from ollama_rx.testing import check, cuttings
from tests.operators.text_pieces import run


class City(BaseModel):
    name: str
    people: int


ROME = '{"name": "Rome", "people": 3}'
PISA = '{"name": "Pisa", "people": 1}'


def last(text: str) -> list[Any]:
    return [run(parse_json(), pieces)[-1] for pieces in cuttings(text)]


def failure(pieces: "list[str] | str", **options: Any) -> BadJsonError:
    errors: list[Exception] = []
    from_iterable(list(pieces)).pipe(parse_json(**options)).subscribe(on_error=errors.append)
    (error,) = errors
    assert isinstance(error, BadJsonError)
    return error


def test_a_value_comes_out_each_time_it_has_grown() -> None:
    check(
        parse_json(),
        source="-a--b-c-d-|",
        expect="-x--y---z-|",
        a='{"n": "A',
        b='da", "m": 1',
        c="2",
        d="}",
        x={"n": "A"},
        y={"n": "Ada"},
        z={"n": "Ada", "m": 12},
    )


@pytest.mark.parametrize(
    "text",
    [
        ROME,
        f"Sure, here you are:\n```json\n{ROME}\n```\nAnything [else]? {{",
        f"As {{name}} says in [1] and [see]: {ROME}",
        f"{{{{ {{a}} {ROME}",
        f"{{ {{{{ [\n[x] {ROME}",
    ],
)
def test_words_and_fences_around_the_json_are_skipped_in_any_cutting(text: str) -> None:
    assert all(found == json.loads(ROME) for found in last(text))


@pytest.mark.parametrize(
    "text", ["[1, 2]", "  [1, 2]", "Here:\n [1, 2] [3]", "Numbers: [1, 2]", "```json\n[1, 2]\n```"]
)
def test_an_array_begins_first_in_its_line_or_after_a_colon(text: str) -> None:
    assert all(found == [1, 2] for found in last(text))


def test_an_empty_object_comes_out_when_it_is_complete() -> None:
    assert run(parse_json(), ["{", "}"]) == [{}]


def test_text_without_change_gives_nothing() -> None:
    assert run(parse_json(), ['{"a": "b"', "  ", " ", "}", " bye"]) == [{"a": "b"}]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_elements_of_an_array_come_out_validated_as_soon_as_they_are_complete(size: int) -> None:
    text = f"[{ROME}, {PISA}]"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert run(parse_json(into=City), pieces) == [City(name="Rome", people=3), City(name="Pisa", people=1)]


def test_an_element_does_not_wait_for_the_next_one() -> None:
    check(
        parse_json(into=City),
        source="-a-b-|",
        expect="-x-y-|",
        a=f"[{ROME}",
        b=f",{PISA}]",
        x=City(name="Rome", people=3),
        y=City(name="Pisa", people=1),
    )


def test_an_object_comes_out_validated_when_it_is_complete() -> None:
    check(
        parse_json(into=City),
        source="-a-b-|",
        expect="---x-|",
        a=ROME[:9],
        b=ROME[9:],
        x=City(name="Rome", people=3),
    )


def test_only_what_was_asked_for_is_validated_not_what_is_inside() -> None:
    seen: list[Any] = []
    run(parse_json(into=seen.append), ['{"a": [{"b": 1}], "c": {}}'])
    run(parse_json(into=seen.append), ['[[1], {"a": [2]}, "x", 5, []]'])
    assert seen == [{"a": [{"b": 1}], "c": {}}, [1], {"a": [2]}, "x", 5, []]


def test_a_function_may_make_the_values() -> None:
    @dataclass
    class Point:
        x: int

    def point(value: Any) -> Point:
        return Point(**value)

    assert run(parse_json(into=point), ['[{"x": 1}, {"x": 2}]']) == [Point(1), Point(2)]


def test_json_that_breaks_is_an_error_with_the_text_so_far() -> None:
    error = failure(['So: {"a": 1, ', "oops} more"])
    assert error.partial == 'So: {"a": 1, oops} more'
    assert "'o'" in error.reason


def test_json_that_never_ends_is_an_error_with_the_text() -> None:
    error = failure('{"a": 1')
    assert error.partial == '{"a": 1'
    assert "ends before" in str(error)


@pytest.mark.parametrize("text", ["no JSON here", "a [1] b", "{not"])
def test_text_without_json_is_an_error(text: str) -> None:
    assert failure([text]).partial == text
    assert failure(text).partial == text


@pytest.mark.parametrize("pieces", [[], ["", " \n"]])
def test_no_text_at_all_is_no_error(pieces: list[str]) -> None:
    assert run(parse_json(), pieces) == []


def test_what_the_class_refuses_is_an_error_with_its_cause() -> None:
    error = failure([f'[{ROME}, {{"name": "Pisa"}}]'], into=City)
    assert isinstance(error.__cause__, ValidationError)
    assert error.partial.endswith('"Pisa"}]')


def test_an_error_of_the_stream_passes() -> None:
    boom = RuntimeError("boom")
    check(parse_json(), source="-a#", expect="-x#", a='{"a": "b', x={"a": "b"}, error=boom)


def test_rx_operators_find_the_last_value() -> None:
    values: Observable[JsonValue] = from_iterable(['{"a": ', "1}"]).pipe(parse_json())
    assert values.pipe(ops.last()).run() == {"a": 1}


def test_into_must_make_something() -> None:
    with pytest.raises(TypeError, match="into"):
        parse_json(into=3)  # type: ignore[call-overload]


def test_a_class_that_takes_fields_is_refused_instead_of_given_one() -> None:
    @dataclass
    class Place:
        name: object

    class Pair(NamedTuple):
        name: object

    for kind in (Place, Pair):
        with pytest.raises(TypeError, match=rf"lambda value: {kind.__name__}\(\*\*value\)"):
            parse_json(into=kind)


def test_an_object_that_can_be_called_is_a_function() -> None:
    @dataclass
    class Times:
        factor: int

        def __call__(self, value: Any) -> int:
            return int(value) * self.factor

    assert run(parse_json(into=Times(2)), ["[1, 2]"]) == [2, 4]
