"""Split streamed text into words."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.operators._word_splitter import Units
from ollama_rx.rx import Emitter, through


def split_words() -> Callable[[Observable[str]], Observable[str]]:
    """Emit each word, with the marks around it, as soon as the character after it has arrived.

    ::

        source  -a--b---c-|      a="Hel"    b="lo, wor"  c="ld!"
        words   ----x-----(y|)   x="Hello," y="world!"

    White space separates words and is dropped. Chinese, Japanese, Thai, Lao, Khmer and Burmese put
    none between words: there ICU's dictionaries find them, if the extra ``ollama-rx[words]`` is installed,
    from the next 8 characters (Chinese, Japanese) or 20; without it each grapheme comes out as a word.
    A closing mark goes with the word before it, an opening one with the word after it. A grapheme (an
    emoji of several code points, a letter and its accent) is never cut, and any cutting of the text
    gives the same words.

    On completion the last word is emitted; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("Hel", "lo, wor", "ld!").pipe(split_words(), ops.to_list()).run()
    ['Hello,', 'world!']
    """
    return through(_Words)


class _Words:
    def __init__(self, out: Emitter[str]) -> None:
        emit = out.emit

        def emit_word(unit: str) -> None:
            if word := unit.lstrip():
                emit(word)

        units = Units(emit_word)
        self.feed = units.feed
        self.flush = units.flush
