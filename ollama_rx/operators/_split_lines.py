"""Split streamed text into lines."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.rx import Emitter, through


def split_lines() -> Callable[[Observable[str]], Observable[str]]:
    r"""Emit each line, without its line break, as soon as the break has arrived.

    ::

        source  -a--b---c-|      a="one\r"  b="\ntwo\n\n"  c="three"
        lines   ----(xy)--(z|)   x="one"    y="two", ""    z="three"

    Lines end with ``\n`` or ``\r\n`` and with nothing else: not with a lone ``\r``, not with the
    Unicode separators that `str.splitlines` knows. Empty lines count, they mean something in Markdown.
    On completion the last line is emitted if it is not empty; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("one\r", "\ntwo\n\n", "three").pipe(split_lines(), ops.to_list()).run()
    ['one', 'two', '', 'three']
    """
    return through(_Lines)


class _Lines:
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
