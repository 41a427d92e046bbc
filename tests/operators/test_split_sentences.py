"""What `split_sentences` guarantees for any text."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Subject

from ollama_rx.operators import split_sentences
from ollama_rx.testing import check
from tests.operators.sentences import split
from tests.operators.text_pieces import SIZES, TEXT, cut, pieces, run

ROOT = Path(__file__).parents[2]

PROSE = (
    "It was 5 p.m. when Dr. Vega left. “Where to?” he asked... Nobody knew! (See p. 12.) 🎉 Then:\n"
    "1. **Pack.** Now.\n2. Go. 3. Rest\n- one\n- two. Three\n```py\na = b. C\n\nd()\n```\n| x. Y | z |\n"
    "## Part 2. End\nУл. Мира, 5. Там тихо. 「行くの？」と彼。「はい。」そう。Plan B. It works. Oslo.Then "
    "glued, “你好。”他说。他说：“走。”我走。`a.B` is [a. B](x). Ok... I see. yes; and so on, with no end"
)
SETTINGS: list[dict[str, object]] = [
    {},
    {"eager": True},
    {"min_chars": 25},
    {"max_chars": 20},
    {"max_chars": 7},
    {"min_chars": 12, "max_chars": 40},
    {"first_fragment": True},
    {"first_fragment": True, "min_chars": 15, "max_chars": 30, "eager": True},
    {"language": "de"},
    {"language": "hy"},
    {"language": "am", "eager": True},
    {"language": "hi"},
    {"language": "el"},
    {"idle": 3.0},
    {"never_split": ("B. c", "etc. The", "!")},
]
settings = pytest.mark.parametrize("options", SETTINGS, ids=str)
marked_text = st.lists(
    st.sampled_from(
        [
            *"aBcД日5.!?。\n )(\"'“”「」`*-•、,;:—…",
            ". ",
            "Dr",
            "U.S",
            "```",
            "1. ",
            "2. ",
            "\u0301",
            "👩\u200d👧",
            " The ",
            *"፡|»”‘;：と𑁇α",
            "？って",
            "ایم۔",
            " V",
            "etc. ",
        ]
    ),
    max_size=60,
).map("".join)


def test_a_sentence_is_emitted_with_the_token_that_makes_its_end_certain() -> None:
    check(
        split_sentences(),
        source="-a--b--c---d-|   ",
        expect="-------x-----(y|)",
        a="It costs 3",
        b=".50",
        c=". Dr",
        d=". Lee pays",
        x="It costs 3.50.",
        y="Dr. Lee pays",
    )


def test_completion_emits_the_sentence_that_is_held() -> None:
    check(
        split_sentences(),
        source="-a-b-|   ",
        expect="-----(x|)",
        a="Dr",
        b=".",
        x="Dr.",
    )


def test_an_error_drops_the_sentence_that_is_held() -> None:
    check(
        split_sentences(),
        source="-a-b   -#",
        expect="---(xy)-#",
        a="One. ",
        b="Two. And",
        x="One.",
        y="Two.",
    )


def test_cancelling_reaches_the_source_and_drops_the_sentence_that_is_held() -> None:
    check(
        split_sentences(),
        source="-a-b-c-|",
        expect="---x!   ",
        life="  ^---!   ",
        a="One. ",
        b="Two",
        c=". Three",
        x="One.",
    )


def test_an_empty_source_gives_nothing() -> None:
    check(split_sentences(), source="--|", expect="--|")


def test_subscribers_do_not_share_text() -> None:
    source = Subject[str]()
    sentences = source.pipe(split_sentences())
    early: list[str] = []
    late: list[str] = []
    sentences.subscribe(early.append)
    source.on_next("It")
    sentences.subscribe(late.append)
    source.on_next(" rains")
    source.on_completed()
    assert (early, late) == (["It rains"], ["rains"])


def test_the_rules_are_imported_at_the_first_call() -> None:
    code = (
        "import sys, ollama_rx.operators._split_sentences as module\n"
        "rules = 'ollama_rx.operators._sentences.rules'\n"
        "assert rules not in sys.modules\n"
        "module.split_sentences()\n"
        "assert rules in sys.modules"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("note", ["[1]", "[2, 3]", "[^1]", "[^a-note]", "¹²", "[^1][^2]"])
def test_a_reference_to_a_note_belongs_to_the_sentence_before_it(note: str, size: int) -> None:
    sentences = [f"It rained.{note}", "Then the sun came out."]
    assert run(split_sentences(), cut(" ".join(sentences), size)) == sentences


@settings
@pytest.mark.parametrize("text", [TEXT, PROSE])
def test_any_cutting_gives_the_same_sentences(text: str, options: dict[str, object]) -> None:
    whole = run(split_sentences(**options), [text])  # type: ignore[arg-type]
    for size in SIZES:
        assert run(split_sentences(**options), cut(text, size)) == whole  # type: ignore[arg-type]


@settings
@given(text=marked_text, cuts=pieces)
def test_random_text_cut_anywhere_gives_the_same_sentences(
    options: dict[str, object], text: str, cuts: list[str]
) -> None:
    cuts = [*cuts, *cut(text, 5)]
    operator = split_sentences(**options)  # type: ignore[arg-type]
    assert run(operator, cuts) == run(operator, cut("".join(cuts), 1)) == run(operator, ["".join(cuts)])


@given(
    text=st.lists(
        st.sampled_from(
            [
                "word " * 60,
                "字" * 300,
                "- " * 150,
                " " * 200,
                "`a b",
                "(",
                ") ",
                "“",
                "A. B",
                "\n",
                ". The",
                "…",
                "1. ",
            ]
        ),
        max_size=8,
    ).map("".join),
    size=st.integers(1, 600),
)
def test_long_text_cut_anywhere_gives_the_same_sentences(text: str, size: int) -> None:
    operator = split_sentences(strip=False)
    assert run(operator, cut(text, size)) == run(operator, cut(text, 1)) == run(operator, [text])


_UNITS = [
    *" .,!\"'“”„«»()`*-—|>#\n\t，。！「」：aA5字\u0301\u200d",
    *("a" * 21, " " * 90, "A. ", "Dr. ", "and ", "```\n", "\n2. ", "der ", "ул. "),
]
"""What rules look at; a few of them, repeated, make texts that are hard to cut."""


@given(
    text=st.lists(st.sampled_from(_UNITS), min_size=1, max_size=5).flatmap(
        lambda few: st.lists(st.sampled_from(few), max_size=40).map("".join)
    ),
    size=st.integers(1, 30),
    options=st.fixed_dictionaries(
        {
            "language": st.sampled_from([None, "de", "ja"]),
            "eager": st.booleans(),
            "first_fragment": st.booleans(),
            "strip": st.booleans(),
            "min_chars": st.integers(0, 9),
            "max_chars": st.none() | st.integers(9, 60),
        }
    ),
)
def test_any_options_together_give_the_same_sentences_however_the_text_is_cut(
    text: str, size: int, options: dict[str, Any]
) -> None:
    operator = split_sentences(**options)
    assert run(operator, cut(text, size)) == run(operator, cut(text, 1)) == run(operator, [text])


def test_a_word_longer_than_the_maximum_is_cut_at_the_same_places_however_the_text_is_cut() -> None:
    text = "a" * 21 + "，" + "a" * 9 + "，" + "a" * 11
    operator = split_sentences(max_chars=20, first_fragment=True)
    for size in SIZES:
        assert list(map(len, run(operator, cut(text, size)))) == [22, 10, 11]


@pytest.mark.parametrize("size", SIZES)
def test_the_first_sentence_after_code_is_cut_at_the_same_places_however_the_text_is_cut(size: int) -> None:
    operator = split_sentences(max_chars=3, strip=False)
    assert run(operator, cut("```“a```\nOak elm ", size)) == ["```“a```", "\nOak", " elm", " "]


@settings
@given(cuts=pieces, text=marked_text)
def test_the_unstripped_output_joined_is_the_input(
    options: dict[str, object], cuts: list[str], text: str
) -> None:
    given_text = "".join(cuts) + text
    assert "".join(run(split_sentences(**options, strip=False), [*cuts, text])) == given_text  # type: ignore[arg-type]


@settings
@given(text=marked_text)
def test_stripping_removes_only_white_space(options: dict[str, object], text: str) -> None:
    found = run(split_sentences(**options), cut(text, 3))  # type: ignore[arg-type]
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in found)


def test_unstripped_space_at_the_end_is_a_piece_of_its_own() -> None:
    assert split("One. Two.\n\n", strip=False) == ["One.", " Two.", "\n\n"]


def test_a_mark_before_very_much_space_does_not_stall() -> None:
    found = run(split_sentences(strip=False), ["It ends.", " " * 1000, "so"])
    assert "".join(found) == "It ends." + " " * 1000 + "so"


@pytest.mark.parametrize(
    "text", ["`" * 900 + ") It", "(" * 500 + "." + "`" * 500 + ". The end", "-" * 450 + "`" * 30 + ")!"]
)
def test_long_text_without_words_is_cut_like_any_other(text: str) -> None:
    operator = split_sentences(strip=False)
    assert run(operator, cut(text, 1)) == run(operator, [text])
    assert "".join(run(operator, [text])) == text


def test_a_huge_piece_is_cut_like_any_other() -> None:
    sentences = [f"This is sentence number {number} of many." for number in range(500)]
    assert run(split_sentences(), [" ".join(sentences)]) == sentences


@pytest.mark.parametrize("middle", ["(a. B)", "`a. B`", "", "“a”, b,", "`" + "a. B, and " * 15 + "`"])
def test_very_long_sentences_stay_whole(middle: str) -> None:
    text = "It goes on, " + "and on " * 53 + middle + " and on" * 300 + " till p. 5 it ends."
    assert split(text + " Next one.") == [text, "Next one."]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"language": "x"}, "language"),
        ({"language": "not a tag"}, "language"),
        ({"min_chars": -1}, "min_chars"),
        ({"max_chars": 0}, "max_chars"),
        ({"min_chars": 9, "max_chars": 8}, "max_chars"),
        ({"idle": 0}, "idle"),
        ({"never_split": ["a" * 61]}, "never_split"),
        ({"never_split": [""]}, "never_split"),
    ],
)
def test_an_argument_out_of_range_raises_value_error_when_the_operator_is_built(
    options: dict[str, object], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        split_sentences(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"language": 5},
        {"language": ["de"]},
        {"min_chars": "3"},
        {"max_chars": 2.5},
        {"never_split": "Yahoo!"},
        {"never_split": [5]},
    ],
)
def test_an_argument_of_a_wrong_type_raises_type_error_when_the_operator_is_built(
    options: dict[str, object],
) -> None:
    with pytest.raises(TypeError, match=f"^{next(iter(options))}: expected "):
        split_sentences(**options)  # type: ignore[arg-type]
