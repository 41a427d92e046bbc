"""A wrong argument is refused by its name."""

import pytest

from ollama_rx.requests.checks import check_text, count_field, flags, items_of, mapping_field, texts


def test_a_text_is_text() -> None:
    check_text("prompt", "")
    with pytest.raises(TypeError, match=r"^prompt: expected text, got bytes"):
        check_text("prompt", b"x")


def test_texts_may_be_left_out() -> None:
    assert texts(system="x", suffix=None) == {"system": "x", "suffix": None}
    with pytest.raises(TypeError, match=r"^suffix: expected text, got int"):
        texts(system="x", suffix=5)  # type: ignore[arg-type]


def test_flags_are_true_or_false_or_left_out() -> None:
    assert flags(raw=False, shift=None) == {"raw": False, "shift": None}
    with pytest.raises(TypeError, match=r"^raw: expected True or False, got int"):
        flags(raw=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [None, 1, 5, 10])
def test_a_number_in_range_is_accepted(given: int | None) -> None:
    assert count_field("n", given, least=1, most=10) == given


@pytest.mark.parametrize(
    ("given", "error"),
    [(0, ValueError), (11, ValueError), (True, TypeError), (5.0, TypeError), ("5", TypeError)],
)
def test_any_other_number_is_refused(given: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^n: "):
        count_field("n", given, least=1, most=10)


def test_a_mapping_becomes_a_dict_of_its_own() -> None:
    given = {"a": 1}
    assert mapping_field("options", given) == given
    assert mapping_field("options", given) is not given
    assert mapping_field("options", None) is None
    with pytest.raises(TypeError, match=r"^options: expected a mapping, got list"):
        mapping_field("options", [])  # type: ignore[arg-type]


def test_a_list_is_taken_as_it_is_now() -> None:
    given = [1, 2]
    items = items_of("tools", given)
    given.append(3)
    assert list(items) == [1, 2]


@pytest.mark.parametrize("given", ["text", b"bytes", bytearray(b"x"), 5, {"a": 1}, (x for x in "ab"), {1, 2}])
def test_what_is_no_list_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match=r"^tools: give a list"):
        items_of("tools", given)
