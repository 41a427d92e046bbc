"""Split streamed text into lines."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.rx import Emitter, through


def split_lines() -> Callable[[Observable[str]], Observable[str]]:
    r"""Emit each line, without its line break, as soon as the break has arrived.

    ::

        source  -a--b    ---c-|      a="one\r"  b="\ntwo\n\n"  c="three"
        lines   ----(xyz)-----(w|)   x="one"  y="two"  z=""  w="three"

    A line ends with ``\n`` or ``\r\n``, but not with a lone ``\r`` or one of the Unicode separators of
    `str.splitlines`. Empty lines are emitted, since they have a meaning in Markdown.
    On completion the last line is emitted if it is not empty; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("one\r", "\ntwo\n\n", "three").pipe(split_lines(), ops.to_list()).run()
    ['one', 'two', '', 'three']
    """
    return through(_SplitLines, name="split_lines", takes=str, gives=str)


class _SplitLines:
    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit
        self._parts: list[str] = []

    def feed(self, text: str, /) -> None:
        if "\n" not in text:
            self._parts.append(text)
            return
        first, *lines = text.split("\n")
        self._parts.append(first)
        first = "".join(self._parts)
        self._parts = [lines.pop()]
        self._emit(first.removesuffix("\r"))
        for line in lines:
            self._emit(line.removesuffix("\r"))

    def flush(self) -> None:
        line = "".join(self._parts)
        if line:
            self._emit(line)
