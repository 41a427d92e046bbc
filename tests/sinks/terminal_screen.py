"""A terminal that interprets what is printed, for tests: what does a person see?"""

import io
import os
import pty
import re
import termios

from rich.cells import cell_len

_PART = re.compile(
    r"\x1b\[(?P<number>\d*)(?P<command>[ADJK])|\x1b\[\?7(?P<wrap>[hl])|\x1b\[[\d;]*m|(?P<character>(?s:.))"
)


class Terminal(io.StringIO):
    """A terminal of a size that can change; it knows no joined emoji and shows their parts side by side.

    ``rows`` has all rows since the beginning, also those that have left the window.
    """

    def __init__(self, columns: int = 80, height: int = 24) -> None:
        super().__init__()
        self._other_end, self._descriptor = pty.openpty()  # so that the system knows the size
        self._set_size(columns, height)
        self.rows: list[list[str]] = [[]]  # the characters of each; a wide one is followed by ""
        self.row = self.column = 0
        self.breaks_rows = True
        self.flushes = 0

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)
        os.close(self._other_end)

    def flush(self) -> None:
        self.flushes += 1

    @property
    def text(self) -> list[str]:
        """The rows, without spaces at their ends."""
        return ["".join(row).rstrip() for row in self.rows]

    def write(self, text: str, /) -> int:
        super().write(text)
        for part in _PART.finditer(text):
            if part["character"]:
                self._put(part["character"])
            elif part["wrap"]:
                self.breaks_rows = part["wrap"] == "h"
            elif part["command"]:
                self._control(part["command"], int(part["number"] or 1))
        return len(text)

    def resize(self, columns: int, height: int) -> None:
        """Change the size as most terminals do: rows that do not fit any more continue on a new row."""
        rows: list[list[str]] = []
        for number, row in enumerate(self.rows):
            parts = [row[start : start + columns] for start in range(0, len(row) or 1, columns)]
            if number == self.row:
                self.row = len(rows) + min(self.column // columns, len(parts) - 1)
            rows += parts
        self.column %= columns
        self.rows = rows
        self._set_size(columns, height)

    def _set_size(self, columns: int, height: int) -> None:
        self.size = os.terminal_size((columns, height))
        termios.tcsetwinsize(self._descriptor, (height, columns))

    def _put(self, character: str) -> None:
        if character == "\n":
            self.row, self.column = self.row + 1, 0
        elif character == "\r":
            self.column = 0
        elif character == "\t":
            self.column += 8 - self.column % 8
        elif not cell_len(character):
            self.rows[self.row][self.column - 1] += character
        else:
            width = cell_len(character)
            if self.column + width > self.size.columns:
                self.row += self.breaks_rows
                self.column = 0 if self.breaks_rows else self.size.columns - width
            self._make_room()
            self.rows[self.row][self.column : self.column + width] = [character, *[""] * (width - 1)]
            self.column += width
        self._make_room()

    def _make_room(self) -> None:
        while len(self.rows) <= self.row:
            self.rows.append([])
        row = self.rows[self.row]
        row += " " * (self.column - len(row))

    def _control(self, command: str, number: int) -> None:
        if command == "A":
            top = max(0, len(self.rows) - self.size.lines)  # of the window
            self.row = max(top, self.row - number)
        elif command == "D":
            self.column = max(0, self.column - number)
        else:
            del self.rows[self.row][self.column :]
            if command == "J":
                del self.rows[self.row + 1 :]
        self._make_room()
