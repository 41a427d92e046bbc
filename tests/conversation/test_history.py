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
