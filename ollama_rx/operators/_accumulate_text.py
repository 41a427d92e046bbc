"""Accumulate the text of an answer."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.rx import Emitter, through


def accumulate_text() -> Callable[[Observable[str]], Observable[str]]:
    """Emit the whole text so far each time a piece arrives.

    ::

        source  -a--b--c-|   a="Hel"  b="lo "     c="you"
        text    -x--y--z-|   x="Hel"  y="Hello "  z="Hello you"

    Nothing is held back. Each item is a new string, as long as the answer so far: for long answers and fast
    models put ``buffer_tokens(seconds=0.05)`` before it, since 20 updates a second are enough for a screen.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("Hel", "lo").pipe(accumulate_text(), ops.to_list()).run()
    ['Hel', 'Hello']
    """
    return through(_AccumulateText, name="accumulate_text", takes=str, gives=str)


class _AccumulateText:
    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit
        self._text = ""

    def feed(self, text: str, /) -> None:
        self._text += text
        self._emit(self._text)
