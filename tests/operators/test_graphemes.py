"""Our rules never cut a grapheme that Unicode's rules keep whole."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icu4py.breakers import CharacterBreaker

from ollama_rx.operators._graphemes import is_boundary, last_boundary

STRANGE = (
    "a1 \r\n."
    "\u00a9\u00ad\u0300\u0301\u200d\u200c\ufe0f\u20e3\U0001f468\U0001f469\U0001f3fd\u2764\U0001f1e9\U0001f1ea\u1100\u1161"
    "\u11a8\uac00\uac01\u0915\u094d\u0937\u093c\u0e33\u0e31\u0e01\u0661\u65e5\ufeff\u2028\x85\u3099\uff9e"
    "\u1039\u1000\u17d2\u1780\U000e0067\U0001f3f4\U000e007f\u0bcd\u0b95\u2139\ua960\ud7b0\ud7cb\U0001f1eb"
)


def boundaries(text: str) -> set[int]:
    found, end = set[int](), 0
    for grapheme in CharacterBreaker(text, "en"):
        end += len(grapheme)
        found.add(end)
    return found


@given(st.text(alphabet=st.sampled_from(STRANGE), max_size=12) | st.text(max_size=6))
@example("\u0301\u0915")  # a combining mark without a letter, then a consonant that a linker may join
def test_every_boundary_is_one_of_icu(text: str) -> None:
    ours = {offset for offset in range(1, len(text) + 1) if is_boundary(text, offset)}
    before_space = {i for i in range(1, len(text)) if text[i] == " "}  # ICU joins it to a Prepend character
    assert ours - before_space <= boundaries(text)


def test_every_assigned_character_is_joined_to_a_letter_where_icu_joins_it() -> None:
    characters = [
        chr(code)
        for code in range(0x300, 0x1FB00)
        if unicodedata.category(chr(code)) not in ("Cs", "Cn", "Co")
    ]
    texts = [text for it in characters for text in ("a" + it, it + "a", "\u0915\u094d" + it)]
    assert [
        text for text in texts if len(text) - 1 not in boundaries(text) and is_boundary(text, len(text) - 1)
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "e\u0301",
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪",
        "1\ufe0f\u20e3",
        "각",
        "\u1112\u1161\u11ab",
        "क्ष",
        "กำ",
        "\r\n",
        "葛\U000e0100",
    ],
)
def test_one_visible_character_has_no_boundary_inside(text: str) -> None:
    assert last_boundary(text) == 0
    assert last_boundary("x" + text) == 1
    assert last_boundary(text + "x") == len(text)


@pytest.mark.parametrize(
    "text", ["ab", "a ", "日本", "🇩🇪🇫", "👍👍", "\n\u0301", "அப்பா"[:4], "\u200da", "한국", "\u200b\u0301"]
)
def test_text_can_be_cut_before_its_last_visible_character(text: str) -> None:
    assert is_boundary(text, len(text) - 1)


def test_the_ends_of_a_text_are_boundaries() -> None:
    assert is_boundary("a", 0)
    assert is_boundary("a", 1)
    assert last_boundary("") == 0
