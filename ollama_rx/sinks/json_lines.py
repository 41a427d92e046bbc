"""Write one JSON object per line."""

import os
import stat
import sys
from io import TextIOBase
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from ollama_rx.arguments import check_flag, wrong_type, wrong_value
from ollama_rx.sinks._broken_pipe import stop_after_broken_pipe
from ollama_rx.sinks._control_characters import escape_controls_in_json
from ollama_rx.sinks._sink import Sink


class JsonLines(Sink[Any]):
    r"""Writes each item as a line of JSON: the ``raw`` object of chunks, other items as they are.

    Accepts every value that orjson can serialise: dicts, lists, numbers, text, dataclasses. The file contains
    whole lines at any time: each line is written at once, before the next item is taken, so that other
    processes can follow the file and a crash loses nothing. If the reader of a pipe has exited
    (``jsonl:- | head``), the sink stops without an error. On a terminal, characters that could control it are
    written as JSON's escapes, as in ``\u009b``.

    A path is opened at once, so that one that cannot be written is an error here. What an existing file holds
    is kept until the first item arrives, or the stream completes without one: a request that fails loses
    nothing.

    Args:
        file: a path, or a binary file that is open for writing and stays open.
        append: add to an existing file instead of replacing its content; for paths only.
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
        self._holds_old_content = self._owned and not append
        if isinstance(file, str | PathLike):
            buffering = 0 if flush else -1  # 0: each line is one system call, however long it is
            self._file = Path(file).open("ab", buffering)  # noqa: SIM115 - `close` closes it
        else:
            _check_binary_file(file)
            if append:
                expected = "False for an open file, which can be opened for appending"
                raise wrong_value("append", expected, append)
            self._file = file
        self._on_terminal = _is_terminal(self._file)

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Return the sink for ``jsonl:answer.jsonl``, a file, or ``jsonl:-``, the standard output."""
        if not argument:
            raise wrong_value("file", "a path, as in jsonl:answer.jsonl, or - for standard output", argument)
        return cls(sys.stdout.buffer if argument == "-" else argument)

    def on_next(self, value: object) -> None:
        """Write a line."""
        line = orjson.dumps(getattr(value, "raw", value), option=orjson.OPT_APPEND_NEWLINE)
        if self._on_terminal:
            line = escape_controls_in_json(line)
        if self._holds_old_content:
            self._discard_old_content()
        try:
            written = self._file.write(line)
            while self._owned and written < len(line):  # an unbuffered file may write a part only
                written += self._file.write(line[written:])
            if self._flush:
                self._file.flush()
        except BrokenPipeError as error:
            raise stop_after_broken_pipe(self._file) from error

    def on_completed(self) -> None:
        """Empty the file if there was no item."""
        if self._holds_old_content:
            self._discard_old_content()

    def _discard_old_content(self) -> None:
        self._holds_old_content = False
        if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):  # a pipe or a device cannot be emptied
            self._file.truncate(0)

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


def _is_terminal(file: object) -> bool:
    isatty = getattr(file, "isatty", None)  # a file of the user's own may have `write` and `flush` only
    return isatty is not None and bool(isatty())
