"""`split_sentences(tags=)` leaves tags of a voice's own markup whole, and pairs of them."""

import re
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.operators import split_sentences
from ollama_rx.operators._voice_tags import pair_pattern, tag_pattern
from ollama_rx.testing import check
from tests.operators.sentences import split
from tests.operators.text_pieces import SIZES, cut, run

NAMES = ("spell", "emotion", "break")
OPTIONS: list[dict[str, Any]] = [
    {},
    {"eager": True},
    {"first_fragment": True},
    {"max_chars": 10},
    {"min_chars": 30, "strip": False},
    {"first_fragment": True, "max_chars": 20, "eager": True, "strip": False},
    {"language": "zh", "max_chars": 4},
]


def test_a_tag_and_a_pair_are_whole_and_come_as_soon_as_they_are_certain() -> None:
    check(
        split_sentences(tags=["spell"]),
        source="-a--b--c--d-|   ",
        expect="-x--------y-(z|)",
        a="Hi. It is <sp",
        b="ell>A. B",
        c=". C.</spell",
        d=">. Then more",
        x="Hi.",
        y="It is <spell>A. B. C.</spell>.",
        z="Then more",
    )


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            'Hello. <emotion value="wow! really. ok"/> Next one. Bye.',
            ["Hello.", '<emotion value="wow! really. ok"/> Next one.', "Bye."],
        ),
        ("It is <spell>A. B! C</spell> now. Bye.", ["It is <spell>A. B! C</spell> now.", "Bye."]),
        (
            "<emotion value='a'>It works. Great!</emotion> Now go.",
            ["<emotion value='a'>It works. Great!</emotion>", "Now go."],
        ),
        (
            "He <spell>went. Home.</spell>, then slept. Bye.",
            ["He <spell>went. Home.</spell>, then slept.", "Bye."],
        ),
        ("He <spell>went home!</spell>. Bye.", ["He <spell>went home!</spell>.", "Bye."]),
        ("It <spell>...</spell> rained. Bye.", ["It <spell>...</spell> rained.", "Bye."]),
        (
            "It rained.<break/> Then it <break/> snowed. <break/> Bye.",
            ["It rained.<break/>", "Then it <break/> snowed.", "<break/> Bye."],
        ),
        ("他说<spell>你好。再见！</spell>。走。", ["他说<spell>你好。再见！</spell>。", "走。"]),
        ('<emotion value="a。b"/>下雨了。走。', ['<emotion value="a。b"/>下雨了。', "走。"]),
        (
            "A <spell>x <break time='1.5s'/> y. Z.</spell> blew. Bye.",
            ["A <spell>x <break time='1.5s'/> y. Z.</spell> blew.", "Bye."],
        ),
        ('<break/>\n<break time="2s"/>\nIt rained.', ["<break/>", '<break time="2s"/>', "It rained."]),
        ("Use `<spell>A. B.` now. Bye.", ["Use `<spell>A. B.` now.", "Bye."]),
        (
            "- <break/> One. Two.\n1. <spell>A. B.</spell> b",
            ["- <break/> One.", "Two.", "1. <spell>A. B.</spell> b"],
        ),
        ("```\n<spell>a. B.\n```\nDone. Bye.", ["```\n<spell>a. B.\n```", "Done.", "Bye."]),
        ("Ask <spell>Dr.</spell> Lee today. Bye.", ["Ask <spell>Dr.</spell> Lee today.", "Bye."]),
    ],
)
def test_no_sentence_ends_inside_a_tag_or_a_pair(text: str, sentences: list[str]) -> None:
    assert split(text, tags=NAMES) == sentences
    assert run(split_sentences(tags=NAMES), [text]) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "List<String> is it. Then a < b. <spelling> it. <Spell>It rained. It</Spell> snowed. <p>Hi. Bye.</p>",
        "<spell a b. It rained. <break the ice. Bye.",
        "It is <",
        "It is <spell",
        "It is </emotion value='",
    ],
)
def test_text_that_only_looks_like_a_tag_is_split_as_without_tags(text: str) -> None:
    for size in SIZES:
        assert run(split_sentences(tags=NAMES), cut(text, size)) == run(split_sentences(), [text])


def test_a_tag_that_is_never_closed_holds_back_its_line_only() -> None:
    assert split("So <spell>it rained. It snowed.\nThen</spell> more.", tags=NAMES) == [
        "So <spell>it rained.",
        "It snowed.",
        "Then</spell> more.",
    ]


def test_a_tag_that_is_never_closed_holds_back_a_few_hundred_characters() -> None:
    text = "So <spell>it rained. " + "It snowed. " * 40
    held = run(split_sentences(tags=NAMES), [text[:300]])
    assert split(text, tags=NAMES) == ["So <spell>it rained.", *["It snowed."] * 40]
    assert held == run(split_sentences(tags=NAMES), cut(text[:300], 7))


@pytest.mark.parametrize("length", [239, 240, 241, 300])
def test_a_pair_is_whole_up_to_a_length(length: int) -> None:
    text = "<spell>" + ("It snowed. " * 40)[: length - 1] + ".</spell>."
    for size in SIZES:
        found = run(split_sentences(tags=NAMES), cut(text, size))
        assert (found == [text]) == (length <= 240)
        assert " ".join(found) == text


@pytest.mark.parametrize("length", [200, 240, 241, 300])
def test_a_tag_is_whole_up_to_a_length(length: int) -> None:
    start = 'It is <emotion value="'
    tag = start[6:] + ("It snowed. " * 40)[: length - len(start[6:]) - 3] + '"/>'
    assert len(tag) == length
    for size in SIZES:
        found = run(split_sentences(tags=NAMES), cut(f"It is {tag} on.", size))
        assert (len(found) == 1) == (length <= 240)


def test_a_tag_counts_as_two_characters_for_the_limits() -> None:
    tag = '<emotion value="happy"/>'
    assert split(f"{tag} Yes. That is all there is.", tags=NAMES, min_chars=8) == [
        f"{tag} Yes. That is all there is."
    ]
    assert split(f"{tag} It rained a lot here", tags=NAMES, max_chars=12) == [
        f"{tag} It rained",
        "a lot here",
    ]


def test_a_long_pair_is_not_cut_even_if_it_could_be_cut_between_its_characters() -> None:
    pair = "<spell>春天来了花开得很好看啊</spell>"
    assert split(f"啊{pair}啊啊啊啊啊", tags=NAMES, max_chars=4)[0] in (f"啊{pair}", "啊")
    assert pair in "|".join(split(f"啊{pair}啊啊啊啊啊", tags=NAMES, max_chars=4))


def test_a_pause_ends_a_sentence_before_a_tag_but_not_in_one() -> None:
    check(
        split_sentences(idle=3, tags=["break"]),
        source="-a-------b---c-----|   ",
        expect="----x-----------y--|   ",
        a="It rained.",
        b=" It <br",
        c="eak/> snowed.",
        x="It rained.",
        y="It <break/> snowed.",
    )
    inside = split_sentences(idle=1, tags=["spell"])
    check(inside, source="-a-----", expect="-------", a="Is it <spell>A. B?")
    check(inside, source="-a-----", expect="-------", a="Is it so?<spe")


PARTS = st.sampled_from(
    [
        "A. ",
        "b",
        "Yes!",
        " ",
        "\n",
        "。",
        "字",
        "，",
        "1. ",
        "(",
        ")",
        "`",
        "**",
        '"',
        "<",
        ">",
        "a < b. ",
        "List<String>",
        "Dr. ",
        "It rained, and it snowed. ",
    ]
)
TAGS = st.sampled_from(
    [
        "<break/>",
        '<break time="1.5s"/>',
        '<emotion value="Wow! Really. Yes"/>',
        "<spell>",
        "</spell>",
        "<spelling>",
        "<spell>A. B. C.</spell>",
        "<spell>字。字！</spell>",
        "<emotion value='a. B'>It is. So! </emotion>",
    ]
)


@given(st.lists(PARTS | TAGS, max_size=16), st.sampled_from(OPTIONS))
def test_any_cutting_gives_the_same_sentences(parts: list[str], options: dict[str, Any]) -> None:
    text = "".join(parts)
    whole = run(split_sentences(tags=NAMES, **options), [text])
    for size in (1, 2, 3, 7):
        assert run(split_sentences(tags=NAMES, **options), cut(text, size)) == whole
    assert run(split_sentences(tags=NAMES, **options), parts) == whole


@given(st.lists(PARTS | TAGS, max_size=16), st.sampled_from(OPTIONS))
def test_no_tag_or_pair_is_ever_cut_and_nothing_is_lost(parts: list[str], options: dict[str, Any]) -> None:
    text = "".join(parts)
    unstripped: dict[str, Any] = {**options, "strip": False}
    found = run(split_sentences(tags=NAMES, **unstripped), cut(text, 1))
    assert "".join(found) == text
    ends = set(accumulate(map(len, found)))
    for tag in re.finditer(f"{pair_pattern(NAMES)}|{tag_pattern(NAMES)}", text):
        assert ends.isdisjoint(range(tag.start() + 1, tag.end()))


@given(st.lists(PARTS, max_size=16), st.sampled_from(OPTIONS))
def test_text_without_tags_is_split_as_without_the_option(parts: list[str], options: dict[str, Any]) -> None:
    text = "".join(parts)
    assert run(split_sentences(tags=NAMES, **options), cut(text, 3)) == run(
        split_sentences(**options), [text]
    )
