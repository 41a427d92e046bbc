"""`split_thinking` moves text between tags to `thinking`, however chunks cut the tags."""

import re
import sys
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import Chunk
from ollama_rx.operators import split_thinking
from ollama_rx.operators._split_thinking import _SplitThinking, _Tags
from ollama_rx.rx import Emitter, through
from ollama_rx.testing import check
from tests.operators.text_pieces import SIZES, cut, run

Find = Callable[..., re.Match[str] | None]


def chunk(text: str, *, done: bool = False) -> Chunk:
    return Chunk({"model": "m", "response": text, "done": done})


def split_chunk(text: str = "", *, thinking: str = "", done: bool = False) -> Chunk:
    return Chunk({"model": "m", "response": text, "thinking": thinking, "done": done})


def test_text_between_tags_becomes_thinking() -> None:
    check(
        split_thinking(),
        source="-a--b--c--d-|",
        expect="-w--x--y--z-|",
        a=chunk("<thi"),
        b=chunk("nk>\nHm"),
        c=chunk("</think>\n\nYe"),
        d=chunk("s"),
        w=split_chunk(""),
        x=split_chunk(thinking="Hm"),
        y=split_chunk("Ye"),
        z=chunk("s"),
    )


def test_the_beginning_of_a_tag_waits_until_it_turns_out_to_be_text() -> None:
    check(
        split_thinking(),
        source="-a--b-|",
        expect="-x--y-|",
        a=chunk("1 <thi"),
        b=chunk("rd"),
        x=split_chunk("1 "),
        y=split_chunk("<third"),
    )


def test_the_last_chunk_takes_the_held_text_with_it() -> None:
    check(
        split_thinking(),
        source="-a--b-|",
        expect="-x--y-|",
        a=chunk("1 <"),
        b=chunk(" 2", done=True),
        x=split_chunk("1 "),
        y=split_chunk("< 2", done=True),
    )


def test_on_completion_without_a_last_chunk_held_text_is_emitted_in_an_extra_one() -> None:
    check(
        split_thinking(),
        source="-a-b-|   ",
        expect="-x-y-(z|)",
        a=chunk("<think>Hm"),
        b=chunk(" </thi"),
        x=split_chunk(thinking="Hm"),
        y=split_chunk(thinking=" "),
        z=split_chunk(thinking="</thi"),
    )


def test_an_error_drops_held_text() -> None:
    check(split_thinking(), source="-a-#", expect="-x-#", a=chunk("1 <thi"), x=split_chunk("1 "))


def test_cancel_unsubscribes_from_the_source_and_drops_held_text() -> None:
    check(
        split_thinking(),
        source="-a-b-|",
        expect="-x!",
        life="  ^-!",
        a=chunk("1 <thi"),
        b=chunk("rd"),
        x=split_chunk("1 "),
    )


def texts(*pieces: str) -> list[Chunk]:
    return [chunk(piece) for piece in pieces]


def split(*pieces: str, starts_inside: bool | Literal["auto"] = False) -> tuple[str, str]:
    found = run(split_thinking(starts_inside=starts_inside), texts(*pieces))
    return "".join(it.thinking for it in found), "".join(it.text for it in found)


CASES = [
    ("<think>\n\nHm. \n</think>\n\nYes. ", "Hm. \n", "Yes. "),
    (" \n<think>Hm</think>Yes", "Hm", "Yes"),
    (" \n Yes", "", " \n Yes"),
    (" \n ", "", " \n "),
    (" <thin air", "", " <thin air"),
    ("a < b <thi", "", "a < b <thi"),
    ("<think>a</thi nk></think>b", "a</thi nk>", "b"),
    ("<think>never closed </thi", "never closed </thi", ""),
    ("<think> \n </think> \n ", "", ""),
    ("A <think>b</think> c <think>d</think>\ne", "bd", "A c e"),
    ("<think></think><think>a</think>b", "a", "b"),
    ("<think>\n<think>\na</think>b", "a", "b"),
    ("<think>a\n```\n</think>\nb", "a\n```\n", "b"),
    ("<think>It ends with `</think>`.</think>Yes", "It ends with `</think>`.", "Yes"),
    ("A\n<think>\nb\n</think>\n\nc", "b\n", "A\nc"),
    ("A\n<think>b</think><think>c</think>d <think>e</think>f", "bce", "A\nd f"),
    ("```\nx\n```\n<think>b</think>c", "b", "```\nx\n```\nc"),
    ("`a` and ``b`c``: <think>d</think>e", "d", "`a` and ``b`c``: e"),
    ("Not `closed\n<think>b</think>c", "b", "Not `closed\nc"),
]

ONLY_TEXT = [
    "The <think> tag opens it. Bye.",
    "The <think> tag opens it and </think> closes it. Bye.",
    "It writes <think>...</think> first.",
    "用<think>和</think>标签。再见。",
    "Lone </think> tags and (<think>) stay.",
    "Use `<think>` here. Bye.",
    "Use `a <think>b</think>` and ``c`<think>d</think>`` here. Bye.",
    "So:\n```xml\n<think>\nHm\n</think>\n```\nBye.",
    "So:\n~~~~\n<think>a</think>\n~~~\n<think>b</think>\n~~~~x\n<think>c</think>\n~~~~\nBye.",
    "> ```\n> <think>a</think>\n",
    "1. ```\n   <think>\n   a</think>\n   ```\n",
    "It begins with\n<think>\nand more. Bye.",
    "```\n<think>a</think>",
    f"A\n<think>{'b' * 16_385}</think>c",
    f"A{' ' * 300}<think>\n</think>",
    f"```{'x' * 300}\n``` <think>",
    "A\n<think>b `</think>`",
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("text", "thinking", "answer"), CASES)
def test_any_cutting_gives_the_same_thinking_and_answer(
    size: int, text: str, thinking: str, answer: str
) -> None:
    assert split(*cut(text, size)) == (thinking, answer)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ONLY_TEXT)
def test_a_tag_that_is_only_mentioned_is_text(size: int, text: str) -> None:
    assert split(*cut(text, size)) == ("", text)


def test_what_follows_a_tag_in_the_answer_is_held_until_it_is_decided() -> None:
    check(
        split_thinking(),
        source="-a-b-c--d-|",
        expect="-w-x-y--z-|",
        a=chunk("A\n<think>"),
        b=chunk("Hm"),
        c=chunk(" hm</think>B\n<think>"),
        d=chunk("Bye", done=True),
        w=split_chunk("A\n"),
        x=split_chunk(),
        y=split_chunk("B\n", thinking="Hm hm"),
        z=split_chunk("<think>Bye", done=True),
    )


def test_no_more_than_16_384_characters_are_undecided() -> None:
    just_enough = "b" * 16_384
    assert split("A\n<think>", just_enough, "</think>c") == (just_enough, "A\nc")
    assert split("A\n<think>", just_enough, "b</think>c")[0] == ""
    found = run(split_thinking(starts_inside="auto"), texts(just_enough, "b", "c</think>d"))
    assert [it.text for it in found] == ["", just_enough + "b", "c</think>d"]


def test_code_is_found_in_an_answer_of_many_chunks() -> None:
    for opening in ("", "```\n"):
        answer = [opening, *["a\n"] * 2_500]
        found = split(*answer, "<think>b</think>c")
        assert found == (
            ("", "".join(answer) + "<think>b</think>c") if opening else ("b", "".join(answer) + "c")
        )


@pytest.mark.parametrize(
    "unit", ["\n<think>\n", "<think></think>", "a <think>b", "`</think>`", "\n<think>a</think>"]
)
def test_text_full_of_tags_is_not_searched_again_and_again(unit: str) -> None:
    tags = _Tags("<think>", "</think>")
    searched = 0

    def count(find: Find) -> Find:
        def find_and_count(text: str, at: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
            nonlocal searched
            match = find(text, at, end)
            searched += (min(end, len(text)) if match is None else match.end()) - at
            return match

        return find_and_count

    tags.find_open, tags.find_close = count(tags.find_open), count(tags.find_close)
    text = "a" + unit * (200_000 // len(unit))

    def machine(out: Emitter[Chunk]) -> _SplitThinking:
        return _SplitThinking(out, tags, starts_inside=False)

    run(through(machine), texts(text))
    assert searched < 3 * len(text)


AUTO = [
    ("Hm\n</think>\n\nYes", "Hm\n", "Yes"),
    (" \nHm.</think>Yes", "Hm.", "Yes"),
    ("</think>Yes", "", "Yes"),
    ("<think>Hm</think>Yes", "Hm", "Yes"),
    (" <think>\nHm </think>Yes", "Hm ", "Yes"),
    (" <thin\n</think> a\n<think>b</think>c", "<thin\nb", "a\nc"),
    (
        "So `x</think>` and\n```\n</think>\n```\n  </think>Yes",
        "So `x</think>` and\n```\n</think>\n```\n  ",
        "Yes",
    ),
    ("Just an answer.", "", "Just an answer."),
    (" \n", "", " \n"),
    (
        'The </think> tag, (</think>) and "</think>" stay.',
        "",
        'The </think> tag, (</think>) and "</think>" stay.',
    ),
    ("The tags <think>...</think> mark it.", "", "The tags <think>...</think> mark it."),
    ("What is a <think> tag?\nSo.</think>Yes", "What is a <think> tag?\nSo.", "Yes"),
    (f"{'a' * 16_385}</think>\n<think>b</think>c", "b", f"{'a' * 16_385}</think>\nc"),
    (f"{' ' * 16_385}</think>", "", f"{' ' * 16_385}</think>"),
    (f"a\n{'`</think>`' * 1_639}\n</think>b", "", f"a\n{'`</think>`' * 1_639}\n</think>b"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("text", "thinking", "answer"), AUTO)
def test_a_closing_tag_alone_ends_thinking_if_it_may_start_inside(
    size: int, text: str, thinking: str, answer: str
) -> None:
    assert split(*cut(text, size), starts_inside="auto") == (thinking, answer)


@given(
    parts=st.lists(
        st.sampled_from(
            [
                "<",
                "<think>",
                "</think>",
                "thi",
                "nk>",
                "/",
                " ",
                "\n",
                "x",
                "日",
                "`",
                "```",
                "~~~",
                ">",
                '"',
                "",
            ]
        ),
        max_size=24,
    ),
    starts_inside=st.sampled_from((False, True, "auto")),
)
def test_any_mixture_of_tags_gives_the_same_in_any_cutting(
    parts: list[str], *, starts_inside: bool | Literal["auto"]
) -> None:
    text = "".join(parts)
    whole = split(text, starts_inside=starts_inside)
    assert split(*parts, starts_inside=starts_inside) == split(*text, starts_inside=starts_inside) == whole


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opening", ["", "<think>", " \n<think>\n"])
def test_an_answer_that_starts_inside_may_repeat_the_opening_tag(size: int, opening: str) -> None:
    found = split(*cut(opening + "Hm <think> hm</think>\nYes", size), starts_inside=True)
    assert found == ("Hm <think> hm", "Yes")


def test_text_that_begins_like_the_opening_tag_is_thinking_if_the_answer_starts_inside() -> None:
    assert split("<thi", "s> is</think>ok", starts_inside=True) == ("<this> is", "ok")
    assert split("<thi", starts_inside=True) == ("<thi", "")


def test_each_chunk_keeps_its_other_fields() -> None:
    source = [
        Chunk({"response": "<think>a", "done": False, "logprobs": [{"token": "a"}]}),
        Chunk({"response": "b</thi", "done": False}),
        Chunk({"response": "nk> c <", "done": True, "done_reason": "stop", "context": [1], "eval_count": 3}),
    ]
    found = run(split_thinking(), source)
    assert [(it.thinking, it.text) for it in found] == [("a", ""), ("b", ""), ("", "c <")]
    assert list(found[0].logprobs) == [{"token": "a"}]
    assert found[2].context == (1,)
    assert found[2].metrics is not None


def test_thinking_from_the_server_and_chunks_without_tags_pass_unchanged() -> None:
    source = [
        Chunk({"message": {"role": "assistant", "content": "", "thinking": "Hm"}}),
        Chunk({"message": {"role": "assistant", "content": "Yes"}}),
        Chunk({"message": {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f"}}]}}),
        Chunk({"message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 1}),
    ]
    found = run(split_thinking(), source)
    assert all(after is before for after, before in zip(found, source, strict=True))


@pytest.mark.parametrize("starts_inside", [False, True, "auto"])
def test_what_follows_thinking_from_the_server_is_the_answer(
    *, starts_inside: bool | Literal["auto"]
) -> None:
    first = [chunk(""), split_chunk(thinking="Hm"), chunk("\n"), chunk("One"), chunk(" two.", done=True)]
    second = [split_chunk(thinking="So"), chunk("1"), chunk("", done=True)]
    found = run(split_thinking(starts_inside=starts_inside), [*first, *second])
    assert [(item.thinking, item.text) for item in found] == [
        *[("", ""), ("Hm", ""), ("", ""), ("", "\nOne"), ("", " two.")],
        *[("So", ""), ("", "1"), ("", "")],
    ]


def test_thinking_from_the_server_after_a_tag_changes_nothing() -> None:
    chunks = [
        chunk("<think>"),
        split_chunk(thinking="a"),
        chunk("b</think>\n"),
        split_chunk(thinking="c"),
        chunk("\nd"),
    ]
    got = run(split_thinking(), chunks)
    assert "".join(item.thinking for item in got) == "abc"
    assert "".join(item.text for item in got) == "d"


def test_a_chat_message_is_split_like_a_generated_response() -> None:
    source = [
        Chunk({"message": {"role": "assistant", "content": "<think>Hm</think>Yes", "thinking": "So. "}})
    ]
    found = run(split_thinking(), source)
    assert (found[0].thinking, found[0].text) == ("So. Hm", "Yes")
    assert found[0].raw["message"]["role"] == "assistant"


def test_the_extra_chunk_of_a_chat_has_a_message() -> None:
    found = run(split_thinking(), [Chunk({"model": "m", "message": {"content": "Yes <thi"}, "done": False})])
    assert [it.text for it in found] == ["Yes ", "<thi"]
    assert found[1].model == "m"
    assert "message" in found[1].raw


def test_after_a_last_chunk_a_new_answer_begins() -> None:
    last = Chunk({"response": "", "done": True})
    found = run(split_thinking(), [*texts("<think>a"), last, *texts(" \n<think>b</think>c"), last])
    assert [(it.thinking, it.text) for it in found] == [("a", ""), ("", ""), ("b", "c"), ("", "")]


def test_other_tags_can_be_given() -> None:
    found = run(split_thinking("[[", "]]"), texts("[", "[a]", "]b"))
    assert "".join(it.thinking for it in found) == "a"
    assert "".join(it.text for it in found) == "b"


def test_white_space_around_a_given_tag_is_ignored() -> None:
    found = run(split_thinking(" <t>\n", "\n</t>"), texts("<t>a</t>b"))
    assert [(it.thinking, it.text) for it in found] == [("a", "b")]


@pytest.mark.parametrize(
    ("open_tag", "close_tag", "named"), [("", "x", "open"), ("x", "", "close"), (" \n", "x", "open")]
)
def test_invalid_tags_are_refused_when_the_operator_is_built(
    open_tag: str, close_tag: str, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        split_thinking(open_tag, close_tag)


def test_a_tag_must_be_a_text() -> None:
    with pytest.raises(TypeError, match="open: expected text"):
        split_thinking(open=b"<think>")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="close: expected text"):
        split_thinking(close=None)  # type: ignore[arg-type]


def test_starts_inside_is_a_flag_or_auto() -> None:
    with pytest.raises(ValueError, match="starts_inside: expected one of False, True, 'auto'"):
        split_thinking(starts_inside="maybe")  # type: ignore[arg-type]
