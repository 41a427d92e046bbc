"""`PartialJson` reads JSON in pieces as it reads JSON in one piece; earlier snapshots never change."""

import json
import re
from typing import Any

import jiter
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.operators._partial_json import InvalidJsonError, JsonValue, PartialJson
from ollama_rx.testing import cuttings

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
containers = st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=4), values, max_size=4)


def read(pieces: list[str]) -> list[JsonValue]:
    partial = PartialJson()
    found: list[JsonValue] = []
    for piece in pieces:
        partial.feed(piece)
        found.append(partial.snapshot())
    assert partial.is_complete
    return found


@given(containers, st.booleans(), st.integers(1, 4))
def test_any_cutting_of_any_json_gives_the_same_value(value: Any, ascii_only: bool, size: int) -> None:  # noqa: FBT001
    text = json.dumps(value, ensure_ascii=ascii_only, indent=None if size % 2 else 1)
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert read(pieces)[-1] == value


def test_any_cutting_of_difficult_json_gives_the_same_value() -> None:
    text = r'{"a\n": [1, -2.5e+3, {"x": "\ud83d\ude00\\\"\u00e9\/", "y": []}, true, null], "": {}}'
    for pieces in cuttings(text):
        assert read(pieces)[-1] == json.loads(text)


@pytest.mark.parametrize("character", [chr(code) for code in range(32)] + ["\x7f", "\u2028"])
def test_a_string_may_contain_raw_control_characters(character: str) -> None:
    for string in (f"a{character}b", f"{character}", f"\\n{character}\\u00e9"):
        expected = {"a": string.replace("\\n", "\n").replace("\\u00e9", "é")}
        for pieces in cuttings(f'{{"a": "{string}"}}'):
            assert read(pieces)[-1] == expected


@pytest.mark.parametrize(
    "text", ["\\ud83d", "\\ude00", "\\ud83dx\\ude00", "\\ud83d\\n", "\\ud83d\\u00e9", "\\uD83D\\ud83d\\uDE00"]
)
def test_half_of_a_character_is_replaced(text: str) -> None:
    halves = re.compile("[\ud800-\udfff]")
    expected = [halves.sub("\ufffd", json.loads(f'"{text}"')), "end"]
    for pieces in cuttings(f'["{text}", "end"]'):
        assert read(pieces)[-1] == expected


def test_a_single_quote_may_be_escaped() -> None:
    for pieces in cuttings(r'{"a": "it\'s \\\'x\\\\\" \u00e9\'"}'):
        assert read(pieces)[-1] == {"a": "it's \\'x\\\\\" é'"}


@pytest.mark.parametrize("text", ["[1, 2, ]", '["a",]', '{"a": 1,}', '{"a": [{"b": 2,},\n],\n}'])
def test_a_comma_may_follow_the_last_value(text: str) -> None:
    expected = json.loads(re.sub(r",(\s*[]}])", r"\1", text))
    for pieces in cuttings(text):
        assert read(pieces)[-1] == expected


@pytest.mark.parametrize("text", ["12.5", "-1", "true", "false", "null"])
def test_a_number_or_literal_alone_is_complete_when_the_next_character_arrives(text: str) -> None:
    partial = PartialJson()
    assert partial.feed(text) == len(text)
    assert not partial.is_complete
    partial.feed(" ")
    assert partial.snapshot() == json.loads(text)


def test_a_string_alone_is_complete_at_its_quote() -> None:
    assert read(['"a', 'b"'])[-1] == "ab"


def test_a_number_with_more_digits_than_python_reads_is_invalid() -> None:
    assert read([f'{{"a": {"9" * 4300}}}'])[-1] == {"a": int("9" * 4300)}
    with pytest.raises(InvalidJsonError, match="4301 digits"):
        PartialJson().feed(f'{{"a": {"9" * 4301}}}')


def test_each_snapshot_equals_that_of_another_partial_parser() -> None:
    text = '{"name": "Ada \\n", "tags": ["a", [], {}], "more": {"deep": {"er": "x"}}} '
    partial = PartialJson()
    for end, character in enumerate(text, 1):
        partial.feed(character)
        expected = jiter.from_json(text[:end].encode(), partial_mode="trailing-strings")
        assert partial.snapshot() == expected or text[end - 1] in '\\"'


def test_a_number_is_added_to_the_snapshot_when_it_is_complete() -> None:
    assert read(['{"a": 1', "2", ".5", ", ", '"b": 7', "}"]) == [
        {},
        {},
        {},
        {"a": 12.5},
        {"a": 12.5},
        {"a": 12.5, "b": 7},
    ]


def test_earlier_snapshots_do_not_change() -> None:
    partial = PartialJson()
    partial.feed('{"a": [1, {"b": "x')
    before: Any = partial.snapshot()
    partial.feed('y"}, 2]}')
    assert before == {"a": [1, {"b": "x"}]}
    assert partial.snapshot() == {"a": [1, {"b": "xy"}, 2]}


def test_a_snapshot_at_a_mistake_has_all_text_before_it() -> None:
    for pieces in (['{"a": ["xy\\q'], list('{"a": ["xy\\q')):
        partial = PartialJson()
        with pytest.raises(InvalidJsonError):
            _feed_all(partial, pieces)
        assert partial.snapshot() == {"a": ["xy"]}


def test_the_position_of_a_mistake_counts_from_the_beginning_of_the_json() -> None:
    for size in (1, 2, 100):
        partial = PartialJson()
        text = '{"a": 1, oops'
        with pytest.raises(InvalidJsonError) as caught:
            _feed_all(partial, [text[i : i + size] for i in range(0, len(text), size)])
        assert caught.value.position == text.index("o")


@given(containers)
def test_the_cost_of_a_snapshot_is_zero_again_at_the_end(value: Any) -> None:
    partial = PartialJson()
    for character in json.dumps(value):
        partial.feed(character)
        assert partial.snapshot_cost >= 0
    assert partial.snapshot_cost == 0


def test_a_key_that_is_written_twice_costs_one_entry() -> None:
    costs: list[int] = []
    for text in ('{"a": 1', '{"a": 1, "a": 2, "a": 3'):
        partial = PartialJson()
        partial.feed(text + ",")
        costs.append(partial.snapshot_cost)
    assert costs[0] == costs[1]


def test_values_are_selected_by_the_number_of_containers_around_them() -> None:
    partial = PartialJson(lambda _, depth: depth == 1)
    partial.feed('[1, [2], {"a": 3}, "x", [')
    assert partial.selected == [1, [2], {"a": 3}, "x"]


def test_text_after_the_end_is_not_consumed() -> None:
    partial = PartialJson()
    assert partial.feed('[1] and "more') == 3
    assert partial.feed("x") == 0


@pytest.mark.parametrize(
    "text",
    [
        "[,",
        "[1,,",
        '{"a": 1,,',
        "{,",
        "[1 2",
        "[1}",
        "{]",
        "{1",
        '{"a" 1',
        '{"a": }',
        '{"a": 1]',
        "[tru]",
        "[01]",
        "[1.]",
        "[-]",
        "[nul ",
        r'["\x"]',
        r'["\u12g4',
        r'["\ud83g',
        r'["\ud83d\uzz',
        r'["\ud83d\udezz',
        r'["\ud83d\x',
        '["\\\n"]',
        "[" * 201,
    ],
)
def test_invalid_json_is_refused_in_any_cutting(text: str) -> None:
    for pieces in ([text], list(text)):
        partial = PartialJson()
        with pytest.raises(InvalidJsonError):
            _feed_all(partial, pieces)


def _feed_all(partial: PartialJson, pieces: list[str]) -> None:
    for piece in pieces:
        partial.feed(piece)
