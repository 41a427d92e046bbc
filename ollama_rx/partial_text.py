"""The text that had arrived when a stream broke off."""

import io

MAX_PARTIAL = 2**20
"""Characters of ``partial`` in an error: hundreds of pages, and bounded if a stream never ends."""

_CUT = "…"


class PartialText:
    """Keeps the end of a text that grows, in bounded memory.

    `append` adds text. Code that runs for each token does the same without a call of its own::

        partial.room -= partial.write(text)
        if partial.room < 0:
            partial.forget_beginning()
    """

    __slots__ = ("_buffer", "_older", "room", "write")

    def __init__(self) -> None:
        self._older = ""
        self._buffer = io.StringIO()
        self.write = self._buffer.write
        self.room = MAX_PARTIAL  # characters until the older text is not needed any more

    def append(self, text: str, /) -> None:
        """Add text."""
        self.room -= self.write(text)
        if self.room < 0:
            self.forget_beginning()

    def forget_beginning(self) -> None:
        """Keep the last characters only."""
        self._older = self._buffer.getvalue()[-MAX_PARTIAL:]
        self._buffer = io.StringIO()
        self.write = self._buffer.write
        self.room = MAX_PARTIAL

    @property
    def text(self) -> str:
        """The text, or its last `MAX_PARTIAL` characters after a "…"."""
        text = self._older + self._buffer.getvalue()
        return _CUT + text[-MAX_PARTIAL:] if self._older or len(text) > MAX_PARTIAL else text
