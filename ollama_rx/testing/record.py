"""What clients did: every request, how far its answer got, and when the client went away."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    #: names in lower case
    headers: Mapping[str, str]
    body: bytes
    #: the parsed body, empty if it is not a JSON object
    json: Mapping[str, object]
    #: when it was complete, by `time.monotonic()`
    at: float
    #: which connection it came on: 1 is the first the server accepted
    connection: int


@dataclass(eq=False, slots=True)
class Exchange:
    """One request and what became of its answer. The server goes on writing here while you read."""

    request: Request
    status: int | None = None
    #: newlines handed to the socket so far
    lines_written: int = 0
    #: bytes of body handed to the socket so far, without HTTP framing
    bytes_written: int = 0
    #: how often the server had to wait because the client did not read
    pauses: int = 0
    #: whether it is waiting for that now
    paused: bool = False
    #: when the whole answer was handed to the socket, by `time.monotonic()`
    answered_at: float | None = None
    #: when the server saw the client go away before that, by `time.monotonic()`
    disconnected_at: float | None = None
    #: what the script raised while the answer was being written; the client sees a cut connection
    failure: Exception | None = None

    @property
    def disconnected(self) -> bool:
        """Whether the client went away before it had the whole answer."""
        return self.disconnected_at is not None

    def __str__(self) -> str:
        if self.failure is not None:
            ending = f"the script failed: {self.failure!r}"
        elif self.disconnected:
            ending = "client went away"
        elif self.answered_at is not None:
            ending = "answered"
        else:
            ending = "paused by the client" if self.paused else "open"
        return (
            f"{self.request.method} {self.request.path}: status {self.status}, {self.lines_written} lines, "
            f"{self.bytes_written} bytes, {ending}"
        )


@dataclass(eq=False, slots=True)
class Record:
    """All exchanges and connections of one server; tells whoever waits about each change."""

    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    connections_open: int = 0
    connections_accepted: int = 0
    condition: threading.Condition = field(default_factory=threading.Condition)
    listeners: set[Callable[[], None]] = field(default_factory=set[Callable[[], None]])

    def changed(self) -> None:
        """Wake everyone who waits for something; the server calls it after each change."""
        with self.condition:
            self.condition.notify_all()
            for wake in self.listeners:
                wake()

    def __str__(self) -> str:
        lines = [f"{self.connections_open} of {self.connections_accepted} connections open"]
        return "\n  ".join([*lines, *map(str, self.exchanges)])
