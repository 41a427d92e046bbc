"""What is a tag of a voice's markup, and what only looks like one."""

import re
from typing import Any

import pytest

from ollama_rx.operators import speakable, split_sentences
from ollama_rx.operators._voice_tags import begun_tag_pattern, pair_pattern, tag_pattern

NAMES = ("spell", "a", "b-c", "x:y")
TAG = re.compile(tag_pattern(NAMES))
PAIR = re.compile(pair_pattern(NAMES))
BEGUN = re.compile(begun_tag_pattern(NAMES))

TAGS = [
    "<spell>",
    "</spell>",
    "</spell  >",
    "<a/>",
    "<a />",
    "<b-c>",
    "<x:y z:w='1'>",
    "<a x=\"1.! > < '\" y='\"' z=1s/>",
    '<a\tx = "" />',
]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_found_and_each_beginning_of_it_may_become_one(tag: str) -> None:
    assert TAG.fullmatch(tag)
    assert [tag[:size] for size in range(1, len(tag)) if not BEGUN.fullmatch(tag[:size])] == []
    assert not BEGUN.match(tag)


@pytest.mark.parametrize(
    "text",
    [
        "<spelling>",
        "<Spell>",
        "<aa>",
        "< a>",
        "<a b>",
        "<a x=>",
        "<a/ >",
        "<a\n>",
        '<a x="\n">',
        "<>",
        "</>",
        "<//a>",
    ],
)
def test_text_that_looks_like_a_tag_is_none_and_cannot_become_one(text: str) -> None:
    assert not TAG.match(text)
    assert not BEGUN.match(text)


def test_a_pair_is_closed_by_its_own_name_in_its_line() -> None:
    pair = PAIR.match("<a>x <spell>y</spell></a></a>")
    assert pair is not None
    assert (pair["name"], pair["content"]) == ("a", "x <spell>y</spell>")
    for text in ("<a>x</spell>", "<a>x\n</a>", "<a/>x</a>", "<a x=1/>x</a>", "<a>" + "x" * 241 + "</a>"):
        assert not PAIR.match(text)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("spell", TypeError, "expected a list, even for a single item, got str"),
        ([1], TypeError, "expected text, got int"),
        ([""], ValueError, "expected a name of 1 to 60 characters, got 0"),
        (["a" * 61], ValueError, "expected a name of 1 to 60 characters, got 61"),
        (["<a>"], ValueError, "expected names of tags, such as 'spell', without '<' and '>', got '<a>'"),
        (["1a"], ValueError, "expected names of tags, such as 'spell', without '<' and '>', got '1a'"),
        (["a\n"], ValueError, r"expected names of tags, such as 'spell', without '<' and '>', got 'a\n'"),
    ],
)
def test_names_that_no_tag_can_have_are_refused(names: Any, error: type[Exception], message: str) -> None:
    for build in (split_sentences, speakable):
        with pytest.raises(error, match=f"^tags: {re.escape(message)}$"):
            build(tags=names)
    with pytest.raises(error, match=f"^drop_tags: {re.escape(message)}$"):
        speakable(drop_tags=names)
