"""`capture_message` appends the answer to a history, however it ends."""

import pytest
from reactivex import empty, of
from reactivex import operators as ops

from ollama_rx import Chunk, Client, Message
from ollama_rx.operators import capture_message, stop_at, text
from ollama_rx.testing import FakeOllama, answer, check, endless, thinking, tool_call

HELLO = Chunk({"message": {"content": "Hello"}})
THERE = Chunk({"message": {"content": " there"}})
LAST = Chunk({"message": {"content": ""}, "done": True})


def test_chunks_pass_and_the_last_one_appends_the_message() -> None:
    history: list[Message] = []
    check(capture_message(history), source="-a--b--c-|", expect="-a--b--c-|", a=HELLO, b=THERE, c=LAST)
    assert history == [Message("assistant", "Hello there")]


def test_an_error_passes_and_what_had_arrived_is_appended_as_cut() -> None:
    history: list[Message] = []
    check(capture_message(history), source="-a--#", expect="-a--#", life="^---!", a=HELLO)
    assert history == [Message("assistant", "Hello", cut=True)]


def test_cancel_reaches_the_source_and_what_had_arrived_is_appended_as_cut() -> None:
    history: list[Message] = []
    check(capture_message(history), source="-a--b--c-|", expect="-a-!", life="^--!", a=HELLO, b=THERE, c=LAST)
    assert history == [Message("assistant", "Hello", cut=True)]


def test_a_source_that_completes_without_a_last_chunk_was_cut() -> None:
    history: list[Message] = []
    of(HELLO).pipe(capture_message(history)).run()
    assert history == [Message("assistant", "Hello", cut=True)]


def test_an_answer_that_was_left_after_its_last_chunk_is_complete() -> None:
    history: list[Message] = []
    of(HELLO, LAST, LAST).pipe(capture_message(history), ops.take(2)).run()
    assert history == [Message("assistant", "Hello")]


@pytest.mark.parametrize("chunks", [(), (Chunk({"message": {"content": ""}}),)])
def test_nothing_is_appended_if_nothing_was_said(chunks: tuple[Chunk, ...]) -> None:
    history: list[Message] = []
    (of(*chunks) if chunks else empty()).pipe(capture_message(history), ops.to_list()).run()
    assert history == []


def test_the_history_is_complete_when_the_last_chunk_and_the_end_are_seen() -> None:
    history: list[Message] = []
    seen: list[int] = []

    def note(_: object = None) -> None:
        seen.append(len(history))

    of(HELLO, LAST).pipe(capture_message(history)).subscribe(note, on_completed=note)
    of(HELLO).pipe(capture_message(history), text(), stop_at("lo")).subscribe(note, on_completed=note)
    assert seen == [0, 1, 1, 1, 2]


def test_answers_in_one_stream_are_messages_of_their_own() -> None:
    history: list[Message] = []
    of(HELLO, LAST, THERE, LAST).pipe(capture_message(history)).run()
    assert history == [Message("assistant", "Hello"), Message("assistant", " there")]


def test_two_subscribers_append_a_message_each() -> None:
    history: list[Message] = []
    stream = of(HELLO, LAST).pipe(capture_message(history))
    stream.run()
    stream.run()
    assert history == [Message("assistant", "Hello")] * 2


def test_a_chat_continues_with_the_history_of_an_interrupted_answer() -> None:
    first = answer(thinking("hm"), "One ", "two ", endless())
    with FakeOllama(first, answer(tool_call("f", {}))) as fake, Client(fake.url, model="m") as client:
        history = [Message("user", "Count.")]
        client.chat(history).pipe(capture_message(history), text(), stop_at("two ", include=True)).run()
        client.chat(history).pipe(capture_message(history)).run()
    assert history[1] == Message("assistant", "One two ", "hm", cut=True)
    assert [call.name for call in history[2].tool_calls] == ["f"]
    sent = fake.requests[1].json["messages"]
    assert sent == [
        {"role": "user", "content": "Count."},
        {"role": "assistant", "content": "One two ", "thinking": "hm"},
    ]


@pytest.mark.parametrize("history", [None, (), "text"])
def test_a_history_that_cannot_be_appended_to_is_refused(history: object) -> None:
    with pytest.raises(TypeError, match="history: expected a list"):
        capture_message(history)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
