"""The referee: an answer is whole and of one generation, or its error is told and its text is a beginning."""

import logging
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from ollama_rx import OllamaError
from tests.bus.chaos.scripted_prompt import END_OF_WORD, ScriptedPrompt

MID_ANSWER_ERRORS = frozenset({"RestartedError", "IncompleteStreamError", "ServerError"})
"""The errors by which an answer may end after a part of it was delivered."""
OUT_OF_ATTEMPTS = "workers have died while they answered this prompt"
"""What an error says if the worker of each attempt has died."""


@contextmanager
def logged_errors() -> Generator[list[str]]:
    """Collect the errors that are logged in this process, such as those of tasks that nobody awaits."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(  # type: ignore[method-assign]
        logging.Formatter().format(record)
    )
    logging.getLogger().addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(handler)


class FoulError(AssertionError):
    """An answer breaks a promise."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client has received for one prompt."""

    text: str
    error: str = ""
    """The name of the error's class; empty if the answer has ended in order."""
    message: str = ""
    partial: str | None = None
    """What the error says has arrived, if it says so."""

    @classmethod
    def of(cls, text: str, error: OllamaError | None) -> "Outcome":
        """Return what a stream has brought and how it has ended."""
        if error is None:
            return cls(text)
        return cls(text, type(error).__name__, str(error), getattr(error, "partial", None))

    @property
    def is_whole(self) -> bool:
        """Whether the answer has ended in order."""
        return not self.error

    @property
    def is_out_of_attempts(self) -> bool:
        """Whether the answer has failed because a worker has died in each attempt."""
        return OUT_OF_ATTEMPTS in self.message


def judge(
    prompt: ScriptedPrompt,
    outcome: Outcome,
    *,
    errors: Collection[str] = MID_ANSWER_ERRORS,
    after: int = 0,
) -> str:
    """Return the generation that an answer comes from, "" if nothing of it has arrived.

    ``after`` is the number of words that the reader has asked to be left out.

    Raises:
        FoulError: the answer is not what it has to be; ``errors`` are those that are allowed.
    """
    generation, words = _read(prompt, outcome.text, after)
    if outcome.is_whole:
        if words != prompt.words - after:
            raise FoulError(f"{prompt.id}: {words} of {prompt.words - after} words, and no error")
    elif outcome.error not in errors and not outcome.is_out_of_attempts:
        raise FoulError(f"{prompt.id}: {outcome.error} after {words} words: {outcome.message}")
    elif outcome.partial is not None and not after and outcome.partial != outcome.text:
        raise FoulError(f"{prompt.id}: partial of {outcome.error} is not what was delivered")
    return generation


def _read(prompt: ScriptedPrompt, text: str, first: int) -> tuple[str, int]:
    """Return the generation of a text and the number of its words, the first of which has a known place."""
    *words, rest = text.split(END_OF_WORD)
    if rest:
        raise FoulError(f"{prompt.id}: half a word at the end: {rest[:80]!r}")
    if not words:
        return "", 0
    generation = words[0].split("/")[1]
    for place, word in enumerate(words, first):
        if word + END_OF_WORD != prompt.word(generation, place):
            raise FoulError(f"{prompt.id}: word {place} of generation {generation} is {word[:80]!r}")
    return generation, len(words)
