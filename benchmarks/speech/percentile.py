"""Percentiles."""

from collections.abc import Sequence
from math import ceil


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that so many percent of the values do not exceed.

    >>> percentile(range(1, 201), 99)
    198
    """
    return sorted(values)[max(1, ceil(len(values) * percent / 100)) - 1]
