"""`TokenCount` knows what a conversation uses, and notices a history that the server has cut."""

import pytest

from ollama_rx import Message
from ollama_rx.conversation.token_count import TokenCount
from ollama_rx.stats import Metrics

HISTORY = [Message("user" if at % 2 == 0 else "assistant", str(at)) for at in range(12)]


def counted(*requests: tuple[int, int | None], first_round: bool = True) -> TokenCount:
    """Count requests, each with its number of messages and the tokens of its prompt."""
    count = TokenCount()
    for messages, tokens in requests:
        count.add(
            HISTORY[:messages], Metrics(prompt_eval_count=tokens, eval_count=5), first_round=first_round
        )
    return count


def test_nothing_is_known_before_the_first_answer() -> None:
    assert (TokenCount().used, TokenCount().cut_by_server) == (None, False)
    assert TokenCount(42).used == 42


def test_prompt_and_answer_are_used() -> None:
    assert counted((1, 10), (3, 30)).used == 35


def test_an_answer_without_a_count_leaves_what_is_known() -> None:
    count = counted((1, 10), (3, None))
    count.add(HISTORY, None, first_round=True)
    assert (count.used, count.cut_by_server) == (15, False)


def test_a_server_that_does_not_count_the_answer_tells_the_prompt() -> None:
    count = TokenCount()
    count.add(HISTORY, Metrics(prompt_eval_count=7), first_round=True)
    assert count.used == 7


@pytest.mark.parametrize(
    ("requests", "cut"),
    [
        ([(1, 10), (3, 30), (5, 50)], False),
        ([(1, 10), (3, 30), (5, 29)], True),
        ([(1, 10), (3, 90), (5, 60), (7, 80)], True),  # it grows again, but is not whole
        ([(1, 10), (3, 90), (5, 60), (7, 95)], False),
        ([(5, 50), (3, 30), (5, 49)], False),  # after `undo`
        ([(1, 10), (3, None), (5, 9)], True),
    ],
)
def test_a_prompt_that_shrinks_although_the_history_grows_was_cut(
    requests: list[tuple[int, int | None]],
    cut: bool,  # noqa: FBT001
) -> None:
    assert counted(*requests).cut_by_server is cut


def test_the_later_rounds_of_a_turn_are_not_compared_because_of_their_thinking() -> None:
    count = counted((1, 10))
    count.add(HISTORY[:3], Metrics(prompt_eval_count=200), first_round=False)
    assert count.used == 200
    count.add(HISTORY[:5], Metrics(prompt_eval_count=50), first_round=True)
    assert not count.cut_by_server


def test_a_history_that_was_trimmed_is_not_compared() -> None:
    count = counted((5, 50))
    count.add(HISTORY[2:7], Metrics(prompt_eval_count=40), first_round=True)
    assert not count.cut_by_server
