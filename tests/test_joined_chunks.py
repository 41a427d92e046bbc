"""`JoinedChunks` joins the chunks of an answer; `whole_answer`'s tests show what a whole chunk holds."""

import pytest

from ollama_rx import Chunk, Message, ToolCall
from ollama_rx.joined_chunks import JoinedChunks

CALL: dict[str, object] = {"function": {"name": "f", "arguments": {}}}


def joined(*messages: dict[str, object]) -> JoinedChunks:
    chunks = JoinedChunks()
    for message in messages:
        chunks.add(Chunk({"message": {"role": "assistant", **message}}))
    return chunks


def test_nothing_is_joined_at_first() -> None:
    chunks = JoinedChunks()
    assert chunks.is_empty
    assert chunks.is_silent
    assert chunks.message() == Message("assistant")


def test_the_message_of_an_answer_has_everything_that_was_said() -> None:
    chunks = joined(
        {"content": "", "thinking": "hm"}, {"content": "Hel"}, {"content": "lo", "tool_calls": [CALL]}
    )
    assert not chunks.is_empty
    assert chunks.message() == Message("assistant", "Hello", "hm", tool_calls=(ToolCall("f"),))


def test_the_message_of_an_answer_that_was_cut_says_so_and_has_no_tool_calls() -> None:
    chunks = joined({"content": "Hel", "thinking": "hm", "tool_calls": [CALL]})
    assert chunks.message(cut=True) == Message("assistant", "Hel", "hm", cut=True)


@pytest.mark.parametrize("message", [{"content": "a"}, {"thinking": "a"}, {"tool_calls": [CALL]}])
def test_an_answer_is_silent_until_something_is_said(message: dict[str, object]) -> None:
    assert joined({"content": ""}).is_silent
    assert not joined(message).is_silent


def test_a_chunk_does_not_change_when_more_is_added() -> None:
    chunks = JoinedChunks()
    chunks.add(Chunk({"response": "a", "logprobs": [{"token": "a"}]}))
    first = chunks.chunk
    chunks.add(Chunk({"response": "b", "logprobs": [{"token": "b"}], "tool_calls": [CALL]}))
    assert (first.text, len(first.logprobs), first.tool_calls) == ("a", 1, ())
