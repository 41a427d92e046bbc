"""Thinking between tags moves to `thinking`, however chunks cut the tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import Chunk
from ollama_rx.operators import split_thinking
from tests.operators.text_pieces import SIZES, cut, run


def texts(*pieces: str) -> list[Chunk]:
    return [Chunk({"model": "m", "response": piece, "done": False}) for piece in pieces]


def split(*pieces: str, starts_inside: bool = False) -> tuple[str, str]:
    chunks = run(split_thinking(starts_inside=starts_inside), texts(*pieces))
    return "".join(chunk.thinking for chunk in chunks), "".join(chunk.text for chunk in chunks)


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
    ("<<think>>x</think>y", ">x", "<y"),
    ("<think></think><think>a</think>b", "a", "b"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("text", "thinking", "answer"), CASES)
def test_any_cutting_gives_the_same_thinking_and_answer(
    size: int, text: str, thinking: str, answer: str
) -> None:
    assert split(*cut(text, size)) == (thinking, answer)


@given(
    st.lists(
        st.sampled_from(["<", "<think>", "</think>", "thi", "nk>", "/", " ", "\n", "x", "日"]), max_size=20
    )
)
def test_any_mixture_of_tags_is_cut_invariant(parts: list[str]) -> None:
    text = "".join(parts)
    assert split(*parts) == split(text) == split(*text)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opening", ["", "<think>", " \n<think>\n"])
def test_an_answer_may_start_inside_with_or_without_its_tag(size: int, opening: str) -> None:
    found = split(*cut(opening + "Hm <think> hm</think>\nYes", size), starts_inside=True)
    assert found == ("Hm <think> hm", "Yes")


def test_a_beginning_that_only_looks_like_the_tag_is_thinking() -> None:
    assert split("<thi", "s> is</think>ok", starts_inside=True) == ("<this> is", "ok")
    assert split("<thi", starts_inside=True) == ("<thi", "")


def test_each_chunk_comes_out_with_its_other_fields() -> None:
    source = [
        Chunk({"response": "<think>a", "done": False, "logprobs": [{"token": "a"}]}),
        Chunk({"response": "b</thi", "done": False}),
        Chunk({"response": "nk> c <", "done": True, "done_reason": "stop", "context": [1], "eval_count": 3}),
    ]
    found = run(split_thinking(), source)
    assert [(chunk.thinking, chunk.text) for chunk in found] == [("a", ""), ("b", ""), ("", "c <")]
    assert list(found[0].logprobs) == [{"token": "a"}]
    assert found[2].context == (1,)
    assert found[2].metrics is not None


def test_thinking_the_server_split_and_chunks_without_tags_pass_untouched() -> None:
    source = [
        Chunk({"message": {"role": "assistant", "content": "", "thinking": "Hm"}}),
        Chunk({"message": {"role": "assistant", "content": "Yes"}}),
        Chunk({"message": {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f"}}]}}),
        Chunk({"message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 1}),
    ]
    found = run(split_thinking(), source)
    assert all(after is before for after, before in zip(found, source, strict=True))


def test_a_chat_message_is_split_like_a_generated_response() -> None:
    source = [
        Chunk({"message": {"role": "assistant", "content": "<think>Hm</think>Yes", "thinking": "So. "}})
    ]
    found = run(split_thinking(), source)
    assert (found[0].thinking, found[0].text) == ("So. Hm", "Yes")
    assert found[0].raw["message"]["role"] == "assistant"


def test_held_text_leaves_in_a_chunk_of_its_own_when_no_last_chunk_came() -> None:
    found = run(split_thinking(), [Chunk({"model": "m", "message": {"content": "Yes <thi"}, "done": False})])
    assert [chunk.text for chunk in found] == ["Yes ", "<thi"]
    assert found[1].model == "m"
    assert "message" in found[1].raw


def test_the_next_answer_in_one_stream_starts_afresh() -> None:
    last = Chunk({"response": "", "done": True})
    found = run(split_thinking(), [*texts("<think>a"), last, *texts(" \n<think>b</think>c"), last])
    assert [(chunk.thinking, chunk.text) for chunk in found] == [("a", ""), ("", ""), ("b", "c"), ("", "")]


def test_other_tags_can_be_named() -> None:
    found = run(split_thinking("[[", "]]"), texts("[", "[a]", "]b"))
    assert "".join(chunk.thinking for chunk in found) == "a"
    assert "".join(chunk.text for chunk in found) == "b"


@pytest.mark.parametrize(
    ("open_tag", "close_tag", "named"), [("", "x", "open"), ("x", "", "close"), (" \n", "x", "open")]
)
def test_wrong_tags_are_refused_when_the_operator_is_built(open_tag: str, close_tag: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        split_thinking(open_tag, close_tag)


def test_a_tag_must_be_a_text() -> None:
    with pytest.raises(TypeError, match="open: expected text"):
        split_thinking(open=b"<think>")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="close: expected text"):
        split_thinking(close=None)  # type: ignore[arg-type]
