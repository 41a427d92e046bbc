"""Write one JSON object per line."""

import sys
from io import TextIOBase
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from ollama_rx.arguments import check_flag, wrong_type, wrong_value
from ollama_rx.sinks._broken_pipe import stop_after_broken_pipe
from ollama_rx.sinks._sink import Sink


class JsonLines(Sink[Any]):
    """Writes each item as a line of JSON: the ``raw`` object of chunks, other items as they are.

    Accepts every value that orjson can serialise: dicts, lists, numbers, text, dataclasses. The file contains
    whole lines at any time: each line is written at once, before the next item is taken, so that other
    processes can follow the file and a crash loses nothing. If the reader of a pipe has exited
    (``jsonl:- | head``), the sink stops without an error.

    Args:
        file: a path, or a binary file that is open for writing and stays open.
        append: add to an existing file instead of replacing it; for paths only.
        flush: write each line at once; if False, lines are written in blocks, which is faster for very many.
    """

    blocking = True

    def __init__(
        self, file: str | PathLike[str] | BinaryIO, *, append: bool = False, flush: bool = True
    ) -> None:
        check_flag("append", append)
        check_flag("flush", flush)
        self._flush = flush
        self._owned = isinstance(file, str | PathLike)
        if isinstance(file, str | PathLike):
            buffering = 0 if flush else -1  # 0: each line is one system call, however long it is
            self._file = Path(file).open("ab" if append else "wb", buffering)  # noqa: SIM115 - `close` closes it
        else:
            _check_binary_file(file)
            if append:
                expected = "False for an open file, which can be opened for appending"
                raise wrong_value("append", expected, append)
            self._file = file

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Return the sink for ``jsonl:answer.jsonl``, a file, or ``jsonl:-``, the standard output."""
        if not argument:
            raise wrong_value("file", "a path, as in jsonl:answer.jsonl, or - for standard output", argument)
        return cls(sys.stdout.buffer if argument == "-" else argument)

    def on_next(self, value: object) -> None:
        """Write a line."""
        line = orjson.dumps(getattr(value, "raw", value), option=orjson.OPT_APPEND_NEWLINE)
        try:
            written = self._file.write(line)
            while self._owned and written < len(line):  # an unbuffered file may write a part only
                written += self._file.write(line[written:])
            if self._flush:
                self._file.flush()
        except BrokenPipeError as error:
            raise stop_after_broken_pipe(self._file) from error

    def close(self) -> None:
        """Flush the file, and close it if it was opened here."""
        try:
            if self._owned:
                self._file.close()
            else:
                self._file.flush()
        except BrokenPipeError as error:
            raise stop_after_broken_pipe(self._file) from error


def _check_binary_file(file: object) -> None:
    if isinstance(file, TextIOBase) or not hasattr(file, "write"):
        raise wrong_type("file", "a path or a binary file that is open for writing", file)
