"""`speakable(pronounce=)` replaces whole words of what is said."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollama_rx.operators import speakable
from ollama_rx.operators._pronunciation import Pronunciation
from ollama_rx.testing import check
from tests.operators.text_pieces import run

WORDS = {
    "SQL": "sequel",
    "nginx": "engine x",
    "C": "see",
    "C++": "see plus plus",
    ".NET": "dot net",
    "Node.js": "node jay ess",
    "New York": "the city",
    "New": "fresh",
    "use nginx": "run engine x",
    "one": "two",
    "two": "three",
    "caf": "no",
    "北京": "Beijing",
    "ไทย": "Thai",
    "서울": "Seoul",
    "क": "no",
    "%": "percent",
    "<x>": "an x",
}


def said(text: str, words: dict[str, str] = WORDS, **options: Any) -> str:
    return "".join(run(speakable(pronounce=words, **options), [text]))


def test_words_are_replaced_in_what_is_said_and_not_in_what_was_written() -> None:
    check(
        speakable(pronounce={"SQL": "sequel"}),
        source="-a---b-|",
        expect="-x---y-|",
        a="Learn **SQL**.",
        b="MySQL?",
        x="Learn sequel.",
        y="MySQL?",
    )
    (spoken,) = run(speakable(pronounce={"SQL": "sequel"}), ["Learn **SQL**."])
    assert spoken.written == "Learn **SQL**."


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (
            "SQL. (SQL) “SQL” 'SQL', SQL: SQL! SQL…",
            "sequel. (sequel) “sequel” 'sequel', sequel: sequel! sequel…",
        ),
        ("SQL's and SQL\u2019s and SQL'de", "sequel's and sequel\u2019s and sequel'de"),
        ("SQL-based T-SQL/SQL", "sequel-based T-sequel/sequel"),
        ("_SQL_ and `SQL` and [SQL](http://a.b/SQL)", "sequel and sequel and sequel"),
        ("C, C++, (C++). C++", "see, see plus plus, (see plus plus). see plus plus"),
        (".NET and (.NET), or .NET.", "dot net and (dot net), or dot net."),
        ("Node.js 22, Node.js. Node.js's", "node jay ess 22, node jay ess. node jay ess's"),
        ("New York, New   York and New Delhi", "the city, the city and fresh Delhi"),
        ("use nginx or nginx", "run engine x or engine x"),
        ("one two", "two three"),
        ("在北京大学使用SQL数据库。SQL是", "在Beijing大学使用sequel数据库。sequel是"),
        ("ประเทศไทย 남서울은", "ประเทศThai 남Seoul은"),
        ("5 % of it", "5 percent of it"),
    ],
)
def test_a_word_is_replaced_next_to_marks_and_scripts_without_spaces(text: str, spoken: str) -> None:
    assert said(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "sql Sql NoSQL SQLite SQL2 my_SQL",
        "nginx.org docs.nginx.org/nginx nginx-docs.org my-nginx.org",
        "me@nginx.org nginx@a.org @nginx",
        "C# C+ C++11 C+++ xC++",
        "ASP.NET Node.js.org",
        "NewYork new York",
        "cafe\u0301 caf\u0301",
        "की",
        "100%",
    ],
)
def test_a_part_of_a_longer_word_or_of_an_address_is_not_replaced(text: str) -> None:
    assert said(text) == text


def test_a_word_that_is_a_part_of_a_negation_is_not_replaced() -> None:
    assert said("don't can\u2019t don'", {"don": "x", "can": "y"}) == "don't can\u2019t x'"


def test_addresses_are_not_changed_however_they_are_said() -> None:
    text = "See https://nginx.org/SQL or www.nginx.org, then nginx."
    assert said(text) == "See nginx.org or nginx.org, then engine x."
    assert said(text, urls="full") == "See https://nginx.org/SQL or www.nginx.org, then engine x."
    assert said("https://x", {"https": "no"}, urls="full") == "https://x"


def test_the_text_in_place_of_code_is_said_with_the_same_words() -> None:
    assert said("```\nx\n```", code="Some SQL.") == "Some sequel."


def test_an_empty_text_leaves_the_word_out() -> None:
    words = {"GNU": "", "SQL": "sequel"}
    assert said("The GNU system (GNU) is GNU.", words) == "The system is."
    assert said("GNU\n\nSQL  x\n\nGNU!", words) == "sequel x"
    assert said("Nothing  here", words) == "Nothing  here"
    assert run(speakable(pronounce=words), ["GNU.", "SQL."]) == ["sequel."]


@pytest.mark.parametrize("words", [None, {}])
def test_without_words_nothing_is_replaced(words: dict[str, str] | None) -> None:
    assert run(speakable(pronounce=words), ["SQL"]) == ["SQL"]


@given(st.text(alphabet="ab .@/'-+#&\n", max_size=30))
def test_a_replacement_is_never_replaced_again(text: str) -> None:
    """Each of two words becomes the other, so doing it twice gives the text back."""
    swap = Pronunciation({"a": "b", "b": "a"})
    assert swap.say(swap.say(text)) == text


@settings(max_examples=30)
@given(
    st.text(max_size=40),
    st.dictionaries(st.text(min_size=1, max_size=3).filter(str.strip), st.text(max_size=3)),
)
def test_any_words_can_be_replaced_in_any_text(text: str, words: dict[str, str]) -> None:
    assert len(run(speakable(pronounce=words), [text])) <= 1


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=5).filter(str.strip))
def test_every_word_is_found_between_spaces(word: str) -> None:
    assert Pronunciation({word: "found"}).say(f"- {' '.join(word.split())} -") == "- found -"


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["SQL"], TypeError, "pronounce: expected a mapping, got list"),
        ({1: "one"}, TypeError, "pronounce: expected text for each word, got int"),
        ({"one": 1}, TypeError, "pronounce: expected text to say instead of 'one', got int"),
        ({"": "x"}, ValueError, "pronounce: expected words that are not empty, got ''"),
        ({" ": "x"}, ValueError, "pronounce: expected words that are not empty, got ' '"),
    ],
)
def test_words_of_a_wrong_kind_are_refused(words: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        speakable(pronounce=words)
