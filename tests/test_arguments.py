"""Wrong arguments are refused by name, with one form of message."""

import asyncio
import math
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from threading import TIMEOUT_MAX
from typing import Annotated, Any, Literal, NewType

import pytest
from reactivex.scheduler import TimeoutScheduler
from typing_extensions import TypeAliasType

from ollama_rx import arguments

CHECKS: list[tuple[Callable[..., Any], dict[str, Any], list[object], list[tuple[object, str]]]] = [
    (
        arguments.check_text,
        {},
        ["", "x"],
        [(b"x", "expected text, got bytes"), (None, "expected text, got NoneType")],
    ),
    (
        arguments.check_length,
        {"most": 3},
        ["a", "abc"],
        [
            ("", "expected text of 1 to 3 characters, got 0"),
            ("abcd", "expected text of 1 to 3 characters, got 4"),
            (5, "expected text, got int"),
        ],
    ),
    (
        arguments.check_flag,
        {},
        [True, False],
        [(1, "expected True or False, got int"), ("no", "expected True or False, got str")],
    ),
    (
        arguments.check_whole,
        {"least": 1, "most": 10},
        [1, 5, 10],
        [
            (0, "expected a whole number from 1 to 10, got 0"),
            (11, "expected a whole number from 1 to 10, got 11"),
            (True, "expected a whole number from 1 to 10, got bool"),
            (5.0, "expected a whole number from 1 to 10, got float"),
        ],
    ),
    (
        arguments.check_whole,
        {"least": 1},
        [1, 10**9, HTTPStatus.OK],
        [(0, "expected a whole number of at least 1, got 0")],
    ),
    (
        arguments.check_positive,
        {},
        [1, 0.5],
        [
            (0, "expected a number above 0, got 0"),
            (-1, "expected a number above 0, got -1"),
            (math.inf, "expected a number above 0, got inf"),
            (math.nan, "expected a number above 0, got nan"),
            (True, "expected a number above 0, got bool"),
            ("1", "expected a number above 0, got str"),
        ],
    ),
    (
        arguments.check_between,
        {"least": 0.25, "most": 4.0, "what": "a factor"},
        [0.25, 1, 4],
        [
            (0.2, "expected a factor from 0.25 to 4, got 0.2"),
            (5, "expected a factor from 0.25 to 4, got 5"),
            (math.nan, "expected a factor from 0.25 to 4, got nan"),
            (True, "expected a factor from 0.25 to 4, got bool"),
            ("1", "expected a factor from 0.25 to 4, got str"),
        ],
    ),
    (
        arguments.check_seconds,
        {},
        [1, 0.5, TIMEOUT_MAX],
        [
            (0, "expected a number of seconds above 0, got 0"),
            (math.inf, "expected a number of seconds above 0, got inf"),
            (1e308, f"expected at most {TIMEOUT_MAX:.0f} seconds, got 1e+308"),
            (10**400, f"expected at most {TIMEOUT_MAX:.0f} seconds, got 1{'0' * 38}…{'0' * 40}"),
        ],
    ),
    (
        arguments.check_seconds,
        {"zero": True},
        [0, 0.0, 1],
        [
            (-1, "expected a number of seconds of at least 0, got -1"),
            (False, "expected a number of seconds of at least 0, got bool"),
        ],
    ),
    (
        arguments.check_choice,
        {"choices": ("a", "b")},
        ["a", "b"],
        [("c", "expected one of 'a', 'b', got 'c'"), (1, "expected one of 'a', 'b', got 1")],
    ),
    (arguments.check_choice, {"choices": (1,)}, [1], [(True, "expected one of 1, got True")]),
    (arguments.check_callable, {}, [print], [(5, "expected a function, got int")]),
    (arguments.check_instance, {"kind": OSError}, [OSError()], [(5, "expected an OSError, got int")]),
    (arguments.check_instance, {"kind": dict}, [{}], [([], "expected a dict, got list")]),
]


@pytest.mark.parametrize(
    ("check", "options", "value"),
    [(check, options, value) for check, options, accepted, _ in CHECKS for value in accepted],
)
def test_a_valid_argument_is_accepted(
    check: Callable[..., Any], options: dict[str, Any], value: object
) -> None:
    check("name", value, **options)


@pytest.mark.parametrize(
    ("check", "options", "value", "message"),
    [(check, options, value, message) for check, options, _, refused in CHECKS for value, message in refused],
)
def test_an_invalid_argument_is_refused_by_name(
    check: Callable[..., Any], options: dict[str, Any], value: object, message: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        check("name", value, **options)
    assert str(caught.value) == f"name: {message}"


async def _schedule_on_a_loop(seconds: float) -> None:
    asyncio.get_running_loop().call_later(seconds, print).cancel()


def test_every_timer_can_wait_for_the_longest_time_that_is_accepted() -> None:
    assert threading.Lock().acquire(timeout=TIMEOUT_MAX)
    assert threading.Condition().wait_for(lambda: True, TIMEOUT_MAX)
    assert TimeoutScheduler.singleton().schedule_relative(TIMEOUT_MAX, print).dispose() is None
    asyncio.run(_schedule_on_a_loop(TIMEOUT_MAX))


def test_a_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"^name: expected one of 'a', got 'xxx.*…x*'$") as caught:
        arguments.check_choice("name", "x" * 1000, ("a",))
    assert len(str(caught.value)) < 120


def test_texts_and_flags_may_be_left_out() -> None:
    assert arguments.optional_texts(system="x", suffix=None) == {"system": "x", "suffix": None}
    assert arguments.optional_flags(raw=False, shift=None) == {"raw": False, "shift": None}
    with pytest.raises(TypeError, match=r"^suffix: expected text, got int"):
        arguments.optional_texts(system="x", suffix=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^raw: expected True or False, got int"):
        arguments.optional_flags(raw=1)  # type: ignore[arg-type]


def test_a_whole_number_may_be_left_out() -> None:
    assert arguments.optional_whole("n", None, least=1) is None
    assert arguments.optional_whole("n", 5, least=1) == 5
    with pytest.raises(ValueError, match=r"^n: expected a whole number of at least 1, got 0"):
        arguments.optional_whole("n", 0, least=1)


def test_a_mapping_becomes_a_dict_of_its_own() -> None:
    given = {"a": 1}
    assert arguments.optional_mapping("options", given) == given
    assert arguments.optional_mapping("options", given) is not given
    assert arguments.optional_mapping("options", None) is None
    with pytest.raises(TypeError, match=r"^options: expected a mapping, got list"):
        arguments.optional_mapping("options", [])  # type: ignore[arg-type]


def test_a_list_is_copied() -> None:
    given = [1, 2]
    items = arguments.as_items("tools", given)
    given.append(3)
    assert list(items) == [1, 2]


@pytest.mark.parametrize("given", ["text", b"bytes", bytearray(b"x"), 5, {"a": 1}, (x for x in "ab"), {1, 2}])
def test_a_value_that_is_not_a_list_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match=r"^tools: expected a list, even for a single item, got "):
        arguments.as_items("tools", given)


def test_one_text_or_several_are_accepted() -> None:
    assert arguments.text_or_texts("text", "a") == "a"
    assert list(arguments.text_or_texts("text", ["a", "b"])) == ["a", "b"]
    with pytest.raises(TypeError, match=r"^text: expected text or a list of texts, got int"):
        arguments.text_or_texts("text", ["a", 5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"^text: expected text or a list of texts, got bytes"):
        arguments.text_or_texts("text", b"a")  # type: ignore[arg-type]


NamedInts = TypeAliasType("NamedInts", list[int])
UserId = NewType("UserId", int)


@pytest.mark.parametrize(
    "given", [list[int], int | None, Literal["a"], Annotated[int, "x"], NamedInts, UserId]
)
def test_a_type_expression_is_recognized_and_has_an_adapter(given: object) -> None:
    assert arguments.is_type_expression(given)
    assert arguments.type_adapter("into", given).json_schema() != {}


@pytest.mark.parametrize("given", [int, list, None, "list[int]", 5, print])
def test_other_values_are_no_type_expressions(given: object) -> None:
    assert not arguments.is_type_expression(given)


def test_a_type_that_cannot_be_validated_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match=r"^into: expected a type that pydantic knows, got Thread \(.*\)$"):
        arguments.type_adapter("into", threading.Thread)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(TypeError, match=r"^into: int needs pydantic; install it with: pip install pydantic$"):
        arguments.type_adapter("into", int)
