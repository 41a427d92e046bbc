"""Which of the sounds that are said are those that were expected: the alignment with the lowest cost.

Source: Needleman and Wunsch, 1970, with pauses that cost less than sounds, and within a band of the diagonal.
"""

from collections.abc import Sequence
from itertools import accumulate

PAUSE = " "
"""The symbol between two words; all other symbols are sounds."""

# The costs of a difference: another sound costs less than a missing one and a new one. A pause weighs less
# than a sound, but decides where a boundary goes that could be in several places.
_OTHER = 3
_SOUND_MORE_OR_LESS = 2
_PAUSE_MORE_OR_LESS = 1

_BAND = 100  # symbols (20 words) to both sides of the diagonal, so that time and memory grow with the length
_OUTSIDE = 1_000_000_000


def align(expected: Sequence[str], said: Sequence[str]) -> list[int]:
    """Return how many of the symbols that are said correspond to the first 0, 1, 2 ... of those expected.

    >>> align("ab", "xaby")
    [1, 2, 4]
    """
    shorter = min(len(expected), len(said))
    head = next((at for at in range(shorter) if expected[at] != said[at]), shorter)
    tail = next((at for at in range(shorter - head) if expected[-1 - at] != said[-1 - at]), shorter - head)
    middle = _align_middle(expected[head : len(expected) - tail], said[head : len(said) - tail])
    ending = range(len(said) - tail + 1, len(said) + 1)
    return [*range(head), *(head + reached for reached in middle), *ending]


def _align_middle(expected: Sequence[str], said: Sequence[str]) -> list[int]:
    """Do the same for two sequences that begin and end differently."""
    if not expected or not said:
        return [len(said)] * (len(expected) + 1)
    more = [_more_or_less(symbol) for symbol in said]
    centres = [length * len(said) // len(expected) for length in range(len(expected) + 1)]
    bands = [range(max(0, centre - _BAND), min(len(said), centre + _BAND) + 1) for centre in centres]
    # For each number of expected symbols, and each number of symbols that are said: the lowest cost so far.
    rows = [list(accumulate(more[: bands[0].stop - 1], initial=0))]
    for symbol, band_above, band in zip(expected, bands, bands[1:], strict=False):
        less = _more_or_less(symbol)
        above = [_OUTSIDE, *rows[-1], *[_OUTSIDE] * (band.stop - band_above.stop)]
        cost = _OUTSIDE
        row: list[int] = []
        for at in band:
            before = at - band_above.start
            other = 0 if symbol == said[at - 1] else _OTHER
            cost = min(above[before] + other, above[before + 1] + less, cost + more[at - 1])
            row.append(cost)
        rows.append(row)

    def cost_of(length: int, reached: int) -> int:
        return rows[length][bands[length].index(reached)] if reached in bands[length] else _OUTSIDE

    reached = len(said)
    all_reached = [reached]
    for length in range(len(expected), 0, -1):
        while cost_of(length, reached) == cost_of(length, reached - 1) + more[reached - 1]:
            reached -= 1
        other = 0 if expected[length - 1] == said[reached - 1] else _OTHER
        if cost_of(length, reached) == cost_of(length - 1, reached - 1) + other:
            reached -= 1
        all_reached.append(reached)
    return all_reached[::-1]


def _more_or_less(symbol: str) -> int:
    return _PAUSE_MORE_OR_LESS if symbol == PAUSE else _SOUND_MORE_OR_LESS
