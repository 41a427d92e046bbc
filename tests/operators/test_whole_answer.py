"""`whole_answer` joins an answer into one chunk, whose message goes into a history."""

from typing import Any

import pytest
from hypothesis import given
from reactivex import empty, of
from reactivex import operators as ops

from ollama_rx import Chunk, Client, IncompleteStreamError, Message, ToolCall
from ollama_rx.operators import split_thinking, whole_answer
from ollama_rx.testing import FakeOllama, answer, check, piece, thinking, tool_call
from tests.operators.text_pieces import pieces


def join(*raws: dict[str, Any]) -> Chunk:
    return of(*map(Chunk, raws)).pipe(whole_answer()).run()


def test_one_chunk_is_emitted_at_the_end() -> None:
    check(
        whole_answer(),
        source="-a--b--c-|   ",
        expect="---------(x|)",
        a=Chunk({"response": "Hel", "done": False}),
        b=Chunk({"response": "lo", "done": False}),
        c=Chunk({"response": "", "done": True, "eval_count": 2}),
        x=Chunk({"response": "Hello", "done": True, "eval_count": 2}),
    )


def test_an_error_passes_and_nothing_is_emitted() -> None:
    check(whole_answer(), source="-a-#", expect="---#", life="^--!", a=Chunk({"response": "a"}))


def test_cancel_reaches_the_source_and_nothing_is_emitted() -> None:
    check(whole_answer(), source="-a-a-|", expect="---!", life="^--!", a=Chunk({"response": "a"}))


def test_a_stream_without_chunks_gives_none() -> None:
    assert empty().pipe(whole_answer(), ops.to_list()).run() == []


def test_each_of_several_answers_gives_a_chunk() -> None:
    call: dict[str, object] = {"function": {"name": "f", "arguments": {}}}
    answers = of(
        Chunk({"message": {"content": "Let me see.", "tool_calls": [call]}, "done": False}),
        Chunk({"message": {"content": ""}, "done": True, "eval_count": 1}),
        Chunk({"message": {"content": "It"}, "done": False}),
        Chunk({"message": {"content": " rains."}, "done": True, "eval_count": 2}),
    )
    found = answers.pipe(whole_answer(), ops.to_list()).run()
    assert [(chunk.text, len(chunk.tool_calls), chunk.raw["eval_count"]) for chunk in found] == [
        ("Let me see.", 1, 1),
        ("It rains.", 0, 2),
    ]


def test_text_as_item_is_refused() -> None:
    with pytest.raises(TypeError, match="whole_answer: expected a Chunk, got str"):
        of("Hi").pipe(whole_answer()).run()  # type: ignore[arg-type]


def test_a_chat_is_joined_in_its_message() -> None:
    call = {"id": "call_1", "function": {"name": "f", "arguments": {"x": 1}}, "new": True}
    other = {"function": {"name": "g", "arguments": '{"y": 2}'}}
    whole = join(
        {"model": "m", "message": {"role": "assistant", "content": "", "thinking": "h"}, "new": 1},
        {"model": "m", "message": {"role": "assistant", "content": "Hel", "thinking": "m"}},
        {"model": "m", "message": {"role": "assistant", "content": "lo", "tool_calls": [call]}},
        {
            "model": "m",
            "message": {"content": "", "tool_calls": [other]},
            "done": True,
            "done_reason": "stop",
        },
    )
    assert whole.raw == {
        "model": "m",
        "message": {
            "role": "assistant",
            "content": "Hello",
            "thinking": "hm",
            "tool_calls": [call, other],
        },
        "new": 1,
        "done": True,
        "done_reason": "stop",
    }
    assert whole.message == Message(
        "assistant",
        "Hello",
        "hm",
        tool_calls=(ToolCall("f", {"x": 1}, id="call_1"), ToolCall("g", {"y": 2})),
    )


def test_an_answer_of_generate_is_joined_beside_its_other_fields() -> None:
    whole = join(
        {"response": "", "thinking": "hm", "done": False},
        {"response": "Hi", "tool_calls": [{"function": {"name": "f"}}], "done": False},
        {"response": "!", "done": True, "context": [1, 2]},
    )
    assert whole.raw == {
        "response": "Hi!",
        "thinking": "hm",
        "tool_calls": [{"function": {"name": "f"}}],
        "done": True,
        "context": [1, 2],
    }
    assert whole.message == Message("assistant", "Hi!", "hm", tool_calls=(ToolCall("f"),))


def test_fields_that_a_server_put_in_two_places_are_read_once() -> None:
    whole = join({"message": {"content": "Hi"}, "thinking": "hm"}, {"message": {"content": "!"}})
    assert whole.raw == {"message": {"role": "assistant", "content": "Hi!", "thinking": "hm"}}
    assert (whole.text, whole.thinking) == ("Hi!", "hm")


def test_log_probabilities_are_joined() -> None:
    first, second = {"token": "Hel", "logprob": -0.1}, {"token": "lo", "logprob": -0.2}
    whole = join({"response": "Hel", "logprobs": [first]}, {"response": "lo", "logprobs": [second]})
    assert whole.logprobs == (first, second)
    assert whole.message.content == "Hello"


def test_an_answer_that_ends_early_gives_a_chunk_that_is_not_done() -> None:
    whole = of(Chunk({"response": "a"}), Chunk({"response": "b"})).pipe(ops.take(1), whole_answer()).run()
    assert (whole.text, whole.done, whole.metrics) == ("a", False, None)


def test_an_answer_without_its_last_chunk_is_the_clients_error() -> None:
    with (
        FakeOllama(answer("Hel", ending="none")) as fake,
        Client(fake.url, model="m") as client,
        pytest.raises(IncompleteStreamError),
    ):
        client.generate("x").pipe(whole_answer()).run()


def test_the_message_continues_a_chat() -> None:
    script = answer(thinking("hm"), "Let me ", piece("look."), tool_call("weather", {"city": "Ulm"}, id="c1"))
    with FakeOllama(script, answer("Rain.")) as fake, Client(fake.url, model="m") as client:
        history: list[Message] = [Message("user", "Weather?")]
        history.append(client.chat(history).pipe(whole_answer()).run().message)
        history.append(Message("tool", "rain", tool_name="weather", tool_call_id="c1"))
        client.chat(history).run()
        assert fake.requests[1].json["messages"] == [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": "Let me look.",
                "thinking": "hm",
                "tool_calls": [
                    {"id": "c1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Ulm"}}}
                ],
            },
            {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "c1"},
        ]


def test_it_joins_what_split_thinking_has_separated() -> None:
    chunks = of(*(Chunk({"message": {"content": text}}) for text in ("<think>h", "m</think>Hel", "lo")))
    whole = chunks.pipe(split_thinking(), whole_answer()).run()
    assert (whole.message.thinking, whole.message.content) == ("hm", "Hello")


@given(pieces)
def test_any_cutting_gives_the_same_chunk(cuts: list[str]) -> None:
    whole = join(*({"response": text} for text in cuts), {"response": "", "done": True})
    assert whole == Chunk({"response": "".join(cuts), "done": True})
