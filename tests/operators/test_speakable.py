"""`speakable` turns Markdown into what a voice should say."""

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import from_iterable
from reactivex import operators as ops

from ollama_rx.operators import speakable, split_sentences
from ollama_rx.operators._markdown_to_speech import parser
from ollama_rx.testing import check
from tests.operators.text_pieces import run


def test_each_sentence_becomes_what_a_voice_should_say() -> None:
    check(
        speakable(),
        source="-a------b----c-|",
        expect="-x------y------|",
        a="**Hello [Ada](https://a.b).",
        b="How *are* you?** 👋",
        c="---",
        x="Hello Ada.",
        y="How are you?",
    )


def test_a_block_of_code_over_several_sentences_is_left_out() -> None:
    check(
        speakable(),
        source="-a-b-c-|",
        expect="-x---y-|",
        a="Look:\n```python\nx = 1",
        b="y **= 2",
        c="```\n*Done*.",
        x="Look:",
        y="Done.",
    )


def test_a_formula_over_several_sentences_is_spoken_sentence_by_sentence() -> None:
    check(
        speakable(),
        source="-a-b-c-|",
        expect="-x-y-z-|",
        a="So:\n$$",
        b="x^2",
        c="$$\n*holds*.",
        x="So:",
        y="x²",
        z="holds.",
    )


def test_on_completion_nothing_is_left_to_emit() -> None:
    check(speakable(), source="-a-b-|", expect="-x-y-|", a="**Hello", b="_you", x="Hello", y="you")


def test_an_error_passes_at_once() -> None:
    check(speakable(), source="-a-b-#", expect="-x---#", a="*Look*:", b="```python\nx = 1", x="Look:")


def test_cancel_unsubscribes_from_the_source() -> None:
    check(
        speakable(),
        source="-a-b-c-|",
        expect="-x--!",
        life="^---!",
        a="**Hello",
        b="---",
        c="you**",
        x="Hello",
    )


UNCHANGED = [
    "Hello there.",
    "snake_case and file_name.py and x_1 + y_2 stay.",
    "3 < 5 and 7 > 2.",
    "a<b and c>d",
    "a <b and c> d",
    "2*3*4 = 24",
    "5 * 3 = 15",
    "a*b*c",
    "n*(n+1)/2, (a+b)*(c+d), (a+b)*c",
    "x**n and y**m",
    "The A* search, D* and a C*-algebra.",
    "2**3 = 8",
    "C# and F# and C++.",
    "__init__ is special.",
    "It costs $5 and $10.",
    "It costs $5-$10 or 5$.",
    "Set $HOME and $PATH.",
    "© 2024 Foo™ → 20 °C",
    "می\u200cخواهم",
    "क्षत्रिय",
    "日本語です。",
    "Issue #5, #hashtag",
    "me@example.org",
    "1984. It was a year.",
    "It is 12.5 % and 3/4.",
    "“Quoted,” he said (so)…",
    "-5 degrees",
    "C♯ minor, B♭ major, step ❷",
    "[Alice]: Hello!",
    "The range [0, 1], a[0], a[0][1], in [2024].",
    "x = [1, 2]; y ∈ [1, 3]",
    '[Note]: important "too"',
]

SPOKEN = [
    ("The *quick* **brown** ***fox*** _jumps_ __over__.", "The quick brown fox jumps over."),
    ("日本語の**強調**です。", "日本語の強調です。"),
    ("“**Bold.**” he said.", "“Bold.” he said."),
    ("~~old~~ new", "old new"),
    ("# Heading *one* #", "Heading one"),
    ("Title\n=====", "Title"),
    ("> quoted *text*", "quoted text"),
    ("- item **one**", "item one"),
    ("* item", "item"),
    ("1. First\n2. Second", "1. First\n2. Second"),
    ("- [x] done", "done"),
    ("[ ] task", "task"),
    ('See [the docs](https://a.b/c "title").', "See the docs."),
    ("See [text][1] and ![a cat](cat.png).", "See text and a cat."),
    ("![a dog][dog]\n[dog]: ./dog.png", "a dog"),
    ("Look at https://www.example.com/a/b?c=d, or <https://x.org/y>.", "Look at example.com, or x.org."),
    ("Look at www.example.com/a_b_c.", "Look at example.com."),
    ("http://user@host.net:80/x!", "host.net!"),
    ("See https://a.org/wiki/A_(b)_c (or http://d.org/e(f)).", "See a.org (or d.org)."),
    ("请看https://a.cn/docs，然后打开http://b.cn。好", "请看a.cn，然后打开b.cn。好"),
    ("“https://a.de/b”と https://a.jp/docsを見て", "“a.de”と a.jpを見て"),
    ("As shown [1], and [2, 3] or [^4].", "As shown, and or."),
    ("A fact【4†source】.", "A fact."),
    ("One [1][2]. Two [1], [2]. Three ([3]). Four[^a].", "One. Two. Three. Four."),
    ("[1] Ada (1843).\n[^1]: A *note*.\n[2]: Bob.", "Ada (1843). A note. Bob."),
    ('Blue [1](https://a.b/c_(d) "t"), [[2]](http://e.f)[3](https://g.h).', "Blue."),
    ("In [2024](https://a.b) and [chapter 3](#c3) and [4](#c4).", "In 2024 and chapter 3 and 4."),
    ("$x \\in [0, 1]$", "x ∈ [0, 1]"),
    ("Nice 👍🏽 work 👩\u200d👩\u200d👧, Ada 🇩🇪!", "Nice work, Ada!"),
    ("1️⃣ First ❤️", "1 First"),
    ('<b>bold</b> text<br>more <!-- hidden --> <a href="x">here</a>', "bold text more here"),
    ("<details open><summary>More</summary>Text</details>", "More Text"),
    ("<dl><dt>T</dt><dd>D</dd></dl> x<sub>2</sub> <input type=checkbox checked> y", "T D x2 y"),
    ("AT&amp;T", "AT&T"),
    ("Use `a * b_c` and ``x`y``.", "Use a * b_c and x`y."),
    ("`$HOME`", "$HOME"),
    ("| Name | Age |\n|---|:-:|\n| *Ada* | 36 |\n| Bob | |", "Name, Age\nAda, 36\nBob"),
    ("Before\n| Ada | 36 |\nafter", "Before\nAda, 36\nafter"),
    ("| > 5 | # 1 | 👍 | - |", "> 5, # 1, -"),
    ("| a \\| b | `c\\|d` | $x^2$ |", "a | b, c|d, x²"),
    ("Line one\nline two", "Line one line two"),
    ("Line one\\\nline two", "Line one line two"),
    ("un*frigging*believable", "unfriggingbelievable"),
    ("$E = mc^2$ holds, \\(a \\le b\\).", "E = mc² holds, a ≤ b."),
    ("$$\\frac{a}{b}$$ and \\[x_1\\]", "a/b and x₁"),
    ("\\*not emphasis\\*", "not emphasis"),
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_text_without_formatting_is_unchanged(text: str) -> None:
    assert run(speakable(), [text]) == [text]


@pytest.mark.parametrize(("text", "spoken"), SPOKEN)
def test_formatting_is_removed(text: str, spoken: str) -> None:
    assert run(speakable(), [text]) == [spoken]


@pytest.mark.parametrize(
    "text",
    [
        "---",
        "===",
        "***",
        "👋",
        "|---|---|",
        "[1]",
        "[docs]: https://a.b/c 'C'",
        "> [1]: <a>",
        " \n ",
        "<br>",
        "```",
        "**",
    ],
)
def test_a_sentence_with_nothing_to_say_is_dropped(text: str) -> None:
    assert run(speakable(), [text]) == []


def test_half_a_formatting_pair_is_removed() -> None:
    assert run(speakable(), ["_So *it", "is* ends_ here~~.", "`half", "code`"]) == [
        "So it",
        "is ends here.",
        "half",
        "code",
    ]


CODE = ["Look:\n```python\nx = 1\n", "y **= 2\n\n", "```\nDone *now*."]


def test_blocks_of_code_are_left_out_in_one_sentence_or_over_several() -> None:
    assert run(speakable(), CODE) == ["Look:", "Done now."]
    assert run(speakable(), ["".join(CODE)]) == ["Look:\nDone now."]


def test_a_text_can_take_the_place_of_a_block_of_code() -> None:
    spoken = run(speakable(code="Some code."), CODE)
    assert spoken == ["Look:\nSome code.", "Done now."]


def test_a_block_of_code_ends_only_with_its_own_fence() -> None:
    text = "~~~~\na\n~~~\n```\n~~~~ x\n~~~~~\nout"
    assert run(speakable(), [text]) == ["out"]


def test_a_block_of_code_can_stand_in_a_list() -> None:
    assert run(speakable(), ["1. Do:\n    ```sh\n    ls\n    ```\n2. So"]) == ["1. Do:\n2. So"]


@pytest.mark.parametrize(
    ("pieces", "spoken"),
    [
        (["So:\n$$\n\\frac{a}{b}\n", "= c_1\n$$\n", "*Thus*."], ["So:\na/b", "= c₁", "Thus."]),
        (["\\[", "x \\in [1, 2]", "\\]", "\\[x_1\\] **ok**"], ["x ∈ [1, 2]", "x₁ ok"]),
        (
            ["$$\\begin{aligned}", "a &= b \\\\", "c &= d", "\\end{aligned}$$, *so*"],
            ["a = b", "c = d", ", so"],
        ),
        (["> \\[ a\n+ b \\]\nc"], ["a + b\nc"]),
        (["<!-- a", "*b*. c", "d --> *e*"], ["e"]),
        (["`<!--` and\n$$ is *dear*", "*so*."], ["<!-- and $$ is dear", "so."]),
    ],
)
def test_formulas_and_comments_can_span_sentences(pieces: list[str], spoken: list[str]) -> None:
    assert run(speakable(), pieces) == spoken


def test_code_between_three_backticks_in_a_line_is_spoken() -> None:
    assert run(speakable(), ["Use ```a b``` here."]) == ["Use a b here."]


def test_speakable_works_after_split_sentences() -> None:
    tokens = ["# Hi\n\n", "This is **very. ", "Important** in `x.y`.", " See [it](http://a.b). ", "Bye! 👋"]
    spoken = from_iterable(tokens).pipe(split_sentences(), speakable(), ops.to_list()).run()
    assert spoken == ["Hi", "This is very.", "Important in x.y.", "See it.", "Bye!"]


@given(st.text(max_size=40) | st.text(alphabet=st.sampled_from("*_`~[]()<>#|\\$& \n-1.ab!{}^"), max_size=40))
def test_any_text_gives_at_most_one_text_that_is_never_blank(text: str) -> None:
    spoken = run(speakable(), [text])
    assert len(spoken) <= 1
    assert all(part.strip() for part in spoken)


@given(st.from_regex(r"[A-Za-z]{1,8}( [A-Za-z0-9]{1,8}){0,6}[.!?]", fullmatch=True))
def test_plain_sentences_are_never_changed(text: str) -> None:
    assert run(speakable(), [text]) == [text]


def test_building_the_operator_without_its_extra_raises_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "markdown_it", None)
    parser.cache_clear()
    with pytest.raises(ImportError, match=r"ollama-rx\[speech\]"):
        speakable()


def test_code_must_be_text() -> None:
    with pytest.raises(TypeError, match="code"):
        speakable(code=3)  # type: ignore[arg-type]
