"""What happens to a sentence after it was cut: short ones are merged forward, spaces stripped."""

from collections.abc import Callable

from ollama_rx.operators._sentences.clauses import weight


class Delivery:
    """Hands pieces on; holds a short one until it can go together with the next."""

    __slots__ = ("_emit", "_held", "_max_chars", "_min_chars", "_strip", "take")

    def __init__(
        self, emit: Callable[[str], object], *, strip: bool, min_chars: int, max_chars: int | None
    ) -> None:
        self._emit = emit
        self._strip = strip
        self._min_chars = min_chars
        self._max_chars = max_chars
        self._held = ""
        self.take: Callable[[str], None] = self._merge if min_chars else self._hand_on
        """Take the next piece of the text."""

    def _merge(self, piece: str, /) -> None:
        if self._held:
            if self._max_chars is not None and len((self._held + piece).strip()) > self._max_chars:
                self.flush()
            else:
                piece, self._held = self._held + piece, ""
        if weight(piece.strip()) < self._min_chars:
            self._held = piece
        else:
            self._hand_on(piece)

    def flush(self) -> None:
        """Hand on what is held, however short."""
        held, self._held = self._held, ""
        self._hand_on(held)

    def _hand_on(self, piece: str) -> None:
        if self._strip:
            piece = piece.strip()
        if piece:
            self._emit(piece)
