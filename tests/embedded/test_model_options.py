"""Ollama's options have the same meaning for the embedded model."""

import pytest

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.model_options import read_format, read_keep_alive, read_options


def raises_api_error(status: int, text: str) -> "pytest.RaisesExc[ApiError]":
    return pytest.RaisesExc(ApiError, check=lambda error: (error.status, error.text) == (status, text))


def test_absent_options_have_ollamas_defaults() -> None:
    assert read_options({}, {}) == {
        "max_tokens": -1,
        "n_keep": 4,
        "seed": 0xFFFFFFFF,
        "temperature": 0.8,
        "top_k": 40,
        "top_p": 0.9,
        "min_p": 0.0,
        "typical_p": 1.0,
        "repeat_last_n": 64,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "stop": [],
    }


def test_given_options_are_translated_into_llama_cpps_names() -> None:
    given = {"num_predict": 7.0, "seed": 2**33 + 5, "temperature": 0, "stop": ["a", "", "b"], "min_p": None}
    expected = {"max_tokens": 7, "seed": 5, "temperature": 0.0, "stop": ["a", "b"]}
    assert read_options(given, {}) == read_options({}, {}) | expected


def test_the_models_own_defaults_come_before_ollamas() -> None:
    parameters = {"temperature": 0.2, "top_k": 3}
    assert read_options({"top_k": 5, "temperature": None}, parameters)["temperature"] == 0.2
    assert read_options({"top_k": 5}, parameters)["top_k"] == 5


@pytest.mark.parametrize(
    ("name", "given", "field", "passed"),
    [
        ("num_predict", -2, "max_tokens", -1),
        ("num_predict", 10**30, "max_tokens", 2**31 - 1),
        ("num_keep", -7, "n_keep", -1),
        ("top_k", -(10**30), "top_k", 1 - 2**31),
        ("repeat_last_n", -1, "repeat_last_n", 2048),
        ("seed", 10**30, "seed", 10**30 % 2**32),
        ("seed", 5.0, "seed", 5),
    ],
)
def test_numbers_out_of_range_are_clamped(name: str, given: float, field: str, passed: int) -> None:
    assert read_options({name: given}, {})[field] == passed


def test_unknown_names_and_loading_options_are_ignored() -> None:
    assert read_options({"mirostat": 2, "num_ctx": 9, "num_thread": "many"}, {}) == read_options({}, {})


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("num_predict", "many", "type integer"),
        ("seed", True, "type integer"),
        ("temperature", "hot", "type float32"),
        ("top_p", False, "type float32"),
        ("stop", "END", "type array"),
        ("stop", ["a", 1], "an array of strings"),
    ],
)
def test_a_value_of_the_wrong_type_gets_ollamas_error(name: str, value: object, kind: str) -> None:
    with raises_api_error(500, f'option "{name}" must be of {kind}'):
        read_options({name: value}, {})


@pytest.mark.parametrize("value", [None, ""])
def test_no_format_means_no_grammar(value: object) -> None:
    assert read_format(value) == {}


def test_json_means_any_object() -> None:
    assert read_format("json") == {"json_schema": {"type": "object"}}


def test_a_schema_becomes_the_grammar() -> None:
    schema = {
        "type": "object",
        "properties": {"type": {"type": ["string", "null"], "enum": [{"type": "not a schema"}]}},
        "anyOf": [{"required": ["type"]}],
    }
    assert read_format(schema) == {"json_schema": {**schema, "x-guidance": {"lenient": True}}}


@pytest.mark.parametrize(("value", "shown"), [("xml", r'"\"xml\""'), (7, '"7"'), (["a"], r'"[\"a\"]"')])
def test_any_other_format_is_rejected(value: object, shown: str) -> None:
    with raises_api_error(500, f'invalid format: {shown}; expected "json" or a valid JSON Schema object'):
        read_format(value)


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"anyOf": [{"type": "text"}]}])
def test_a_schema_with_an_unknown_type_is_rejected(schema: object) -> None:
    with raises_api_error(500, "invalid JSON schema in format"):
        read_format(schema)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (0, 0.0),
        (-1, -1.0),
        (2.5, 2.5),
        ("0", 0.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("-1m", -60.0),
        ("+1.5s", 1.5),
        (".5s", 0.5),
        ("100ms", 0.1),
        ("7us7µs", 14e-6),
    ],
)
def test_keep_alive_is_a_number_of_seconds_or_a_duration(value: object, seconds: float | None) -> None:
    assert read_keep_alive(value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", 'time: invalid duration ""'),
        ("soon", 'time: invalid duration "soon"'),
        ("5", 'time: missing unit in duration "5"'),
        ("5 m", 'time: invalid duration "5 m"'),
        ("5d", 'time: unknown unit "d" in duration "5d"'),
        ([1], "Unsupported type: 'list'"),
        (True, "Unsupported type: 'bool'"),
    ],
)
def test_any_other_keep_alive_is_rejected(value: object, text: str) -> None:
    with raises_api_error(400, text):
        read_keep_alive(value)
