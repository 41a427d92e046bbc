"""Bursts: where one read brings many items, those that nothing comes of are taken together.

Most tokens only make a sentence longer. A machine at the end of a chain that keeps such items may
``absorb`` them from the front of a list, and machines before it may ``relay`` the list. Nothing
leaves the chain because of an absorbed item: no item, no end, no error. What the subscriber sees, and
what each operator has seen by then, is therefore the same as if the items had come one by one.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, TypeVar

A = TypeVar("A")

Absorb = Callable[[list[Any]], int]
"""Takes items from the front of a list as long as nothing comes of them; returns how many."""

_AT_ONCE = 16  # items offered together: about as many as there are in a sentence


def eventful(items: list[A], absorb: Absorb) -> Iterator[A]:
    """Yield the items of a burst that something may come of; the others are absorbed on the way."""
    start = 0
    while start < len(items):
        offered = items[start : start + _AT_ONCE]
        taken = absorb(offered)
        start += taken
        if taken < len(offered):
            yield items[start]
            start += 1


def whole_before(pieces: Sequence[str], position: int) -> int:
    """Return how many of the pieces end before or at a position in their joined text."""
    return bisect_right(list(accumulate(map(len, pieces))), position)
