"""What a rule decides about a candidate, a character at which a sentence may end.

A rule returns one of these, or None if it does not apply. `Splitter` distinguishes them with `isinstance` and
`assert_never`, so that a forgotten case is a type error.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

# Never changed after they are made, but not frozen: freezing doubles what it costs to make one.


@dataclass(slots=True)
class Break:
    """The sentence ends: break the text at this position."""

    at: int


@dataclass(slots=True)
class Continue:
    """The sentence continues: look for the next candidate from this position."""

    at: int


class Wait(Enum):
    """The type of `WAIT`."""

    WAIT = "wait"


WAIT: Final = Wait.WAIT
"""Too little text has arrived to decide."""

Verdict: TypeAlias = Break | Continue | Wait
