"""`JsonSearch` finds the JSON among other text, in linear time for any text."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.operators._json_search import JsonSearch
from ollama_rx.operators._partial_json import InvalidJsonError, JsonValue, PartialJson
from ollama_rx.testing import cuttings
from tests.operators.text_pieces import cut


class CountingReader(PartialJson):
    """A reader that counts the characters that all readers of a test have read."""

    count = 0

    def feed(self, text: str, position: int = 0) -> int:
        try:
            end = super().feed(text, position)
        except InvalidJsonError as error:
            CountingReader.count += error.position - self.length
            raise
        CountingReader.count += end - position
        return end


class Values:
    """Keeps the values of the readers that have come to an end."""

    def __init__(self) -> None:
        self.found: list[JsonValue] = []

    def new_reader(self, *, trusts_numbers: bool = True) -> PartialJson:
        return CountingReader(trusts_numbers=trusts_numbers)

    def on_progress(self, reader: PartialJson) -> None:
        pass

    def on_end(self, reader: PartialJson) -> None:
        self.found.append(reader.snapshot())


def search(pieces: list[str]) -> list[JsonValue]:
    """Return the complete values in a text; stop at a mistake."""
    values = Values()
    found = JsonSearch(values)
    for piece in pieces:
        found.feed(piece)
    found.flush("".join(pieces))
    return values.found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # brackets in prose
        ('Write {} for it: {"a": 1}', {"a": 1}),
        ('Sources:\n[1] Book\n[2] Paper\n{"a": 1}', {"a": 1}),
        ('[1] Book: {"a": 1}', {"a": 1}),
        ('From the range: [0, 1]\n{"a": 1}', {"a": 1}),
        ('From the range: [0, 1) \n{"a": 1}', {"a": 1}),
        ('As in: [1, p. 2]\n{"a": 1}', {"a": 1}),
        ('{"quoted"} and {"a": 1}', {"a": 1}),
        ('One of: ["x"|"y"]\n{"a": 1}', {"a": 1}),
        ('{"open {"a": 1}', {"a": 1}),
        ('{"one \\"{"a": 1}', {"a": 1}),
        ("{x} [y]\n[ ] {\n[1, 2]", []),
        ('{ {{ [\n[x] {"a": 1}', {"a": 1}),
        ('x: [[[[ y {"a": 1}', {"a": 1}),
        ("[" * 500 + '{"a": 1}', {"a": 1}),
        # brackets that nothing else in the text is better than
        ("None: {}", {}),
        ("{}", {}),
        ("[1]", [1]),
        ("Here: [1, 2]. Bye", [1, 2]),
        # arrays
        ("[1, 2] {x} [3]", [1, 2]),
        ("```json\n[1, 2]\n```\n[3]", [1, 2]),
        ('a: ["x"]\n{"a": 1}', ["x"]),
        ('[{"a": 1}, {"a": 2}]\n{"a": 3}', [{"a": 1}, {"a": 2}]),
        ('<answer>["x", "y"]</answer>', ["x", "y"]),
        ("so <answer>[1, 2]</answer>", [1, 2]),
        # a byte order mark
        ('\ufeff{"a": 1}', {"a": 1}),
        ("\ufeff [1, 2]", [1, 2]),
        ("\ufeff12", 12),
        # what only one of can be meant
        ('{"a": 1, "b": 2, "a": 3}', {"a": 3, "b": 2}),
        ('```json\n{"a": 1}\n```\nor\n```json\n{"a": 2}\n```', {"a": 1}),
        # values that are not containers
        ("12.5", 12.5),
        (' "positive"\n', "positive"),
        ("true", True),
        ("null", None),
        ('```json\n"x"\n```', "x"),
        ('"see: [1, 2] and {} and {"', "see: [1, 2] and {} and {"),
    ],
)
def test_the_json_is_found_in_any_cutting(text: str, expected: object) -> None:
    for pieces in cuttings(text):
        assert search(pieces) == [expected]


@pytest.mark.parametrize(
    "text", ['{"a": 1}\n{"a": 2}\n{}\n', '{"a": 1}{"a": 2},\n{}', '{"a": 1} {"a": 2}\t{} Bye {"a": 3}']
)
def test_objects_in_a_row_are_read_one_after_another(text: str) -> None:
    for pieces in cuttings(text):
        assert search(pieces) == [{"a": 1}, {"a": 2}, {}]


@pytest.mark.parametrize("rest", [" {x}", ' {"x"}', "\n[1]", " and {1: 2}", "\n```\n{", " }", ' "'])
def test_other_text_after_an_object_is_skipped(rest: str) -> None:
    for pieces in cuttings('{"a": 1}' + rest):
        assert search(pieces) == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1', "before the object is complete"),
        ('{"a": 1}\n{"a', "before the object is complete"),
        ('{"a": 1}\n{', "before the object is complete"),
        ('[{"a": 1}, ', "before the array is complete"),
        ("x: [1, 2", "before the array is complete"),
        ('"posit', "before the string is complete"),
        ('```\n"posit', "before the string is complete"),
        ("Here: []\n{", "before the object is complete"),
        ("no JSON", "it contains no JSON$"),
        ("```json\n```", "it contains no JSON$"),
        ('"no" JSON', "it contains no JSON$"),
        ("12 apples", "it contains no JSON$"),
        ("tru", "it contains no JSON$"),
        ("{'a': 1}", "it contains no JSON .expected a key in double quotes"),
        ('{"a": 1, oops}', "expected a key in double quotes, got 'o'"),
        ('{"a": 1}\n{"a": oops}', "a value cannot begin with 'o'"),
    ],
)
def test_json_that_is_missing_or_incomplete_or_wrong_is_an_error_in_any_cutting(
    text: str, reason: str
) -> None:
    for pieces in cuttings(text):
        with pytest.raises(InvalidJsonError, match=reason):
            search(pieces)


PARTS = [
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "1",
    "true",
    "a",
    "\\",
    "\\n",
    " ",
    "\n",
    "```",
    '{"a":',
    '["b",',
    "x",
    "\\'",
    "\\ud83d",
    "\\uDE00",
    "\ufeff",
    ">",
]


@given(st.lists(st.sampled_from(PARTS), max_size=16), st.sampled_from([1, 2, 3, 5]))
def test_any_cutting_of_any_text_gives_the_same_values_and_the_same_error(
    parts: list[str], size: int
) -> None:
    text = "".join(parts)
    assert outcome(cut(text, size)) == outcome([text])


def outcome(pieces: list[str]) -> tuple[list[JsonValue], str]:
    """Return the values that ended, and what is wrong with the text."""
    values = Values()
    found = JsonSearch(values)
    try:
        for piece in pieces:
            found.feed(piece)
        found.flush("".join(pieces))
    except InvalidJsonError as error:
        return values.found, str(error)
    return values.found, ""


LOOPS = [
    *(
        "[",
        "{",
        "[\n",
        "[a](",
        "[1](",
        "\n[1](",
        ":[1,\n",
        ":[1 ",
        '{"',
        '{"\\x',
        '{"{x',
        '["',
        ':["',
        '"{"',
        "{}",
    ),
    *(
        "\n[1]",
        "x:[[[1]",
        '["a"|',
        "\n{",
        "\n[{",
        '"',
        "``",
        ": ",
        "{x",
        '{"\n["',
        ':[1,"',
        ':[1,"a"',
        "[]",
        "[[]",
    ),
]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_every_character_is_read_a_few_times_at_most(loop: str, size: int) -> None:
    check_cost(cut(loop * (3000 // len(loop)), size))


@given(
    st.lists(st.sampled_from([*LOOPS, "\\", "]", "}", ",", "1", " ", "a", "\n", ":"]), min_size=1, max_size=9)
)
def test_every_character_of_any_loop_is_read_a_few_times_at_most(parts: list[str]) -> None:
    loop = "".join(parts)
    check_cost(cut(loop * (2000 // len(loop)), 7))


def check_cost(pieces: list[str]) -> None:
    CountingReader.count = 0
    with contextlib.suppress(InvalidJsonError):
        search(pieces)
    assert CountingReader.count <= 4 * len("".join(pieces))
