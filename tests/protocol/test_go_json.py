"""JSON is encoded as Go's encoding/json encodes it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.protocol.go_json import encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('<>&\u2028\u2029\\"/'))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<", rb"\u003c"),
        (">", rb"\u003e"),
        ("&", rb"\u0026"),
        ("\u2028", rb"\u2028"),
        ("\u2029", rb"\u2029"),
        ("\\u003c", rb"\\u003c"),
        ("\\<", rb"\\\u003c"),
        ('"\n\x00', rb"\"\n\u0000"),
        ("/", b"/"),
        ("é日👩", "é日👩".encode()),
    ],
)
def test_strings_are_escaped_as_go_escapes_them(text: str, written: bytes) -> None:
    assert encode(text) == b'"' + written + b'"'


def test_keys_are_escaped_too() -> None:
    assert encode({"<": 1}) == rb'{"\u003c":1}'


def test_there_are_no_spaces_and_the_order_of_the_keys_is_kept() -> None:
    value: dict[str, object] = {"b": [1, 2.5, None], "a": (True, None)}
    assert encode(value) == b'{"b":[1,2.5,null],"a":[true,null]}'


@given(JSON)
def test_any_json_value_is_read_back_as_it_was(value: object) -> None:
    written = encode(value)
    assert json.loads(written) == value
    assert not set(written) & set(b"<>&")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_become_null(number: float) -> None:
    assert encode([number]) == b"[null]"


@pytest.mark.parametrize("value", ["\ud83d", 2**64, {1: "a"}, object()])
def test_values_that_cannot_be_written_raise_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)
