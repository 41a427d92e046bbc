"""A record is at any moment a history that can be sent."""

from ollama_rx import Chunk, Message, ToolCall, ToolResult
from ollama_rx.conversation.turn_record import TurnRecord, begin_of_last_turn
from tests.conversation.strict_model import problems_of_history

BEFORE = (Message("user", "1"), Message("assistant", "one"))
USER = Message("user", "2")


def text(content: str) -> Chunk:
    return Chunk({"message": {"content": content}})


def call(*names: str) -> Chunk:
    calls = [{"id": name, "function": {"name": name}} for name in names]
    return Chunk({"message": {"content": "", "tool_calls": calls}})


def test_every_moment_of_a_turn_is_a_history_that_can_be_sent() -> None:
    record = TurnRecord(BEFORE, USER)
    lengths: list[int] = []

    def look() -> None:
        assert problems_of_history(record.messages) == []
        lengths.append(len(record.messages))

    look()
    record.add_chunk(text("Let me see."))
    look()
    record.add_chunk(call("a", "b"))
    look()
    assert [it.name for it in record.end_answer().tool_calls] == ["a", "b"]
    look()
    record.add_result(ToolResult(ToolCall("a", id="a"), "A"))
    look()
    record.add_result(ToolResult(ToolCall("b", id="b"), "B"))
    look()
    record.add_chunk(call("c"))
    look()
    assert lengths == [2, 4, 4, 6, 6, 6, 6]
    assert [it.content for it in record.messages[4:]] == ["A", "B"]


def test_a_request_has_what_is_complete() -> None:
    record = TurnRecord(BEFORE, USER)
    record.add_chunk(text("Hel"))
    assert [it.content for it in record.request] == ["1", "one", "2"]
    record.end_answer()
    assert [it.content for it in record.request] == ["1", "one", "2", "Hel"]


def test_thinking_alone_is_an_answer_that_was_cut() -> None:
    record = TurnRecord((), USER)
    record.add_chunk(Chunk({"message": {"content": "", "thinking": "Hm."}}))
    assert record.messages == (USER, Message("assistant", "", "Hm.", cut=True))


def test_a_turn_begins_at_the_last_user_message() -> None:
    assert begin_of_last_turn([Message("system"), *BEFORE, USER, Message("assistant")]) == 3
    assert begin_of_last_turn([Message("system"), Message("assistant")]) == 2
    assert begin_of_last_turn([]) == 0
