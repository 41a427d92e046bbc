"""Words and graphemes, joined, are the text again."""

import pytest
from hypothesis import given
from icu4py.breakers import WordBreaker

from ollama_rx.operators import _word_splitter
from ollama_rx.operators._graphemes import is_boundary
from ollama_rx.operators._word_splitter import GraphemeSplitter, WordSplitter
from ollama_rx.testing import cuttings
from tests.operators.counting_cursor import CountingCursor
from tests.operators.text_pieces import TEXT, pieces


def split(
    parts: "list[str] | str", kind: "type[WordSplitter | GraphemeSplitter]" = WordSplitter
) -> list[str]:
    found: list[str] = []
    splitter = kind(found.append)
    for part in parts:
        splitter.feed(part)
    splitter.flush()
    return found


def boundaries(found: list[str]) -> set[int]:
    offsets, end = set[int](), 0
    for segment in found:
        end += len(segment)
        offsets.add(end)
    return offsets


def _no_icu(_: int) -> _word_splitter.FindLength:
    return _word_splitter.one_character


@pytest.fixture(params=["with ICU", "without ICU"])
def _icu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without ICU":
        monkeypatch.setattr("ollama_rx.operators._word_splitter.word_length_finder", _no_icu)


@pytest.mark.parametrize("kind", [WordSplitter, GraphemeSplitter])
def test_no_text_has_no_segments(kind: type[WordSplitter | GraphemeSplitter]) -> None:
    assert split([], kind) == []
    assert split([""], kind) == []


@pytest.mark.parametrize("kind", [WordSplitter, GraphemeSplitter])
@given(cuts=pieces)
def test_any_cutting_gives_the_same_segments_and_splits_no_grapheme(
    kind: type[WordSplitter | GraphemeSplitter], cuts: list[str]
) -> None:
    text = "".join(cuts)
    found = split(cuts, kind)
    assert "".join(found) == text
    assert found == split([text], kind) == split(text, kind)
    assert not [end for end in boundaries(found) if not is_boundary(text, end)]


@pytest.mark.usefixtures("_icu")
def test_difficult_text_gives_the_same_words_in_any_cutting() -> None:
    whole = split([TEXT])
    assert "".join(whole) == TEXT
    for cuts in cuttings(TEXT):
        assert split(cuts) == whole


def test_words_include_the_white_space_before_them() -> None:
    assert split(["  Hello, wo", "rld! \n"]) == ["  Hello,", " world!", " \n"]


def test_a_word_is_emitted_when_the_character_after_it_arrives() -> None:
    found: list[str] = []
    splitter = WordSplitter(found.append)
    splitter.feed("Hello")
    assert found == []
    splitter.feed(" ")
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
def test_icu_finds_words_in_text_without_spaces(text: str, words: list[str]) -> None:
    assert split([text]) == words


def test_without_icu_each_grapheme_is_a_word_in_text_without_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.operators._word_splitter.word_length_finder", _no_icu)
    assert split(["用Python写", "กำไร", "葛\U000e0100。"]) == [
        "用",
        "Python",
        "写",
        "กำ",
        "ไ",
        "ร",
        "葛\U000e0100。",
    ]


def test_graphemes_take_the_place_of_words_if_icu_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "icu4py.breakers", None)
    _word_splitter.word_length_finder.cache_clear()
    try:
        assert _word_splitter.word_length_finder(8) is _word_splitter.one_character
    finally:
        _word_splitter.word_length_finder.cache_clear()


def test_a_window_of_text_gives_the_same_words_as_the_whole_text() -> None:
    texts = [
        "北京大学的研究人员昨天宣布他们在人工智能领域取得了重大突破",
        "ประเทศไทยตั้งอยู่ในเอเชียตะวันออกเฉียงใต้และมีกรุงเทพมหานครเป็นเมืองหลวง",
        "ប្រទេសកម្ពុជាស្ថិតនៅក្នុងតំបន់អាស៊ីអាគ្នេយ៍",
        "မြန်မာနိုင်ငံသည်အရှေ့တောင်အာရှတွင်တည်ရှိသည်",
        "ປະເທດລາວຕັ້ງຢູ່ໃນອາຊີຕາເວັນອອກສ່ຽງໃຕ້",
    ]
    assert [split([text]) for text in texts] == [list(WordBreaker(text, "en")) for text in texts]


def test_a_word_longer_than_any_window_is_cut_at_a_grapheme() -> None:
    text = "\u1950" * 300
    assert list(WordBreaker(text, "en")) == [text]
    assert "".join(split(text)) == text
    assert max(map(len, split(text))) <= 128


def test_a_mark_keeps_the_white_space_it_is_joined_to_out_of_the_next_word() -> None:
    for cuts in cuttings("a \u0e31\u0e31ก b"):
        assert split(cuts) == ["a", " \u0e31\u0e31", "ก", " b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ท\u06dda.", ["ท\u06dda."]),
        ("日\u0600\u0600D🇪\r", ["日\u0600\u0600D🇪", "\r"]),
        ("क日\u06dda\u06dda b", ["क", "日\u06dda\u06dda", " b"]),
    ],
)
def test_a_sign_joined_to_the_next_character_gives_the_same_words_in_any_cutting(
    text: str, words: list[str]
) -> None:
    for cuts in cuttings(text):
        assert split(cuts) == words


@pytest.mark.parametrize(
    ("text", "graphemes"),
    [("e\u0301a", ["e\u0301", "a"]), ("👩\u200d👧!", ["👩\u200d👧", "!"]), ("\r\n\n", ["\r\n", "\n"])],
)
def test_graphemes_are_emitted_whole(text: str, graphemes: list[str]) -> None:
    assert split(text, GraphemeSplitter) == graphemes


@pytest.mark.usefixtures("_icu")
@pytest.mark.parametrize("kind", [WordSplitter, GraphemeSplitter])
@pytest.mark.parametrize(
    ("unit", "start"),
    [
        ("\u0e31", "ก"),  # a Thai mark
        ("\u0301", "e"),
        ("\u0301", "日"),
        ("\u0e31\u0301", "a"),  # two kinds of characters in one grapheme
        ("\u0301\u1039", "\u1000"),
        ("👩\u200d", ""),
        ("🇩", ""),
        ("🇩", "日"),
        ("、", "日"),
        ("\u06dd", "日"),  # a sign that joins the next one
        ("((", "a"),
        ("\u1950", ""),  # ICU knows no words of this script
    ],
)
def test_each_character_is_looked_at_a_few_times_however_long_a_word_or_a_grapheme_gets(
    unit: str, start: str, kind: type[WordSplitter | GraphemeSplitter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.operators._word_splitter.GraphemeCursor", CountingCursor)
    monkeypatch.setattr(CountingCursor, "looked_at", 0)
    text = start + unit * 1000
    assert "".join(split(text, kind)) == text
    assert CountingCursor.looked_at <= 4 * len(text)


@pytest.mark.usefixtures("_icu")
@pytest.mark.parametrize("mark", ["\u0e31", "\u0301", "\u200d"])
def test_only_the_text_of_a_few_words_is_looked_at_for_their_ends(mark: str) -> None:
    splitter = WordSplitter(lambda _: None)
    splitter.feed("ประเทศไทย")
    for _ in range(1000):
        splitter.feed(mark)
        assert len(splitter._run) <= 64


def test_text_after_a_flush_begins_a_new_word_and_a_new_grapheme() -> None:
    for kind in (WordSplitter, GraphemeSplitter):
        found: list[str] = []
        splitter = kind(found.append)
        for piece in ("日e", "\u0301", "🇩"):
            splitter.feed(piece)
            splitter.flush()
        splitter.feed("🇪🇫!")
        splitter.flush()
        assert found[-3:] == (["\u0301", "🇩", "🇪🇫!"] if kind is WordSplitter else ["🇩", "🇪🇫", "!"])
