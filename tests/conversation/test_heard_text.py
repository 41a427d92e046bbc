"""A turn is cut after what was heard, also if that ends in one of several answers."""

import pytest

from ollama_rx import Message, ToolCall
from ollama_rx.conversation.heard_text import cut_turn

USER = Message("user", "Is it raining?")
CALLING = Message("assistant", "Let me see. ", "hm", tool_calls=(ToolCall("rain"),))
RESULT = Message("tool", "yes", tool_name="rain")
LAST = Message("assistant", "It rains.")
TURN = (USER, CALLING, RESULT, LAST)


def cut(content: str) -> Message:
    return Message("assistant", content, cut=True)


@pytest.mark.parametrize(
    "heard", ["Let me see. It", "Let me see.It", "Let me see.\n\nIt", " Let  me\nsee. It", "It"]
)
def test_what_was_heard_ends_in_the_last_answer(heard: str) -> None:
    assert cut_turn(TURN, heard) == (USER, CALLING, RESULT, cut("It"))


def test_what_was_heard_is_kept_with_the_white_space_of_the_answer() -> None:
    answer = Message("assistant", "One.\n\n- Two\n- Three")
    assert cut_turn((USER, answer), "One. - Two -")[-1] == cut("One.\n\n- Two\n-")
    assert cut_turn((USER, answer), "One. ")[-1] == cut("One.")


@pytest.mark.parametrize("heard", ["Let me", "L", "Let m"])
def test_what_was_heard_ends_in_an_earlier_answer_whose_tools_have_run(heard: str) -> None:
    earlier = Message("assistant", heard, "hm", tool_calls=CALLING.tool_calls, cut=True)
    assert cut_turn(TURN, heard) == (USER, earlier, RESULT, cut(""))


@pytest.mark.parametrize("heard", ["", "Let me see. "])
def test_nothing_was_heard_of_the_last_answer(heard: str) -> None:
    assert cut_turn(TURN, heard)[-1] == cut("")
    assert cut_turn(TURN, heard)[:-1] == TURN[:-1]


def test_text_that_is_in_no_answer_is_that_of_the_last_one() -> None:
    assert cut_turn(TURN, "It pours")[-1] == cut("It pours")


def test_answers_without_text_are_passed() -> None:
    silent = Message("assistant", "", tool_calls=(ToolCall("rain"),))
    assert cut_turn((USER, silent, RESULT, LAST), "It r") == (USER, silent, RESULT, cut("It r"))


def test_characters_with_a_meaning_in_patterns_are_characters() -> None:
    turn = (USER, Message("assistant", "Is it (a+b)* ?"), RESULT, LAST)
    assert cut_turn(turn, "Is it (a+b)* ? It")[-1] == cut("It")


def test_an_answer_of_which_nothing_had_arrived_is_added() -> None:
    assert cut_turn([USER], "") == (USER, cut(""))
