"""JSON that orjson rejects is read into values that every encoder accepts."""

import inspect
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.protocol.lenient_json import HeldSurrogates, join_surrogates, loads, make_whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1.5, null, true]", [1.5, None, True]),
        (r'{"\ud83d": "\ude00"}', {"�": "�"}),
        ('"\ud83d"', "�"),
        (r'"\ud83d\ude00"', "😀"),
        (b'"\xed\xa0\xbd\xed\xb8\x80"', "😀"),
        (b'"\xed\xa0\xbd\xff"', "����"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775808", -(2**63)),
        ("1" + "0" * 5000, float("inf")),
    ],
)
def test_it_reads_what_orjson_rejects(text: str | bytes, expected: object) -> None:
    found = loads(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "[" * 1000 + "]" * 1000, b"\xff"])
def test_anything_else_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loads(text)


def test_a_stack_that_is_nearly_full_makes_it_a_value_error_too() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 50)
    try:
        with pytest.raises(ValueError, match="nested too deeply"):
            loads("[" * 400 + "]" * 400)
    finally:
        sys.setrecursionlimit(limit)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_whole_value_can_be_encoded_and_is_whole(value: object) -> None:
    whole = make_whole(value)
    orjson.dumps(whole)
    assert make_whole(whole) == whole


@pytest.mark.parametrize(
    "wrong", [{"message": "x"}, {"message": ["x"]}, {"message": {}}, {}, {"response": 5}]
)
def test_a_chunk_without_text_is_left_as_it_is_and_what_is_held_stays_held(wrong: dict[str, Any]) -> None:
    held: HeldSurrogates = {("content", True): "\ud83d", ("response", False): "\ud83d"}
    before = dict(held)
    assert join_surrogates(wrong, held) == wrong
    assert held == before


def test_the_last_chunk_gets_what_is_held() -> None:
    held: HeldSurrogates = {("content", True): "\ud83d"}
    assert join_surrogates({"done": True}, held) == {"done": True, "message": {"content": "�"}}
    assert held == {}
