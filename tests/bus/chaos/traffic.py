"""Prompts that keep a cluster busy while something happens to it, and what became of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from itertools import count
from random import Random

from ollama_rx import Client
from tests.bus.chaos.asking import ask
from tests.bus.chaos.referee import MID_ANSWER_ERRORS, FoulError, Outcome, judge
from tests.bus.chaos.scripted_prompt import BALLAST, ScriptedPrompt

_LARGE = 0.03  # the share of prompts that are too large for a message
PATIENCE = 120.0
"""Seconds after which an answer counts as lost."""


@dataclass(slots=True)
class Tally:
    """How many answers have ended how."""

    ends: Counter[str] = field(default_factory=Counter[str])
    notes: list[str] = field(default_factory=list[str])

    def count(self, outcome: Outcome) -> None:
        """Add one answer."""
        end = outcome.error or "whole"
        self.ends[f"{end} (out of attempts)" if outcome.is_out_of_attempts else end] += 1

    def __str__(self) -> str:
        ends = ", ".join(f"{number} {end}" for end, number in sorted(self.ends.items()))
        return "; ".join([ends, *self.notes])


async def ask_and_judge(
    client: Client,
    prompt: ScriptedPrompt,
    tally: Tally,
    *,
    errors: Collection[str] = MID_ANSWER_ERRORS,
    patience: float = PATIENCE,
) -> str:
    """Ask for one answer, and return its generation; ``patience`` is for the time in the queue too."""
    asking = asyncio.create_task(ask(client, prompt))
    await asyncio.wait({asking}, timeout=patience)
    if not asking.done():  # it is left as it is, to be looked at
        raise FoulError(f"{prompt.id}: neither an end nor an error after {patience:g} s")
    outcome = asking.result()
    tally.count(outcome)
    return judge(prompt, outcome, errors=errors)


def random_prompt(random: Random, id: str) -> ScriptedPrompt:  # noqa: A002
    """Return a prompt that takes up to one and a half seconds."""
    every = random.choice([0.0, 0.01, 0.02, 0.05])
    return ScriptedPrompt(
        id=id,
        words=random.randint(1, 30) if every else random.randint(1, 200),
        every=every,
        prefill=random.choice([0.0, 0.0, 0.1, 0.3]),
        padding=random.choice([0, 0, 10, 2000]),
        ballast=BALLAST if random.random() < _LARGE else "",
    )


async def keep_busy(
    clients: dict[Client, Collection[str]],
    random: Random,
    tally: Tally,
    *,
    width: int,
    until: Awaitable[None],
) -> None:
    """Ask prompts, ``width`` at a time for each client, until something is over and all are answered.

    ``clients`` has the errors that are allowed for each of them.
    """
    numbers = count()
    over = asyncio.ensure_future(until)

    async def ask_on(client: Client, errors: Collection[str]) -> None:
        while not over.done():
            prompt = random_prompt(random, f"p{next(numbers)}")
            await ask_and_judge(client, prompt, tally, errors=errors)

    try:
        async with asyncio.TaskGroup() as group:
            for client, errors in clients.items():
                for _ in range(width):
                    group.create_task(ask_on(client, errors))
            group.create_task(_finished(over))
    finally:
        over.cancel()


async def _finished(future: "asyncio.Future[None]") -> None:
    await future
