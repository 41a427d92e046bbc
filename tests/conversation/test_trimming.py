"""`keep_last` keeps the system messages and the end of a history, in a form that can be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import Message, ToolCall
from ollama_rx.conversation.trimming import keep_last

SYSTEM = Message("system", "Be brief.")


def turn(number: int, calls: int = 0) -> list[Message]:
    """Return a turn of 2 messages, and of 1 for each call and 1 more if there are calls."""
    tools = [ToolCall(f"f{call}") for call in range(calls)]
    rounds = [
        Message("assistant", "", tool_calls=tools),
        *(Message("tool", "4", tool_name=tool.name) for tool in tools),
    ]
    return [
        Message("user", f"{number}"),
        *(rounds if calls else []),
        Message("assistant", f"answer {number}"),
    ]


def test_the_last_messages_are_kept_after_the_system_message() -> None:
    history = [SYSTEM, *turn(1), *turn(2), *turn(3), Message("user", "now")]
    assert keep_last(3)(history) == [SYSTEM, *turn(3), Message("user", "now")]


def test_a_short_history_is_kept_whole() -> None:
    history = [SYSTEM, *turn(1), Message("user", "now")]
    assert keep_last(3)(history) == history


def test_what_is_kept_begins_at_a_message_of_the_user() -> None:
    history = [*turn(1), *turn(2, calls=2), Message("user", "now")]
    assert keep_last(5)(history) == [Message("user", "now")], "not at the results of the tools"
    assert keep_last(6)(history) == history[2:]


def test_the_turn_that_runs_is_sent_whole() -> None:
    running = turn(2, calls=3)[:-1]
    assert keep_last(2)([*turn(1), *running]) == running


def test_system_messages_keep_their_places() -> None:
    history = [SYSTEM, *turn(1), Message("system", "Now in French."), Message("user", "now")]
    assert keep_last(1)(history) == [SYSTEM, Message("system", "Now in French."), Message("user", "now")]


def test_equal_messages_are_counted_one_by_one() -> None:
    same = Message("user", "again")
    assert keep_last(2)([same, same, same]) == [same, same]


def test_a_history_without_a_user_is_kept() -> None:
    history = [Message("assistant", "Hello"), Message("assistant", "Who are you?")]
    assert keep_last(1)(history) == history


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(1, 12), st.integers(0, 5))
def test_every_result_follows_its_call(calls_of_turns: list[int], count: int, unfinished: int) -> None:
    history = [SYSTEM]
    for number, calls in enumerate(calls_of_turns):
        history += turn(number, calls)
    history += turn(99, calls=2)[:unfinished]
    kept = keep_last(count)(history)
    assert [message for message in history if any(message is one for one in kept)] == list(kept)
    called: list[str] = []
    for message in kept:
        if message.role == "tool":
            called.remove(message.tool_name or "")
        called += [call.name for call in message.tool_calls]


@pytest.mark.parametrize(("count", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_count_that_is_not_a_number_of_messages_is_refused(count: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="count"):
        keep_last(count)
