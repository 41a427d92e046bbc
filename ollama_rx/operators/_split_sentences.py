"""Split streamed text into sentences."""

from collections.abc import Callable
from functools import partial

from reactivex import Observable

from ollama_rx.operators._sentences.options import Options
from ollama_rx.rx.operator import Emitter, through


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

        source     -a--b--c---d-|      a="It costs 3"  b=".50"  c=". Dr"  d=". Lee pays"
        sentences  -------x-----(y|)   x="It costs 3.50."  y="Dr. Lee pays"

    A sentence ends at a line break, at once at marks like "。", after a dot when the next word has begun,
    and after an abbreviation or an initial when that word has come whole and is one that begins sentences.
    Dots in numbers, addresses and abbreviations don't end it; nor do marks in brackets, inline code and
    links. A code fence is one piece, a list marker stays with its item, headings and table rows end with
    their line.

    Decisions rest on characters only: any cutting of the same text gives the same sentences. On completion
    all that is held comes out; on error or cancel it is dropped. It does not know what words mean: "We met
    Jan. May came too" stays whole, and a headline without a mark or line break belongs to what follows.

    Args:
        language: a BCP 47 tag ("de", "pt-BR"). None takes English for Latin letters and, for others, the
            language their script is mostly used for. The tables are in `_sentences/languages`.
        eager: decide at the dot where what stands before leaves hardly a doubt, a token earlier; costs
            about one sentence in a hundred (at "load.py", or where a dot begins an ellipsis).
        min_chars: a shorter sentence goes together with the next; a CJK character counts as three.
        max_chars: cut a longer sentence at the best clause mark, else a space, never inside a word (which
            may be longer), a number or a grapheme. Code fences stay whole.
        first_fragment: let the first piece end at a clause (from 9 letters on): a voice starts sooner.
        idle: seconds without text after which a sentence that only waits for what comes next is emitted,
            if what it has leaves hardly a doubt. Without it, output never depends on time.
        strip: drop white space around each sentence; without, the output joins to the input, each
            sentence beginning with the space before it.

    Raises:
        ValueError: an argument out of range, named.
        TypeError: an argument of a wrong type, named.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("It costs 3", ".50. Dr", ". Lee pays.").pipe(split_sentences(), ops.to_list()).run()
    ['It costs 3.50.', 'Dr. Lee pays.']
    """
    options = Options(language, eager, min_chars, max_chars, first_fragment, idle, strip)
    if options.idle is None:
        return through(partial(_Sentences, options=options))
    return through(partial(_Impatient, options=options, idle=options.idle))


class _Sentences:
    def __init__(self, out: Emitter[str], options: Options) -> None:
        self._delivery = options.delivery(out.emit)
        self._splitter = options.splitter(self._delivery.take)
        self.feed: Callable[[str], None] = self._splitter.feed  # no call in between for each token

    def flush(self) -> None:
        self._splitter.flush()
        self._delivery.flush()


class _Impatient:
    """Also ends a sentence when nothing comes after its mark for a while."""

    def __init__(self, out: Emitter[str], options: Options, idle: float) -> None:
        self._delivery = options.delivery(out.emit)
        self._splitter = options.splitter(self._delivery.take)
        self._idle = idle
        self._later = out.later
        self._cancel: Callable[[], None] | None = None

    def feed(self, text: str, /) -> None:
        self.close()
        self._splitter.feed(text)
        if self._splitter.waiting:
            self._cancel = self._later(self._idle, self._splitter.pause)

    def flush(self) -> None:
        self._splitter.flush()
        self._delivery.flush()

    def close(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
