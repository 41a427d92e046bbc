"""How many items may wait for a slow consumer, and what happens when that is not enough."""

from typing import Literal, get_args

WhenFull = Literal["pause", "drop_oldest", "fail"]
"""What happens when ``max_waiting`` items wait and one more comes."""

MAX_WAITING = 64
"""How many items may wait where nobody says otherwise: a burst of one read, a second of speech."""


class MailboxFull(Exception):  # noqa: N818 - as queue.Full
    """More items wait than allowed, and ``when_full`` is "fail"."""


def check_waiting(max_waiting: int, when_full: WhenFull) -> None:
    """Refuse values that can't be meant."""
    if type(max_waiting) is not int:
        raise TypeError(f"max_waiting: expected a whole number, got {type(max_waiting).__name__}")
    if max_waiting < 1:
        raise ValueError(f"max_waiting: at least 1 item must be allowed to wait, got {max_waiting}")
    if when_full not in get_args(WhenFull):
        raise ValueError(f"when_full: one of {', '.join(get_args(WhenFull))}, got {when_full!r}")
