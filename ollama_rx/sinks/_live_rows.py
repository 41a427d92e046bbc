"""Replace the last rows of a terminal's output."""

from collections.abc import Callable
from itertools import takewhile

from ollama_rx.sinks._markdown_rows import STYLE
from ollama_rx.sinks._word_wrap import UNCERTAIN_WIDTH, most_cells

_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"  # whether the terminal breaks a row that is too long


class LiveRows:
    """The rows at the end of the output; they can be replaced as long as they are in the window.

    Only rows that differ are written, over the old ones, so that nothing flickers. The cursor is at the end
    of the last row and is never hidden: however the program ends, the terminal is as it should be. Each row
    is one row of the window, also if the terminal shows an emoji wider than expected: it does not break it.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._rows = [""]
        self._columns = 0

    def replace(self, rows: list[str], *, final: int = 0, columns: int) -> None:
        """Show these rows instead; the first ``final`` of them, but not all, will never be replaced."""
        old = self._rows
        same = 0
        if columns == self._columns or old == [""]:
            # A row that the terminal may have cut off is written once more when it is final.
            stays = [
                a == b and not (final and _may_be_cut(a, columns)) for a, b in zip(old, rows, strict=False)
            ]
            same = sum(1 for _ in takewhile(bool, stays))
        if same < max(len(old), len(rows)):
            new = self._replacement(rows, min(same, len(rows) - 1), columns)
            self._write(new if final else f"{_NO_WRAP}{new}{_WRAP}")
        self._rows = rows[final:]
        self._columns = columns

    def _replacement(self, rows: list[str], same: int, columns: int) -> str:
        """Return what to print; the cursor is at the end of the old rows, of which some stay the same."""
        if same == len(self._rows):
            return "\n" + "\n".join(rows[same:])
        up = sum(self._height(row, columns) for row in self._rows[same:]) - 1
        # After a resize rows are erased first: a terminal that has broken one may join it with the next one
        # when there is room again. Not all at once: tmux keeps what is erased from the top of its window.
        erase = "\x1b[K" if columns != self._columns else ""
        new = "\n".join(f"{erase}{row}\x1b[K" for row in rows[same:])
        return (f"\x1b[{up}A" if up else "") + f"\r{new}\x1b[J"

    def _height(self, row: str, columns: int) -> int:
        """Return how many rows a row takes now: most terminals break it when the window gets narrower."""
        if columns >= self._columns:
            return 1
        from rich.cells import cell_len  # noqa: PLC0415 - an extra

        return max(1, -(-cell_len(STYLE.sub("", row)) // columns))


def _may_be_cut(row: str, columns: int) -> bool:
    """Whether some terminals show a row wider than the window; rich gives vowels such as "ा" no column."""
    text = STYLE.sub("", row)
    return UNCERTAIN_WIDTH.search(text) is not None or most_cells(text) > columns
