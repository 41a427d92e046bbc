"""How many tokens a conversation uses, and whether the server has left messages out."""

from collections.abc import Sequence

from ollama_rx.chunks import Message
from ollama_rx.stats import Metrics


class TokenCount:
    """Counts the tokens of a conversation's requests, and notices when the server drops messages.

    A server does not say so when a history no longer fits: it leaves out the oldest messages. But then the
    prompt has fewer tokens than one with fewer messages had. Only the first requests of turns are compared,
    because the later ones hold thinking that templates leave out as soon as the user speaks again; and only
    if the one before is the beginning of the next, which it is not after ``trim``, ``heard`` and ``undo``.

    Source: https://github.com/ollama/ollama/blob/main/server/prompt.go
    """

    def __init__(self, used: int | None = None) -> None:
        self.used = used
        """The tokens of the last prompt and its answer, as far as the server has told."""
        self.cut_by_server = False
        """Whether the server has left messages out of the last prompt."""
        self._sent: tuple[Message, ...] = ()  # by the last first request of a turn
        self._longest = 0  # tokens of a prompt, among those that begin as that one does

    def add(self, sent: Sequence[Message], metrics: Metrics | None, *, first_round: bool) -> None:
        """Count a request and its answer, unless the server did not count them."""
        if metrics is None or metrics.prompt_eval_count is None:
            return
        tokens = metrics.prompt_eval_count
        self.used = tokens + (metrics.eval_count or 0)
        if first_round:
            has_grown = tuple(sent[: len(self._sent)]) == self._sent
            self.cut_by_server = has_grown and tokens < self._longest
            self._longest = max(tokens, self._longest if has_grown else 0)
            self._sent = tuple(sent)
