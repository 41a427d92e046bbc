"""What a client knows of one of its servers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What a client knows of one of its hosts at this moment; nothing is sent to find out more.

    ``streams`` counts this client's own streams. ``models`` (on its disk) and ``loaded`` (in its memory) are
    None if they are not known; a client with one host does not ask for them. ``resting`` is the number of
    seconds for which the host is avoided, because it has failed; ``error`` is its last failure, None after a
    success.
    """

    url: str
    weight: float = 1.0
    max_streams: int | None = None
    streams: int = 0
    models: Sequence[str] | None = None
    loaded: Sequence[str] | None = None
    resting: float = 0.0
    error: Exception | None = None
