"""What each option of `split_sentences` changes."""

import pytest

from ollama_rx.operators import split_sentences
from ollama_rx.testing import check
from tests.operators.sentences import split
from tests.operators.text_pieces import run


def test_eager_ends_a_sentence_at_its_mark_if_the_text_before_it_is_certain() -> None:
    check(
        split_sentences(eager=True),
        source="-a-b-c-|   ",
        expect="---x---(y|)",
        a="They walked home",
        b=".",
        c=" At 5 p.m. it rained",
        x="They walked home.",
        y="At 5 p.m. it rained",
    )


@pytest.mark.parametrize(
    "start",
    ["Ask Dr", "He said “fine", "(It rained", "It costs 3", "ok then", "Done", "Use `this", "It was approx"],
)
def test_eager_waits_if_the_text_before_the_mark_is_in_doubt(start: str) -> None:
    operator = split_sentences(eager=True)
    assert run(operator, [start, "."]) == [start + "."]
    check(operator, source="-a-b--", expect="------", a=start, b=".")


def test_a_short_sentence_is_merged_with_the_next() -> None:
    assert split("Yes. No. That is all there is. Bye.", min_chars=8) == [
        "Yes. No.",
        "That is all there is.",
        "Bye.",
    ]


def test_a_chinese_character_counts_as_three_letters() -> None:
    assert split("好的吧。走吧。", min_chars=9) == ["好的吧。", "走吧。"]
    assert split("好。走吧走吧。", min_chars=9) == ["好。走吧走吧。"]


def test_merged_sentences_keep_the_space_between_them() -> None:
    assert split("Oh!\n\nReally? I see.", min_chars=9, strip=False) == ["Oh!\n\nReally?", " I see."]


@pytest.mark.parametrize(
    ("text", "longest", "pieces"),
    [
        ("He ran; she sat and read a long book", 20, ["He ran;", "she sat and read a", "long book"]),
        ("In the old town, people met", 20, ["In the old town,", "people met"]),
        ("one two three four", 9, ["one two", "three", "four"]),
        ("It has 12,345,678 words in it", 12, ["It has", "12,345,678", "words in it"]),
        ("Supercalifragilistic is long", 8, ["Supercalifragilistic", "is long"]),
        ("Supercalifragilistic字字字字字字字字字", 8, ["Supercalifragilistic", "字字字字字字字字", "字"]),
        ("春天来了，花开得很好看啊", 8, ["春天来了，", "花开得很好看啊"]),
        ("春天来了花开得很好看啊", 5, ["春天来了花", "开得很好看", "啊"]),
        ("Short. Then more words", 12, ["Short.", "Then more", "words"]),
    ],
)
def test_a_long_sentence_is_cut_at_the_best_place(text: str, longest: int, pieces: list[str]) -> None:
    assert split(text, max_chars=longest) == pieces


def test_a_forced_cut_leaves_graphemes_whole() -> None:
    text = "字e\u0301字👩\u200d👧字" * 3
    found = split(text, max_chars=4, strip=False)
    assert "".join(found) == text
    assert not any(piece[0] in "\u0301\u200d" or piece.endswith("\u200d") for piece in found)


def test_max_chars_does_not_cut_a_code_fence() -> None:
    code = "```sh\necho one two three four five\necho six\n```"
    assert split(f"Run:\n{code}\nDone", max_chars=10) == ["Run:", code, "Done"]


def test_merging_does_not_exceed_max_chars() -> None:
    assert split("One two. Three four five.", min_chars=12, max_chars=20) == ["One two.", "Three four five."]


def test_max_chars_holds_for_very_long_text_without_marks() -> None:
    text = "word " * 400 + "end"
    found = split(text, max_chars=100)
    assert max(map(len, found)) <= 100
    assert " ".join(found) == text


def test_after_a_cut_inside_a_very_long_sentence_the_next_ones_are_split_as_usual() -> None:
    text = ("word " * 10 + "3.5 ") * 12 + "end.\n\nNext one. Another. Third."
    assert split(text, max_chars=450)[2:] == ["Next one.", "Another.", "Third."]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (
            "When it rains, we stay in, and read. Then, we go.",
            ["When it rains,", "we stay in, and read.", "Then, we go."],
        ),
        ("下雨的时候，我们在家看书，写字。好，走。", ["下雨的时候，", "我们在家看书，写字。", "好，走。"]),
        ("It weighs 1,500 grams, more or less.", ["It weighs 1,500 grams,", "more or less."]),
        ("People in Oslo, Norway, like snow.", ["People in Oslo, Norway,", "like snow."]),
        ("On May 4, 1977, they met: all of them.", ["On May 4, 1977,", "they met: all of them."]),
        ("A list (one, two, three) of words.", ["A list (one, two, three) of words."]),
        ("He cried “wait, please wait” twice.", ["He cried “wait, please wait” twice."]),
        ("Yes, of course.", ["Yes, of course."]),
        ("# Here, there and everywhere, at last", ["# Here, there and everywhere, at last"]),
        ("面积是３，５００平方米，很大。", ["面积是３，５００平方米，", "很大。"]),
        ("The time is 10:30 now; go.", ["The time is 10:30 now;", "go."]),
        ("The old bridge (built in 1850) fell.", ["The old bridge", "(built in 1850) fell."]),
        ("Calling f(x, y) prints it.", ["Calling f(x, y) prints it."]),
        ("那座老桥（建于十九世纪）倒了。", ["那座老桥", "（建于十九世纪）倒了。"]),
        (
            "The people of the small old town know that it rains.",
            ["The people of the small old town know", "that it rains."],
        ),
        (
            "People in the town know and say that it rains.",
            ["People in the town know and say that it rains."],
        ),
        ("The people of the small old town have that,", ["The people of the small old town have that,"]),
        ("It was a very long day.", ["It was a very long day."]),
    ],
)
def test_the_first_piece_may_end_at_a_clause(text: str, pieces: list[str]) -> None:
    assert split(text, first_fragment=True) == pieces


def test_the_first_piece_is_not_shorter_than_min_chars() -> None:
    assert split("Now and then, it rains, and snows.", first_fragment=True, min_chars=20) == [
        "Now and then, it rains,",
        "and snows.",
    ]


def test_a_pause_ends_a_sentence_that_only_waits_for_the_next_word() -> None:
    check(
        split_sentences(idle=3),
        source="-a----------b-----|    ",
        expect="----x-------------(y|)",
        a="They walked home.",
        b=" It rained again",
        x="They walked home.",
        y="It rained again",
    )


def test_text_that_arrives_before_the_pause_is_over_cancels_it() -> None:
    check(
        split_sentences(idle=3),
        source="-a--b-----|    ",
        expect="----------(x|)",
        a="They paid 3.",
        b="50 for it",
        x="They paid 3.50 for it",
    )


@pytest.mark.parametrize(
    "start",
    [
        "Call Dr.",
        "It costs 3.",
        "Well...",
        "(It rained.",
        "She lives in the U.S. To",
        "# It rained.",
        "| No?",
    ],
)
def test_a_pause_does_not_end_a_sentence_that_may_continue(start: str) -> None:
    check(split_sentences(idle=1), source="-a-----", expect="-------", a=start)


@pytest.mark.parametrize("text", ["Will it rain?", "Stop!", "你来吗？"])
def test_a_pause_ends_a_question(text: str) -> None:
    check(split_sentences(idle=2), source="-a-----", expect="---x---", a=text, x=text)


def test_a_cancelled_stream_leaves_no_timer() -> None:
    check(split_sentences(idle=5), source="-a-------", expect="---!", life="^--!", a="It rained.")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Zap! Records grew. Zap! News too.", ["Zap! Records grew.", "Zap! News too."]),
        ("We use Zap! It works. Zap It too.", ["We use Zap! It works.", "Zap It too."]),
        ("Pots by Ask. Com Oak. Ask. Combine them.", ["Pots by Ask. Com Oak.", "Ask. Combine them."]),
        ("It is MyZap! It works.", ["It is MyZap!", "It works."]),
        ("What is Zap!? It is a shop.", ["What is Zap!?", "It is a shop."]),
        ("Who? Why? 谁？是谁？他。", ["Who? Why?", "谁？是谁？", "他。"]),
        ("We use Zap!\nIt works.", ["We use Zap!", "It works."]),
        ("We use Zap!", ["We use Zap!"]),
        ("Buy at Ask.", ["Buy at Ask."]),
    ],
)
def test_names_of_the_caller_do_not_end_a_sentence(text: str, sentences: list[str]) -> None:
    names = ("Zap!", "Ask. Com ", "Who? Why", "谁？是")
    assert split(text, never_split=names) == sentences


def test_eager_and_a_pause_do_not_end_a_sentence_in_a_name_of_the_caller() -> None:
    eager = split_sentences(eager=True, never_split=["the shop. Com"])
    check(eager, source="-a-----", expect="-------", a="We went to the shop.")
    paused = split_sentences(idle=2, never_split=["Zap!"])
    check(paused, source="-a-----", expect="-------", a="We use Zap!")
