"""One turn at a time adds to a history, and what it leaves is kept once."""

import pytest

from ollama_rx import Chunk, Message
from ollama_rx.conversation.history import History

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


def test_a_second_turn_is_refused() -> None:
    history = History(())
    history.begin(USER, lambda: None)
    with pytest.raises(RuntimeError, match=r"^say: a turn of this conversation is running;"):
        history.begin(USER, lambda: None)
