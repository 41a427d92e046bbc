"""Keep periodic tasks that were started together from running at the same moment every time."""

from random import random


def spread_over(seconds: float) -> float:
    """Return a random delay before the first run of a task that repeats every ``seconds``."""
    return seconds * random()  # noqa: S311 - not a secret
