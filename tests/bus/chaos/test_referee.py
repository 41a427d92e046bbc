"""The referee sees what must not happen."""

import pytest

from ollama_rx import RestartedError
from tests.bus.chaos.referee import FoulError, Outcome, judge
from tests.bus.chaos.scripted_prompt import ScriptedPrompt

PROMPT = ScriptedPrompt(id="p1", words=3)
WORDS = PROMPT.answer("g")
WHOLE = "".join(WORDS)
BROKEN = RestartedError(2)


def test_a_whole_answer_is_of_its_generation() -> None:
    assert judge(PROMPT, Outcome.of(WHOLE, None)) == "g"


def test_a_prompt_travels_as_text() -> None:
    assert ScriptedPrompt.of_text(PROMPT.to_text()) == PROMPT


@pytest.mark.parametrize("text", ["", WORDS[0], "".join(WORDS[:2])])
def test_an_answer_may_break_off_after_any_word_if_it_says_so(text: str) -> None:
    assert judge(PROMPT, Outcome.of(text, RestartedError(2, partial=text))) == ("g" if text else "")


def test_an_answer_that_has_failed_for_its_workers_is_allowed() -> None:
    outcome = Outcome("", "StatusError", "HTTP 500: 3 workers have died while they answered this prompt")
    assert outcome.is_out_of_attempts
    assert judge(PROMPT, outcome, errors=()) == ""


@pytest.mark.parametrize(
    "text",
    [
        WORDS[0] + WORDS[2],
        WORDS[0] + WORDS[0] + WORDS[1],
        WORDS[1],
        WORDS[0] + PROMPT.word("other", 1),
        WORDS[0] + ScriptedPrompt(id="p2").word("g", 1),
        WORDS[0][:-1],
    ],
    ids=["gap", "twice", "no beginning", "splice", "another prompt", "half a word"],
)
def test_a_text_that_is_not_the_beginning_of_one_generation_is_a_foul(text: str) -> None:
    with pytest.raises(FoulError):
        judge(PROMPT, Outcome.of(text, BROKEN))


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(WORDS[0]),
        Outcome(WORDS[0], "TypeError", "unexpected"),
        Outcome(WORDS[0], "RestartedError", "begun anew", WORDS[1]),
    ],
    ids=["silently cut", "not a documented error", "another partial"],
)
def test_an_end_that_is_not_documented_is_a_foul(outcome: Outcome) -> None:
    with pytest.raises(FoulError):
        judge(PROMPT, outcome)
