"""One turn at a time adds to a history, and what it leaves is kept once."""

import itertools
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import Chunk, Message, ToolCall, ToolResult
from ollama_rx.conversation.history import History
from ollama_rx.conversation.turn_record import TurnRecord
from tests.conversation.strict_model import problems_of_history

USER = Message("user", "Hi")


def test_a_turn_that_has_ended_changes_nothing_any_more() -> None:
    history = History(())
    first = history.begin(USER, lambda: None)
    first.add_chunk(Chunk({"message": {"content": "Hel"}}))
    history.end(first)
    kept = history.messages
    second = history.begin(Message("user", "And?"), lambda: None)
    first.add_chunk(Chunk({"message": {"content": "lo"}}))
    history.end(first)
    assert (first.has_ended, second.has_ended) == (True, False)
    assert history.messages == kept == (USER, Message("assistant", "Hel", cut=True))


def test_hearing_stops_the_turn_that_runs_once() -> None:
    stopped: list[str] = []
    history = History(())
    history.begin(USER, lambda: stopped.append("first"))
    history.hear("He")
    history.hear("H")
    assert stopped == ["first"]
    assert history.messages == (USER, Message("assistant", "H", cut=True))


def test_after_a_turn_without_an_answer_the_next_one_can_be_heard() -> None:
    history = History(())
    history.end(history.begin(USER, lambda: None))
    history.hear("")  # nothing was said, and nothing heard
    assert not history.messages
    with pytest.raises(RuntimeError, match=r"^heard: there is no answer yet$"):
        history.hear("He")
    history.begin(USER, lambda: None)
    history.hear("He")
    history.hear("H")
    assert history.messages == (USER, Message("assistant", "H", cut=True))


def test_what_was_heard_can_be_sent_even_if_it_is_broken_text() -> None:
    history = History((USER, Message("assistant", "Hello")))
    history.hear("H\ud83d")
    assert history.messages[1].content == "H�"


def test_after_undo_what_was_heard_is_that_of_the_turn_before() -> None:
    history = History((USER, Message("assistant", "Hello"), USER, Message("assistant", "Again")))
    history.end(history.begin(USER, lambda: None))
    assert len(history.undo()) == 2
    history.hear("He")
    assert history.messages == (USER, Message("assistant", "He", cut=True))


def test_a_second_turn_is_refused() -> None:
    history = History(())
    history.begin(USER, lambda: None)
    with pytest.raises(RuntimeError, match=r"^say: a turn of this conversation is running;"):
        history.begin(USER, lambda: None)


class Turns:
    """Takes random steps of turns; each returns quietly if it makes no sense now."""

    def __init__(self) -> None:
        self.history = History([Message("system", "Be brief.")])
        self.record: TurnRecord | None = None
        self.calls: list[ToolCall] = []
        self.ids = itertools.count()

    def begin(self) -> None:
        if self.record is None:
            self.record = self.history.begin(USER, lambda: None)
            self.calls = []

    def hear_text(self) -> None:
        self._add({"content": "Hello "})

    def think(self) -> None:
        self._add({"content": "", "thinking": "Hm. "})

    def call(self) -> None:
        call = {"id": str(next(self.ids)), "function": {"name": "f"}}
        self._add({"content": "", "tool_calls": [call, {**call, "id": str(next(self.ids))}]})

    def last_chunk(self) -> None:
        self._add({"content": ""}, done=True)

    def _add(self, message: dict[str, object], *, done: bool = False) -> None:
        if self.record is not None and not self.calls:
            self.record.add_chunk(Chunk({"message": message, "done": done}))

    def end_answer(self) -> None:
        if self.record is not None and not self.calls:
            self.calls = list(self.record.end_answer().tool_calls)
            if not self.calls:
                self.end()

    def result(self) -> None:
        if self.record is not None and self.calls:
            self.record.add_result(ToolResult(self.calls.pop(0), "done"))

    def end(self) -> None:
        if self.record is not None:
            self.history.end(self.record)
            self.record = None

    def interrupt(self) -> None:
        with suppress(RuntimeError):
            self.history.hear("Hel")
            self.record = None

    def undo(self) -> None:
        if self.record is None:
            self.history.undo()


STEPS = [
    Turns.begin,
    Turns.hear_text,
    Turns.think,
    Turns.call,
    Turns.last_chunk,
    Turns.end_answer,
    Turns.result,
    Turns.end,
    Turns.interrupt,
    Turns.undo,
]


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_after_any_steps_the_history_can_be_sent(steps: list[Callable[[Turns], None]]) -> None:
    turns = Turns()
    for step in [Turns.begin, *steps]:
        step(turns)
        assert problems_of_history(turns.history.messages) == []
        assert turns.history.messages[0].role == "system"
