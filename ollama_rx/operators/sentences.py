"""Split streamed text into sentences."""

from collections.abc import Callable
from functools import partial

from reactivex import Observable

from ollama_rx.operators._sentences.options import Options
from ollama_rx.operators._through import Out, through


def split_sentences(
    language: str | None = None,
    *,
    eager: bool = False,
    min_chars: int = 0,
    max_chars: int | None = None,
    first_fragment: bool = False,
    idle: float | None = None,
    strip: bool = True,
) -> Callable[[Observable[str]], Observable[str]]:
    """Emit each sentence as soon as it is certain that it has ended.

    ::

        source     -a--b--c---d-|     a="It costs 3"  b=".50"  c=". Dr"  d=". Lee pays"
        sentences  ------- --x--(y|)  x="It costs 3.50."  y="Dr. Lee pays"

    On completion everything that is held comes out; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("It costs 3", ".50. Dr", ". Lee pays.").pipe(split_sentences(), ops.to_list()).run()
    ['It costs 3.50.', 'Dr. Lee pays.']
    """
    options = Options(language, eager, min_chars, max_chars, first_fragment, idle, strip)
    if options.idle is None:
        return through(partial(_Sentences, options=options))
    return through(partial(_Impatient, options=options, idle=options.idle), timed=True)


class _Sentences:
    def __init__(self, out: Out[str], options: Options) -> None:
        self._delivery = options.delivery(out.emit)
        self._splitter = options.splitter(self._delivery.take)
        self._feed = self._splitter.feed

    def feed(self, text: str, /) -> None:
        self._feed(text)

    def flush(self) -> None:
        self._splitter.flush()
        self._delivery.flush()


class _Impatient(_Sentences):
    """Also ends a sentence when nothing comes after its mark for a while."""

    def __init__(self, out: Out[str], options: Options, idle: float) -> None:
        super().__init__(out, options)
        self._idle = idle
        self._later = out.later
        self._cancel: Callable[[], None] | None = None

    def feed(self, text: str, /) -> None:
        self.close()
        self._feed(text)
        if self._splitter.waiting:
            self._cancel = self._later(self._idle, self._splitter.pause)

    def close(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
