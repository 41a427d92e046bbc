"""`parse_json` emits the value of a JSON answer while it is being written."""

import json
from dataclasses import dataclass
from typing import Any

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
from tests.operators.text_pieces import cut, run


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


@pytest.mark.parametrize(
    "before", ["", "\n ", "\ufeff", "```json\n", "Here are the numbers:\n\n```json\n", "Sure:\n ```\n\n"]
)
def test_a_list_of_numbers_grows_if_it_begins_the_text_or_a_code_fence(before: str) -> None:
    assert run(parse_json(), [f"{before}[1, 2", ", 3]"]) == [[1], [1, 2, 3]]


@pytest.mark.parametrize(
    "before", ["x:", "In the range\n", "An inline fence: ```json\nx", "It is ```a\n", "```a b\n"]
)
def test_a_list_of_numbers_after_other_words_is_emitted_at_the_end(before: str) -> None:
    assert run(parse_json(), [f"{before} \n[1, 2", ", 3]"]) == [[1, 2, 3]]


def test_an_empty_object_is_emitted_when_it_is_complete() -> None:
    assert run(parse_json(), ["{", "}"]) == [{}]


def test_text_that_does_not_change_the_value_emits_nothing() -> None:
    assert run(parse_json(), ['{"a": "b"', "  ", " ", "}", " bye"]) == [{"a": "b"}]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_elements_of_an_array_are_validated_one_by_one_in_any_cutting(size: int) -> None:
    text = f"[{ROME}, {PISA}]"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert run(parse_json(into=City), pieces) == [City(name="Rome", people=3), City(name="Pisa", people=1)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_words_in_brackets_that_turn_out_to_be_prose_are_not_validated(size: int) -> None:
    text = f'["the eternal city" in Italian] {ROME}'
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    seen: list[Any] = []
    run(parse_json(into=seen.append), pieces)
    assert seen == [json.loads(ROME)]


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


# values


@pytest.mark.parametrize("text", ["12.2", "true", '"positive"', "null", '```json\n"a b"\n```'])
def test_a_text_that_is_a_single_value_is_emitted_at_its_end(text: str) -> None:
    expected = json.loads(text.removeprefix("```json").removesuffix("```"))
    for pieces in cuttings(text):
        assert run(parse_json(), pieces) == [expected]
        assert run(parse_json(into=lambda value: [value]), pieces) == [[expected]]


def test_a_line_break_in_a_string_is_text() -> None:
    assert all(found == {"a": "line\n\tbreak"} for found in last('{"a": "line\n\tbreak"}'))


@pytest.mark.parametrize(
    "text", ['{"a": [1, 2], oops', '{"a": [1, 2], "b": \'', '{"a": [1, 2]', '{"a": [1, 2], ']
)
def test_the_last_value_before_an_error_is_emitted(text: str) -> None:
    for pieces in cuttings(text):
        found: list[Any] = []
        errors: list[Exception] = []
        from_iterable(pieces).pipe(parse_json()).subscribe(found.append, errors.append)
        assert found[-1] == {"a": [1, 2]}
        assert [type(error) for error in errors] == [BadJsonError]


def test_the_elements_before_a_mistake_are_emitted() -> None:
    for pieces in cuttings(f"[{ROME}, {PISA} oops"):
        found: list[Any] = []
        errors: list[Exception] = []
        from_iterable(pieces).pipe(parse_json(into=City)).subscribe(found.append, errors.append)
        assert found == [City(name="Rome", people=3), City(name="Pisa", people=1)]
        assert [type(error) for error in errors] == [BadJsonError]


def test_objects_in_a_row_are_emitted_one_after_another() -> None:
    for pieces in cuttings(f"```\n{ROME}\n{PISA}\n```"):
        assert run(parse_json(into=City), pieces) == [
            City(name="Rome", people=3),
            City(name="Pisa", people=1),
        ]
    assert run(parse_json(), ['{"a": 1}\n{"a', '": 2}']) == [{"a": 1}, {}, {"a": 2}]


@pytest.mark.parametrize("answer", [f"[{'1,' * 5000}1]", '{"a": "' + "x" * 200_000 + '"}'])
def test_a_long_value_is_not_copied_for_each_piece(answer: str) -> None:
    pieces = cut(answer, 2)
    values = run(parse_json(), pieces)
    assert values[-1] == json.loads(answer)
    assert 100 < len(values) < len(pieces) / 10


# each


NATION = f'{{"name": "Italy", "data": {{"cities": [{ROME}, {PISA}], "other": [1]}}, "cities": [2]}}'


def test_with_each_the_elements_of_an_array_in_the_object_are_emitted() -> None:
    check(
        parse_json(into=City, each="data.cities"),
        source="-a-b-|",
        expect="-x-y-|",
        a=f'{{"data": {{"cities": [{ROME}',
        b=f",{PISA}]}}}}",
        x=City(name="Rome", people=3),
        y=City(name="Pisa", people=1),
    )
    for pieces in cuttings(NATION):
        assert run(parse_json(each="data.cities"), pieces) == [json.loads(ROME), json.loads(PISA)]
        assert run(parse_json(each="cities"), pieces) == [2]


def test_with_each_the_elements_may_be_arrays() -> None:
    assert run(parse_json(each="rows"), ['{"rows": [[1, [2]], []]}']) == [[1, [2]], []]
    assert run(parse_json(each="rows"), ['{"rows": []}']) == []


@pytest.mark.parametrize("text", ['{"a": 1}', '{"rows": 1}', '[{"rows": []}]', "12", "{}"])
def test_with_each_an_object_without_the_array_is_an_error(text: str) -> None:
    assert failure(text, each="rows").reason == "it has no array at 'rows'"


@pytest.mark.parametrize("each", ["", ".", "a.", "a..b"])
def test_each_must_be_keys_with_dots_between_them(each: str) -> None:
    with pytest.raises(ValueError, match=r"^each: expected keys with dots between them, got "):
        parse_json(each=each)
    with pytest.raises(TypeError, match=r"^each: expected keys with dots between them, got int"):
        parse_json(each=5)  # type: ignore[call-overload]


# on_invalid


def test_a_value_that_is_not_valid_can_be_skipped_and_its_reason_kept() -> None:
    for pieces in cuttings(f'[{ROME}, {{"name": "Pïsa"}}, 5, {PISA}]'):
        errors: list[BadJsonError] = []
        skip = parse_json(into=City, on_invalid="skip", invalid=errors.append)
        assert run(skip, pieces) == [City(name="Rome", people=3), City(name="Pisa", people=1)]
        assert [error.partial for error in errors] == ['{"name": "Pïsa"}', "5"]
        assert all(isinstance(error.__cause__, ValidationError) for error in errors)
        assert "people" in errors[0].reason


def test_without_a_function_for_it_a_skipped_value_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert run(parse_json(into=City, on_invalid="skip"), ['{"name": "Pisa"}']) == []
    assert "parse_json: a value was skipped: 'people: Field required'" in caplog.text


def test_json_that_cannot_be_read_is_an_error_even_if_invalid_values_are_skipped() -> None:
    assert "before the array is complete" in failure(f"[{ROME}", into=City, on_invalid="skip").reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"into": City, "on_invalid": "ignore"}, "^on_invalid: expected one of 'fail', 'skip', got 'ignore'"),
        ({"on_invalid": "skip"}, "^on_invalid: expected 'fail' without `into`"),
        ({"into": City, "invalid": print}, "^invalid: expected None unless on_invalid='skip'"),
        (
            {"into": City, "on_invalid": "skip", "invalid": []},
            "^invalid: expected a function of BadJsonError",
        ),
    ],
)
def test_what_to_do_with_invalid_values_is_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        parse_json(**options)


# errors


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
