"""Write one JSON object per line."""

import sys
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from ollama_rx.sinks._pipe import reader_gone
from ollama_rx.sinks._sink import Sink


class JsonLines(Sink[Any]):
    """Writes each item as a line of JSON: the ``raw`` object of chunks, other items as they are.

    Takes whatever orjson can write: dicts, lists, numbers, text, dataclasses. The file has whole
    lines at any time: a line is one write, and it is on its way before the next item is taken, so
    that other processes can follow and a crash loses nothing. With ``flush=False`` lines are written
    in blocks, which is faster for very many. When the reader of a pipe has gone (``jsonl:- | head``),
    the sink leaves without an error.

    Args:
        file: a path, or a binary file that is open for writing, which stays open.
        append: add to an existing file instead of replacing it; for paths only.
        flush: whether each line leaves at once.
    """

    blocking = True

    def __init__(
        self, file: str | PathLike[str] | BinaryIO, *, append: bool = False, flush: bool = True
    ) -> None:
        self._flush = flush
        self._owned = isinstance(file, str | PathLike)
        if isinstance(file, str | PathLike):
            buffering = 0 if flush else -1  # 0: a line is one call of the system, however long
            self._file = Path(file).open("ab" if append else "wb", buffering)  # noqa: SIM115 - `close` does
        elif append:
            raise ValueError("append: only for a path; open the file for appending instead")
        else:
            self._file = file

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """``jsonl:answer.jsonl`` writes a file, ``jsonl:-`` to standard output."""
        if not argument:
            raise ValueError("a file is missing: jsonl:answer.jsonl, or jsonl:- for standard output")
        return cls(sys.stdout.buffer if argument == "-" else argument)

    def on_next(self, value: object) -> None:
        """Write a line."""
        line = orjson.dumps(getattr(value, "raw", value), option=orjson.OPT_APPEND_NEWLINE)
        try:
            written = self._file.write(line)
            while self._owned and written < len(line):  # unbuffered files may take less
                written += self._file.write(line[written:])
            if self._flush:
                self._file.flush()
        except BrokenPipeError as error:
            raise reader_gone(self._file) from error

    def close(self) -> None:
        """Write what is left and close a file that was opened here."""
        try:
            if self._owned:
                self._file.close()
            else:
                self._file.flush()
        except BrokenPipeError as error:
            raise reader_gone(self._file) from error
