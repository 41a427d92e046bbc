"""`parse_json` emits the value of a JSON answer while it is being written."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel, ValidationError
from reactivex import Observable, from_iterable
from reactivex import operators as ops

from ollama_rx import BadJsonError, Chunk
from ollama_rx.operators import parse_json, text
from ollama_rx.operators._parse_json import _ParseJson
from ollama_rx.operators._partial_json import JsonValue
from ollama_rx.partial_text import MAX_PARTIAL
from ollama_rx.rx import Emitter
from ollama_rx.testing import check, cuttings
from tests.operators.text_pieces import run


class City(BaseModel):
    name: str
    people: int


ROME = '{"name": "Rome", "people": 3}'
PISA = '{"name": "Pisa", "people": 1}'


def test_the_value_is_emitted_each_time_it_has_grown() -> None:
    check(
        parse_json(),
        source="-a--b---c-|",
        expect="-x--y---z-|",
        a='Sure: {"na',
        b='me": "A',
        c='da", "age": 36} Bye.',
        x={},
        y={"name": "A"},
        z={"name": "Ada", "age": 36},
    )


def test_an_error_passes_and_drops_an_incomplete_value() -> None:
    check(
        parse_json(),
        source="-a-b#",
        expect="-x--#",
        life="^---!",
        a='{"a": "b',
        b='", "m": 12',
        x={"a": "b"},
        error=RuntimeError("boom"),
    )


def test_completion_before_the_json_is_complete_is_an_error() -> None:
    check(parse_json(), source="-a--|", expect="-x--#", a='{"a": 1', x={}, expect_error=BadJsonError)


def test_cancel_reaches_the_source() -> None:
    check(parse_json(), source="-a--b-|", expect="-x-!", life="^--!", a='{"a', b='": 1}', x={})


def test_with_into_an_object_is_emitted_validated_when_it_is_complete() -> None:
    check(
        parse_json(into=City),
        source="-a-b-|",
        expect="---x-|",
        a=ROME[:9],
        b=ROME[9:],
        x=City(name="Rome", people=3),
    )


def test_with_into_an_element_is_emitted_validated_before_the_next_one_arrives() -> None:
    check(
        parse_json(into=City),
        source="-a-b-|",
        expect="-x-y-|",
        a=f"[{ROME}",
        b=f",{PISA}]",
        x=City(name="Rome", people=3),
        y=City(name="Pisa", people=1),
    )


def last(text: str) -> list[Any]:
    return [run(parse_json(), pieces)[-1] for pieces in cuttings(text)]


def failure(pieces: "list[str] | str", **options: Any) -> BadJsonError:
    errors: list[Exception] = []
    from_iterable(list(pieces)).pipe(parse_json(**options)).subscribe(on_error=errors.append)
    (error,) = errors
    assert isinstance(error, BadJsonError)
    return error


def test_a_number_is_added_when_it_is_complete() -> None:
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
def test_an_array_begins_at_the_start_of_a_line_or_after_a_colon(text: str) -> None:
    assert all(found == [1, 2] for found in last(text))


def test_an_empty_object_is_emitted_when_it_is_complete() -> None:
    assert run(parse_json(), ["{", "}"]) == [{}]


def test_text_that_does_not_change_the_value_emits_nothing() -> None:
    assert run(parse_json(), ['{"a": "b"', "  ", " ", "}", " bye"]) == [{"a": "b"}]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_elements_of_an_array_are_validated_one_by_one_in_any_cutting(size: int) -> None:
    text = f"[{ROME}, {PISA}]"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert run(parse_json(into=City), pieces) == [City(name="Rome", people=3), City(name="Pisa", people=1)]


def test_only_the_object_or_the_elements_are_validated_not_the_values_inside() -> None:
    seen: list[Any] = []
    run(parse_json(into=seen.append), ['{"a": [{"b": 1}], "c": {}}'])
    run(parse_json(into=seen.append), ['[[1], {"a": [2]}, "x", 5, []]'])
    assert seen == [{"a": [{"b": 1}], "c": {}}, [1], {"a": [2]}, "x", 5, []]


def test_into_may_be_a_function() -> None:
    @dataclass
    class Point:
        x: int

    def point(value: Any) -> Point:
        return Point(**value)

    assert run(parse_json(into=point), ['[{"x": 1}, {"x": 2}]']) == [Point(1), Point(2)]


def test_invalid_json_is_an_error_with_the_text_so_far() -> None:
    error = failure(['So: {"a": 1, ', "oops} more"])
    assert error.partial == 'So: {"a": 1, oops} more'
    assert "'o'" in error.reason


def test_incomplete_json_is_an_error_with_the_text() -> None:
    error = failure('{"a": 1')
    assert error.partial == '{"a": 1'
    assert "ends before" in str(error)


@pytest.mark.parametrize("text", ["no JSON here", "a [1] b", "{not"])
def test_text_without_json_is_an_error(text: str) -> None:
    assert failure([text]).partial == text
    assert failure(text).partial == text


@pytest.mark.parametrize("pieces", [[], ["", " \n"]])
def test_without_into_a_stream_without_text_completes(pieces: list[str]) -> None:
    assert run(parse_json(), pieces) == []


@pytest.mark.parametrize("pieces", [[], ["", " \n"]])
def test_with_into_a_stream_without_text_is_an_error(pieces: list[str]) -> None:
    error = failure(pieces, into=City)
    assert (error.reason, error.partial) == ("it is empty", "".join(pieces))


def test_with_into_an_answer_that_reached_its_limit_before_the_object_is_an_error() -> None:
    only_chunk = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "length"}
    errors: list[Exception] = []
    from_iterable([Chunk(only_chunk)]).pipe(text(), parse_json(into=City)).subscribe(on_error=errors.append)
    assert [type(error) for error in errors] == [BadJsonError]


def test_with_into_an_empty_array_has_no_elements() -> None:
    assert run(parse_json(into=City), ["[", "]"]) == []


def test_the_text_so_far_is_the_end_of_a_long_text() -> None:
    line = "word " * 1000
    error = failure([line] * 500)
    assert error.partial == "…" + (line * 500)[-MAX_PARTIAL:]
    machine = _ParseJson(Emitter(lambda _: None))
    for _ in range(500):
        machine.feed(line)
    assert machine._received.room >= 0  # the beginning is really gone


def test_a_value_that_the_class_rejects_is_an_error_with_its_cause() -> None:
    error = failure([f'[{ROME}, {{"name": "Pisa"}}]'], into=City)
    assert isinstance(error.__cause__, ValidationError)
    assert error.partial.endswith('"Pisa"}]')


def test_rx_last_gives_the_complete_value() -> None:
    values: Observable[JsonValue] = from_iterable(['{"a": ', "1}"]).pipe(parse_json())
    assert values.pipe(ops.last()).run() == {"a": 1}


def test_into_must_be_callable_or_have_model_validate() -> None:
    with pytest.raises(TypeError, match="into"):
        parse_json(into=3)  # type: ignore[call-overload]


def test_a_class_that_takes_fields_is_refused() -> None:
    @dataclass
    class Place:
        name: object

    class Pair(NamedTuple):
        name: object

    for kind in (Place, Pair):
        with pytest.raises(TypeError, match=rf"lambda value: {kind.__name__}\(\*\*value\)"):
            parse_json(into=kind)


def test_into_may_be_a_callable_instance_of_a_dataclass() -> None:
    @dataclass
    class Times:
        factor: int

        def __call__(self, value: Any) -> int:
            return int(value) * self.factor

    assert run(parse_json(into=Times(2)), ["[1, 2]"]) == [2, 4]
