"""The run that a request to the bus belongs to. It is passed to the transport as an httpx extension."""

import re
from dataclasses import dataclass
from typing import Final

from ollama_rx.arguments import check_text, check_whole, wrong_value

RUN_EXTENSION: Final = "ollama_rx.run"
"""The extension with a `RunRequest`."""
IS_LEFT_EXTENSION: Final = "ollama_rx.is_left"
"""The extension with a function that returns whether the subscriber itself has left the stream.

A transport calls it when a response is closed early. It returns False if the client was closed, a time limit
was reached, or the event loop ends.
"""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The id of a run that the caller has chosen."""

    run: str
    attached: bool = False
    """Whether another request has started the run, so that this one contains no prompt."""
    after: int = 0
    """The number of chunks of ``attempt`` that the caller has already received."""
    attempt: int = 1

    def __post_init__(self) -> None:
        check_text("run", self.run)
        if not _ID.fullmatch(self.run):
            raise wrong_value("run", "1 to 64 letters, digits, '_' and '-'", self.run)
        check_whole("after", self.after, least=0)
        check_whole("attempt", self.attempt, least=1)
