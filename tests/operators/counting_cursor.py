"""A `GraphemeCursor` that counts what it looks at, to show that a cost is linear without measuring time."""

from ollama_rx.operators._graphemes import GraphemeCursor


class CountingCursor(GraphemeCursor):
    """Counts the characters that all cursors are given."""

    looked_at = 0

    def move_over_text(self, text: str, start: int, end: int) -> None:
        """Count the text."""
        CountingCursor.looked_at += end - start
        super().move_over_text(text, start, end)

    def is_boundary_before(self, character: str) -> bool:
        """Count the character."""
        CountingCursor.looked_at += 1
        return super().is_boundary_before(character)
