"""Units of text are words or graphemes, and joined they are the text."""

import pytest
from hypothesis import given
from icu4py.breakers import WordBreaker

from ollama_rx.operators import _word_splitter
from ollama_rx.operators._graphemes import joined
from ollama_rx.operators._word_splitter import Graphemes, Units
from ollama_rx.testing import cuttings
from tests.operators.text_pieces import TEXT, pieces


def units(parts: "list[str] | str", kind: "type[Units | Graphemes]" = Units) -> list[str]:
    found: list[str] = []
    machine = kind(found.append)
    for part in parts:
        machine.feed(part)
    machine.flush()
    return found


def boundaries(found: list[str]) -> set[int]:
    places, end = set[int](), 0
    for unit in found:
        end += len(unit)
        places.add(end)
    return places


def _no_icu(_: int) -> _word_splitter.First:
    return _word_splitter.first_grapheme


@pytest.fixture(params=["with ICU", "without ICU"])
def _icu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without ICU":
        monkeypatch.setattr("ollama_rx.operators._word_splitter.first_word", _no_icu)


@pytest.mark.parametrize("kind", [Units, Graphemes])
@given(cuts=pieces)
def test_any_cutting_gives_the_same_units_and_cuts_no_grapheme(
    kind: type[Units | Graphemes], cuts: list[str]
) -> None:
    text = "".join(cuts)
    found = units(cuts, kind)
    assert "".join(found) == text
    assert found == units([text], kind) == units(text, kind)
    assert not [place for place in boundaries(found) if joined(text, place)]


@pytest.mark.usefixtures("_icu")
def test_difficult_text_gives_the_same_units_in_any_cutting() -> None:
    whole = units([TEXT])
    assert "".join(whole) == TEXT
    for cuts in cuttings(TEXT):
        assert units(cuts) == whole


def test_words_have_the_white_space_before_them() -> None:
    assert units(["  Hello, wo", "rld! \n"]) == ["  Hello,", " world!", " \n"]


def test_a_word_is_complete_with_the_character_after_it() -> None:
    found: list[str] = []
    machine = Units(found.append)
    machine.feed("Hello")
    assert found == []
    machine.feed(" ")
    assert found == ["Hello"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我今天去北京大学学习中文。", ["我", "今天", "去", "北京", "大学", "学习", "中文。"]),
        ("他说：“你好，世界！”（真的）", ["他", "说：", "“你好，", "世界！”", "（真的）"]),
        ("用Python 3写GPT模型", ["用", "Python", " 3", "写", "GPT", "模型"]),
        ("ประเทศไทยสวย", ["ประเทศไทย", "สวย"]),
        ("Hello，world（世界）ok", ["Hello，", "world", "（世界）", "ok"]),
        ("好👍🏽吗", ["好👍🏽", "吗"]),
        ("한국어는 쉽다", ["한국어는", " 쉽다"]),
        ("日本語 テキスト", ["日本語", " テキスト"]),
        ("コミュニケーションとソフトウェア", ["コミュニケーション", "と", "ソフトウェア"]),
    ],
)
def test_icu_finds_words_where_no_spaces_are(text: str, words: list[str]) -> None:
    assert units([text]) == words


def test_without_icu_each_grapheme_is_a_word_where_no_spaces_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.operators._word_splitter.first_word", _no_icu)
    assert units(["用Python写", "กำไร", "葛\U000e0100。"]) == [
        "用",
        "Python",
        "写",
        "กำ",
        "ไ",
        "ร",
        "葛\U000e0100。",
    ]


def test_icu_is_missed_politely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "icu4py.breakers", None)
    _word_splitter.first_word.cache_clear()
    try:
        assert _word_splitter.first_word(8) is _word_splitter.first_grapheme
    finally:
        _word_splitter.first_word.cache_clear()


def test_a_window_gives_the_words_that_the_whole_text_gives() -> None:
    texts = [
        "北京大学的研究人员昨天宣布他们在人工智能领域取得了重大突破",
        "ประเทศไทยตั้งอยู่ในเอเชียตะวันออกเฉียงใต้และมีกรุงเทพมหานครเป็นเมืองหลวง",
        "ប្រទេសកម្ពុជាស្ថិតនៅក្នុងតំបន់អាស៊ីអាគ្នេយ៍",
        "မြန်မာနိုင်ငံသည်အရှေ့တောင်အာရှတွင်တည်ရှိသည်",
        "ປະເທດລາວຕັ້ງຢູ່ໃນອາຊີຕາເວັນອອກສ່ຽງໃຕ້",
    ]
    assert [units([text]) for text in texts] == [list(WordBreaker(text, "en")) for text in texts]


def test_a_word_longer_than_any_window_is_cut_at_a_grapheme() -> None:
    text = "\u1950" * 300
    assert list(WordBreaker(text, "en")) == [text]
    assert "".join(units(text)) == text
    assert max(map(len, units(text))) <= 128


def test_a_mark_on_white_space_does_not_lose_it_to_the_next_word() -> None:
    for cuts in cuttings("a \u0e31\u0e31ก b"):
        assert units(cuts) == ["a", " \u0e31\u0e31", "ก", " b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ท\u06dda.", ["ท\u06dda."]),
        ("日\u0600\u0600D🇪\r", ["日\u0600\u0600D🇪", "\r"]),
        ("क日\u06dda\u06dda b", ["क", "日\u06dda\u06dda", " b"]),
    ],
)
def test_signs_that_are_joined_to_what_follows_end_no_word_in_one_cutting_only(
    text: str, words: list[str]
) -> None:
    for cuts in cuttings(text):
        assert units(cuts) == words


@pytest.mark.parametrize(
    ("text", "graphemes"),
    [("e\u0301a", ["e\u0301", "a"]), ("👩\u200d👧!", ["👩\u200d👧", "!"]), ("\r\n\n", ["\r\n", "\n"])],
)
def test_graphemes_come_out_whole(text: str, graphemes: list[str]) -> None:
    assert units(text, Graphemes) == graphemes
