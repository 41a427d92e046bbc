"""What is sent: the text of each event begins with the moment when it was made."""

from dataclasses import dataclass
from time import monotonic, process_time

RATE = 20  # events a second of one stream: about as fast as a person reads
WARM_UP = RATE  # events of each stream that are not measured: in the first second the readers join
_DIGITS = 15  # of the moment, so that all events have the same length


@dataclass(frozen=True, slots=True)
class Load:
    """What an app sends to how many readers."""

    readers: int  # the events begin when so many have come
    events: int  # of each stream
    source: str  # the URL of a server of token streams
    padding: int = 0  # characters that are added to each event
    send_buffer: int = 0  # bytes that the kernel keeps for a reader that does not read; 0: its default


class Stamps:
    """Makes the texts of events, and measures the processor time from the end of the warm-up to the last one.

    Args:
        load: what is sent.
        streams: how many of them there are.
    """

    def __init__(self, load: Load, streams: int) -> None:
        self._padding = "x" * load.padding
        self._made = 0
        self._first = WARM_UP * streams
        self._last = load.events * streams
        self.cpu = 0.0

    def text(self) -> str:
        """Return the text of the next event."""
        self._made += 1
        if self._made == self._first:
            self.cpu -= process_time()
        elif self._made == self._last:
            self.cpu += process_time()
        return f"{int(monotonic() * 1e6):0{_DIGITS}} word{self._padding}"


def made_at(frame: bytes) -> float:
    """Return the moment at which an event was made, in seconds of this machine's monotonic clock.

    >>> made_at(b'data: {"text":"000000001500000 word"}')
    1.5
    """
    at = frame.index(b'"text":"') + len(b'"text":"')
    return int(frame[at : at + _DIGITS]) / 1e6
