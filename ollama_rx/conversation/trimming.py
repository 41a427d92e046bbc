"""Which messages of a history a request sends."""

from collections.abc import Callable, Sequence

from ollama_rx.arguments import check_whole
from ollama_rx.chunks import Message

Trim = Callable[[Sequence[Message]], Sequence[Message]]
"""Takes the history and returns the messages that a request sends; the history itself stays whole."""


def keep_last(count: int) -> Trim:
    """Return a function that keeps the system messages and the last ``count`` of all others.

    What is kept begins at a message of the user, because the result of a tool makes no sense without its
    call, and many models expect the user to begin. So it is up to ``count`` messages; only the turn that
    runs is always sent whole, even if it is longer.

    >>> history = [Message("system", "Be brief."), Message("user", "1"), Message("assistant", "One")]
    >>> [message.content for message in keep_last(1)([*history, Message("user", "2")])]
    ['Be brief.', '2']
    """
    check_whole("count", count, least=1)

    def trim(messages: Sequence[Message]) -> Sequence[Message]:
        others = [at for at, message in enumerate(messages) if message.role != "system"]
        beginnings = [at for at in others if messages[at].role == "user"]
        if not beginnings:
            return messages
        fitting = set(others[-count:])
        first = next((at for at in beginnings if at in fitting), beginnings[-1])
        return [message for at, message in enumerate(messages) if at >= first or message.role == "system"]

    return trim
