"""Keep tasks that have begun together from doing the same thing at the same moment ever after."""

from random import random


def spread_over(seconds: float) -> float:
    """Return how long a task waits before it does something for the first time that it does so often."""
    return seconds * random()  # noqa: S311 - no secret
