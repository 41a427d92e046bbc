"""How long to wait for what."""

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds, None for none; each has an error of its own.

    ``connect``: until the connection stands (`UnreachableError`). ``first_chunk``: from the
    subscription to the first chunk; generous, because the server may load the model first, and
    giving up aborts the load (`FirstChunkTimeout`). ``idle``: between two chunks (`IdleTimeout`);
    time in which a slow subscriber makes the server wait does not count. Between two steps of pull,
    push and create it is the longer of the two, because gigabytes are checked and converted in
    silence. ``total``: the whole answer (`TotalTimeout`).

    Raises:
        ValueError: a limit that is not above zero.
        TypeError: a limit that is no number.
    """

    connect: float | None = 5.0
    first_chunk: float | None = 300.0
    idle: float | None = 60.0
    total: float | None = None

    @property
    def between_steps(self) -> float | None:
        """How long pull, push and create may be silent."""
        if self.idle is None or self.first_chunk is None:
            return None
        return max(self.idle, self.first_chunk)

    def __post_init__(self) -> None:
        for field in fields(self):
            seconds = getattr(self, field.name)
            if seconds is None:
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise TypeError(f"{field.name}: {seconds!r} is no number of seconds")
            if not (seconds > 0 and math.isfinite(seconds)):
                raise ValueError(f"{field.name}: {seconds!r} seconds; give a number above zero, or None")
