"""`speakable(tags=, drop_tags=)` keeps or drops tags of a voice's own markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.operators import speakable, split_sentences
from ollama_rx.testing import check
from tests.operators.text_pieces import run

NAMES = ("spell", "emotion", "break")
KEEP = speakable(tags=NAMES)
DROP = speakable(drop_tags=NAMES)


def test_tags_of_the_voice_are_said_as_they_are_written() -> None:
    check(
        speakable(tags=("spell", "break")),
        source="-a---b-c-|",
        expect="-x---y---|",
        a="**It is <spell>NASA</spell>.**",
        b='<break time="1s"/>',
        c="---",
        x="It is <spell>NASA</spell>.",
        y='<break time="1s"/>',
    )


def test_tags_that_the_voice_does_not_know_are_dropped() -> None:
    check(
        speakable(drop_tags=("spell", "break")),
        source="-a---b-c-|",
        expect="-x-----y-|",
        a="**It is <spell>NASA</spell>.**",
        b='<break time="1s"/>',
        c='Wait <break time="1s"/>!',
        x="It is NASA.",
        y="Wait!",
    )


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Hi** <spell>*N*</spell> and <b>bold</b>.", "Hi <spell>N</spell> and bold."),
        (
            '<emotion value="*a*  https://x.org/_y_ [1] 😀 → $x$"/>*Yes*.',
            '<emotion value="*a*  https://x.org/_y_ [1] 😀 → $x$"/>Yes.',
        ),
        ("<emotion value='a'/> <emotion value=a/>x", "<emotion value='a'/> <emotion value=a/>x"),
        ("</emotion>", "</emotion>"),
        ("**<break/>Hi** _<break/>_ ~~<break/>~~", "<break/>Hi <break/> <break/>"),
        ("[<spell>ab</spell>](http://x.y/<break/>) now <emotion/>", "<spell>ab</spell> now <emotion/>"),
        ("- <break/> item\n- **b<break/>**", "<break/> item\nb<break/>"),
        ("| a | <break/> b |\n|---|---|\n| <spell>*x*</spell> | y |", "a, <break/> b\n<spell>x</spell>, y"),
        ("$x <break/> y$ and a <break/> [1].", "x <break/> y and a <break/>."),
        ("$$\n<break/>\n$$", "<break/>"),
        ("```\n<break/>\n```\nok <break/>", "ok <break/>"),
        ("Use `<spell>*x*</spell>`, ``<break/>``.", "Use <spell>*x*</spell>, <break/>."),
        ("<spelling>, List<String>, a < b, <Spell> and <spell x>.",) * 2,
        ("\U000f0000 icon \U000f0001<break/>\U0010fffd", "icon <break/>"),
        ("`x\U000f0000` and&#xf0001; <break/> &#xf0000;x", "x and <break/> <break/>x"),
    ],
)
def test_tags_stay_where_they_are_while_the_text_between_is_made_speakable(text: str, spoken: str) -> None:
    assert run(KEEP, [text]) == [spoken]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<spell>NASA</spell>s go.", "NASAs go."),
        ("Wait <break/>. Then <break/> <break/> on<break/>and on.", "Wait. Then on and on."),
        ("So <emotion value='x'> it </emotion> is <b>it</b>.", "So it is it."),
        ("<break/>Use <break/> .NET <break/>", "Use .NET"),
        ("<break/>- *item*\n<break/> # Head\n  <break/> more <break/>\nlast", "item\nHead\nmore last"),
        ("Use `<spell>`, not <spelling>.", "Use <spell>, not <spelling>."),
    ],
)
def test_where_a_tag_is_dropped_the_words_stay_apart_and_marks_stay_close(text: str, spoken: str) -> None:
    assert run(DROP, [text]) == [spoken]


@pytest.mark.parametrize("text", ["<break/>", "</spell>", "<spell>...</spell>", "\n<break/>\n"])
def test_a_sentence_with_only_dropped_tags_is_dropped(text: str) -> None:
    assert run(DROP, [text]) == []


def test_some_tags_can_be_kept_and_others_dropped() -> None:
    operator = speakable(tags=["spell"], drop_tags=["break"])
    assert run(operator, ["A <spell>B</spell><break/>C <emotion/>"]) == ["A <spell>B</spell> C <emotion/>"]


def test_html_tags_can_be_kept() -> None:
    assert run(speakable(tags=["sub"]), ['<sub alias="a b">AB</sub> <b>x</b>']) == [
        '<sub alias="a b">AB</sub> x'
    ]


def test_icons_without_letters_are_still_dropped_if_there_are_no_tags() -> None:
    assert run(speakable(), ["\U000f0000"]) == []
    assert run(KEEP, ["\U000f0000"]) == []


def test_words_are_replaced_around_tags_but_not_in_them_or_between_them() -> None:
    operator = speakable(pronounce={"SQL": "sequel", "GNU": "", "break": "rest"}, tags=NAMES)
    text = 'SQL <break a="SQL  GNU"/> **GNU** <spell>SQL</spell> SQL <spell> SQL break'
    assert run(operator, [text]) == [
        'sequel <break a="SQL  GNU"/> <spell>SQL</spell> sequel <spell> sequel rest'
    ]


def test_a_name_cannot_be_kept_and_dropped() -> None:
    with pytest.raises(ValueError, match=r"^drop_tags: expected names that are not in tags, got 'spell'$"):
        speakable(tags=["break", "spell"], drop_tags=["spell"])


def test_tags_come_whole_from_the_splitter() -> None:
    tokens = [
        'Hi. <emotion value="wow! ',
        'really."/> It is <spell>A. B. C.</spell>, **yes.** <br',
        "eak/>\nBye.",
    ]
    sentences = run(split_sentences(tags=NAMES), tokens)
    assert run(KEEP, sentences) == [
        "Hi.",
        '<emotion value="wow! really."/> It is <spell>A. B. C.</spell>, yes.',
        "<break/>",
        "Bye.",
    ]
    assert run(DROP, sentences) == ["Hi.", "It is A. B. C., yes.", "Bye."]


PARTS = st.sampled_from(
    ["a", " ", "**", "_", "`", "|", "\n", "- ", "1. ", "[x](", ")", "$", ".", "```\n", "😀", "<b>"]
)
TAGS = st.sampled_from(["<break/>", "<spell>", "</spell>", '<emotion value="*a* _b_ [1] c"/>'])


@given(st.lists(PARTS | TAGS, max_size=20))
def test_no_tag_is_changed_in_any_text(parts: list[str]) -> None:
    """Each tag that is said was written, in the same order; some are in blocks of code or addresses."""
    spoken = "".join(run(KEEP, ["".join(parts)]))
    written = iter([part for part in parts if part[0] == "<" and part != "<b>"])
    for tag in re.findall(r"<[^>]*>", spoken.replace("<b>", "")):
        assert tag in written


@given(st.lists(PARTS | TAGS, max_size=20))
def test_dropping_tags_leaves_none_outside_of_code(parts: list[str]) -> None:
    text = "".join(part for part in parts if "`" not in part)
    assert "<break/>" not in "".join(run(DROP, [text]))
