"""The reactive engine, and what an operator is made of: ``from ollama_rx.rx import Emitter, through``.

An operator is a *machine*: a small class that takes items with ``feed`` and emits what follows from them. It
uses no Rx, threads, clocks or I/O. `through` turns it into an operator::

    from ollama_rx.rx import Emitter, through

    def shout() -> Callable[[Observable[str]], Observable[str]]:
        return through(_Shout)

    class _Shout:
        def __init__(self, out: Emitter[str]) -> None:
            self._emit = out.emit

        def feed(self, text: str, /) -> None:
            self._emit(text.upper())

`Machine` documents the contract. The other modules of this folder serve the package itself: the subscription
that a chain of operators shares, back-pressure, the mailbox between threads, event loops.
"""

from ollama_rx.rx.operator import Emitter, Machine, through

__all__ = ["Emitter", "Machine", "through"]
