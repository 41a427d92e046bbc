"""A prompt on its way to a worker: the request that the client would send to a host, unchanged."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from nats.aio.msg import Msg

from ollama_rx.bus.subjects import (
    MESSAGE_ID,
    PROMPT_BODY,
    PROMPT_DETACHED,
    PROMPT_GRACE,
    PROMPT_MODEL,
    PROMPT_PATH,
    check_word,
)

_YES = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The body of a request, and what else a worker has to know."""

    run: str
    model: str
    path: str
    """The path of the endpoint, such as "/api/chat"."""
    body: bytes
    grace: float = 10.0
    """Seconds without a reader after which the answer is stopped."""
    detached: bool = False
    """Whether the answer is completed even if no client reads it."""
    body_name: str = ""
    """The name of the body in the object store, if it is too large for a message."""

    def headers(self) -> dict[str, str]:
        """Return the headers of the prompt's message."""
        headers = {
            MESSAGE_ID: self.run,
            PROMPT_PATH: self.path,
            PROMPT_MODEL: quote(self.model, safe=":/", errors="surrogatepass"),
            PROMPT_GRACE: f"{self.grace:g}",
        }
        if self.detached:
            headers[PROMPT_DETACHED] = _YES
        if self.body_name:
            headers[PROMPT_BODY] = self.body_name
        return headers

    @classmethod
    def of(cls, message: Msg) -> Self:
        """Read a message of the work queue.

        Raises:
            ValueError: the message is not a prompt.
        """
        headers = message.headers or {}
        try:
            return cls(
                run=headers[MESSAGE_ID],
                model=unquote(headers[PROMPT_MODEL], errors="surrogatepass"),
                path=headers[PROMPT_PATH],
                body=message.data,
                grace=float(headers[PROMPT_GRACE]),
                detached=headers.get(PROMPT_DETACHED) == _YES,
                body_name=check_word("body", headers[PROMPT_BODY]) if PROMPT_BODY in headers else "",
            )
        except KeyError as missing:
            raise ValueError(f"the header {missing} is missing") from missing
