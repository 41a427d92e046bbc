"""Which host is the best for a stream."""

from dataclasses import dataclass
from enum import IntEnum


class HasModel(IntEnum):
    """Whether a host has a model; a smaller value is better."""

    YES = 0
    UNKNOWN = 1
    NO = 2


@dataclass(frozen=True, slots=True, order=True)
class Preference:
    """How well a host suits a stream; the smallest is the best. The order of the fields is that of the rules.

    A preference and not a filter: a host that is resting, or is not known to have the model, is asked if
    there is no better one, and its own answer decides.
    """

    has_model: HasModel
    is_resting: bool
    is_other_host: bool
    """It is not the host that holds this conversation in its prompt cache."""
    is_cold: bool
    """The model is not in its memory."""
    load: float
    """The client's own streams there, divided by the weight."""
    position: int
    """The place in the list of hosts."""
