"""`speakable` turns Markdown into what a voice should say."""

import copy
import json
import pickle
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token
from reactivex import from_iterable, of
from reactivex import operators as ops

from ollama_rx.operators import Spoken, speakable, split_sentences
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


def test_what_is_spoken_keeps_the_sentence_that_it_was_made_of() -> None:
    spoken = run(speakable(), ["**Hello** Ada.", "---", "  How *are* you?\n"])
    assert [(one.said, one.written) for one in spoken] == [
        ("Hello Ada.", "**Hello** Ada."),
        ("How are you?", "  How *are* you?\n"),
    ]


def test_what_is_spoken_is_text() -> None:
    spoken = Spoken("Hello Ada.", "**Hello** Ada.")
    assert spoken == "Hello Ada."
    assert {"Hello Ada.": 1}[spoken] == 1
    assert f"{spoken}" == "Hello Ada."
    assert type(spoken.said) is str
    assert orjson.dumps(spoken) == json.dumps(spoken).encode() == b'"Hello Ada."'
    assert of(spoken).pipe(split_sentences()).run() == "Hello Ada."


def test_what_is_spoken_shows_both_texts_and_cannot_be_changed() -> None:
    spoken = Spoken("it's", "_it's_")
    assert repr(spoken) == """Spoken("it's", "_it's_")"""
    with pytest.raises(AttributeError):
        spoken.written = "else"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        spoken.more = 1  # type: ignore[attr-defined]


def test_copies_of_what_is_spoken_keep_both_texts() -> None:
    spoken = Spoken("Hello", "**Hello**")
    pickled = [pickle.loads(pickle.dumps(spoken, protocol)) for protocol in range(6)]  # noqa: S301 - our own
    for one in (copy.copy(spoken), copy.deepcopy(spoken), *pickled):
        assert type(one) is Spoken
        assert (one.said, one.written) == ("Hello", "**Hello**")


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
    "It is all about the $$$. Work hard. Make $$$.",
    "$$$ is dear, $$–$$$ is not.",
    "© 2024 Foo™ 20 °C",
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
    "He said 【重要】 and [सूचना], [citation needed], [Smith 2020] and [a].",
    "[重要][注意] [First Name][Last Name]",
    "a[i][j] and x = [٣]",
    "It is 5. - 3 is left.",
    "Delete *.py, test_*.py and *.tar.gz, “*.md” or (*.*), not .* here.",
    "In **/*.py, src/**, /tmp/*, ./a/**/b.txt and *.d/x.",
    "Call f(**kw), f(*args), f(a, **b) or COUNT(*) with *args and **kw.",
    "def f(a, *, b) and /* this */",
    "192.168.0.1:80, file:///etc/hosts, ~/.bashrc, a/b.txt and C:\\Users",
    "x ->y, a<-b and x=>y",
    "Email a_b_c@x.y, a*b@c.d.",
    "سلام دنیا، این ۵ است.",
    "ประเทศไทย\u200bดี",
    "call f()",
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
    ("The first line\\", "The first line"),
    ("un*frigging*believable", "unfriggingbelievable"),
    ("$E = mc^2$ holds, \\(a \\le b\\).", "E = mc² holds, a ≤ b."),
    ("$$\\frac{a}{b}$$ and \\[x_1\\]", "a/b and x₁"),
    ("\\*not emphasis\\*", "not emphasis"),
    ("2 \\* 3, file\\_name and \\*.py", "2 * 3, file_name and *.py"),
    ("the **src/** and *.NET* and (**bold**) and f(**bold**)", "the src/ and .NET and (bold) and f(bold)"),
    ("**A**/**B** and *see it.*", "A/B and see it."),
    ("https://example.com/docs—it explains everything.", "example.com—it explains everything."),
    ("https://a.b/c–d, https://a.b/c→d and https://a.b/d…", "a.b–d, a.b, d and a.b…"),
    ("„https://a.de/b“, «https://c.fr/d» (https://e.f)", "„a.de“, «c.fr» (e.f)"),
    ("ดูhttps://a.th/docsครับ", "ดูa.thครับ"),
    ("在http://例え.jp 和 https://hi.wikipedia.org/wiki/हिन्दी।", "在例え.jp 和 hi.wikipedia.org।"),
    ("https://ar.wikipedia.org/wiki/القاهرة، ثم", "ar.wikipedia.org، ثم"),
    ("http://[::1]:8080/x and sftp://u:p@h.org/y", "[::1] and h.org"),
    ("**https://a.b/c** and *https://a.b.* and https://a.b/__init__/x_*y*.", "a.b and a.b. and a.b."),
    ("[https://a.b/c](https://a.b/c) and [a_b](http://x.y/*z*)", "a.b and a_b"),
    ("Write to mailto:me@a.org now.", "Write to me@a.org now."),
    ("<mailto:me@a.org> or <me@a.org>", "me@a.org or me@a.org"),
    ("Text【4:0†source】. 【1】 A［2］, [٣] وهكذا[٢، ٣].", "Text. A وهكذا."),
    ("See [Foo][foo], [it][docs-1] and [that][].", "See Foo, it and that."),
    ("Great (😀)! Say “👍” now.", "Great! Say now."),
    ("→ File → Save. → Done →", "File, Save. Done"),
    ("File -> Save => Done\n- → x", "File, Save, Done\nx"),
    ("`a → b` and $a \\to b$", "a → b and a → b"),
    ("├── src\n│   └── main.py\n──────", "src\nmain.py"),
    ("● One\n• *Two*\n  ◦ Three", "One\nTwo\nThree"),
    ("‣ One", "One"),
    ("\u202eabc\u202c x\xady\ufeff", "abc xy"),
    ("&lt;b&gt; is *a* tag&nbsp;&mdash; yes", "<b> is a tag — yes"),
    ("a | b\n--|--\n1 | [x](http://a.b)\n\nafter | this", "a, b\n1, x\nafter | this"),
    ("1. one\n2. - [x] two", "1. one\n2. two"),
    ("要点**は次の通りです", "要点は次の通りです"),
    ("핵심**은 *다음과", "핵심은 다음과"),
    (
        "https://example.kr/에서 보기 (https://zh.wikipedia.org/wiki/中文)",
        "example.kr에서 보기 (zh.wikipedia.org)",
    ),
    ("チーム（https://a.jp/art/）は、https://a.jp/を見て。", "チーム（a.jp）は、a.jpを見て。"),
    ("请看 https://a.cn/，或「https://baike.baidu.com/item/北京」。", "请看 a.cn，或「baike.baidu.com」。"),
    ("Use ↑/↓ to move.", "Use / to move."),
    ("**Answer:** \\boxed{\\frac{3}{4}} or \\boxed{4*a*b}", "Answer: 3/4 or 4*a*b"),
    ("Press *this* →.", "Press this."),
    ("He said ``yes'' and ``*no*''.", "He said “yes'' and “no''."),
    ("Answer:\n\n4.", "Answer:\n4."),
    ("7. 8.", "7. 8."),
    ("- 4.\n- *x*", "4.\nx"),
    ("a   b\t\tc *d*", "a b c d"),
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
        "“😀”",
        "...",
        "──────",
        "()",
        "\u200b",
        "→",
        "- - -",
        "¿?",
        "(👍)",
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


@pytest.mark.parametrize(
    "pieces",
    [
        ["- ```sh", "ls *", "```\n- *next*"],
        ["- ```sh\n  ls\n  ```\n- next"],
        ["> ```\n> x", "> y\n> ```\n> next"],
    ],
)
def test_a_block_of_code_can_begin_in_the_line_of_a_list_marker_or_quote(pieces: list[str]) -> None:
    assert "\n".join(run(speakable(code="Code."), pieces)) == "Code.\nnext"


def test_code_between_three_backticks_in_a_line_is_spoken() -> None:
    assert run(speakable(), ["Use ```a b``` here."]) == ["Use a b here."]


def test_speakable_works_after_split_sentences() -> None:
    tokens = ["# Hi\n\n", "This is **very. ", "Important** in `x.y`.", " See [it](http://a.b). ", "Bye! 👋"]
    spoken = from_iterable(tokens).pipe(split_sentences(), speakable(), ops.to_list()).run()
    assert spoken == ["Hi", "This is very.", "Important in x.y.", "See it.", "Bye!"]


def test_addresses_can_be_skipped() -> None:
    text = ["See https://a.b/c_d. Or (http://x.y), [it](http://z.w 'a b'), www.a.b!", "<https://a.b>"]
    assert run(speakable(urls="skip"), text) == ["See. Or, it,!"]
    text = ["詳しくは（https://a.jp/）を、「https://a.jp/」を。", "Voir « https://a.fr » et f(), x[]."]
    assert run(speakable(urls="skip"), text) == ["詳しくはを、を。", "Voir et f(), x[]."]


def test_addresses_can_be_said_in_full() -> None:
    text = ["(https://a.b/c_d_e), [it](http://z.w), **www.a.b/*x*y**!", "<https://a.b/__init__.py>"]
    assert run(speakable(urls="full"), text) == [
        "(https://a.b/c_d_e), it, www.a.b/*x*y!",
        "https://a.b/__init__.py",
    ]


def test_a_marker_in_the_middle_of_a_line_is_text() -> None:
    assert run(speakable(), ["It is 5.", "- 3 is left.", "> 2 is *more*.", "- $4"]) == [
        "It is 5.",
        "- 3 is left.",
        "> 2 is more.",
        "- $4",
    ]
    pieces = run(split_sentences(strip=False), ["It is 5. - 3 is left. # No. > Yes. *So*.\n# Head\n- item"])
    assert run(speakable(), pieces) == ["It is 5.", "- 3 is left.", "# No. > Yes. So.", "Head", "item"]
    assert run(speakable(), ["Yes.", " # no.", " * *b*\n", "# Head"]) == ["Yes.", "# no.", "* b", "Head"]


def test_a_marker_before_an_item_is_not_said() -> None:
    text = "You need:\n- 3 eggs.\n- 200 g flour\n- 5 pears\n\nDone.\n- A *b*"
    assert run(speakable(), run(split_sentences(), [text])) == [
        "You need:",
        "3 eggs.",
        "200 g flour",
        "5 pears",
        "Done.",
        "A b",
    ]


def test_rows_of_a_table_can_come_one_by_one() -> None:
    assert run(speakable(), ["--|--", "1 | *2*", "3 | 4", "a | b"]) == ["1, 2", "3, 4", "a, b"]
    assert run(speakable(), ["--|--", "1 | 2", "*So*:", "a | b"]) == ["1, 2", "So:", "a | b"]


@pytest.mark.parametrize("unit", ["- a b ", "word. ", "文字。", "x", "*a ", "a\n", "| a ", "[a]("])
def test_no_more_than_a_thousand_characters_are_parsed_together(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser needs quadratic time for some texts."""
    sizes: list[int] = []
    markdown = parser()
    parse, parse_inline = markdown.parse, markdown.parseInline

    def count(text: str) -> list[Token]:
        sizes.append(len(text))
        return parse(text)

    def count_inline(text: str) -> list[Token]:
        sizes.append(len(text))
        return parse_inline(text)

    monkeypatch.setattr(markdown, "parse", count)
    monkeypatch.setattr(markdown, "parseInline", count_inline)
    text = "*" + unit * (20_000 // len(unit))
    spoken = run(speakable(), [text])
    assert max(sizes) <= 2_000  # escaping adds characters
    assert sum(sizes) <= 2 * len(text)
    assert "".join("".join(spoken).split()).count("a") == text.count("a")


def test_a_long_line_is_cut_at_sentences_or_words() -> None:
    sentence = "It is *so* and " + "so " * 20 + "on. "
    lines = run(speakable(), [sentence * 40])[0].splitlines()
    assert len(lines) > 1
    assert all(line.startswith("It is so and") and line.endswith("on.") for line in lines)
    words = run(speakable(), ["*" + "- 12 " * 400])[0].split()
    assert words.count("12") == words.count("-") == 400


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


def test_urls_must_be_one_of_the_ways_to_say_them() -> None:
    with pytest.raises(ValueError, match="urls: expected one of 'host', 'skip', 'full'"):
        speakable(urls="whole")  # type: ignore[arg-type]
