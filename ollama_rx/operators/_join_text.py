"""Join the text of an answer."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.rx import Emitter, through


def join_text() -> Callable[[Observable[str]], Observable[str]]:
    """Emit the whole text as one item when the stream completes.

    ::

        source  -a--b--c-|      a="Hel"  b="lo "  c="you"
        text    ---------(x|)   x="Hello you"

    A stream without any text gives "", so there always is an item, and ``run()`` returns the text. On error
    or cancel nothing is emitted; an `OllamaError` has the text so far in ``partial``.

    >>> from reactivex import empty, of
    >>> of("Hel", "lo").pipe(join_text()).run()
    'Hello'
    >>> empty().pipe(join_text()).run()
    ''
    """
    return through(_JoinText, name="join_text", takes=str, gives=str)


class _JoinText:
    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit
        self._pieces: list[str] = []

    def feed(self, text: str, /) -> None:
        self._pieces.append(text)

    def flush(self) -> None:
        self._emit("".join(self._pieces))
