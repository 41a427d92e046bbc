"""Split streamed text into words."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.operators._word_splitter import WordSplitter
from ollama_rx.rx import Emitter, through


def split_words() -> Callable[[Observable[str]], Observable[str]]:
    """Emit each word, with the marks around it, as soon as the character after it has arrived.

    ::

        source  -a--b---c-|      a="Hel"    b="lo, wor"  c="ld!"
        words   ----x-----(y|)   x="Hello," y="world!"

    White space separates words and is dropped. A closing mark belongs to the word before it, an opening mark
    to the word after it. A grapheme (an emoji of several code points, a letter and its accent) is never cut,
    and the words do not depend on how the text was cut into pieces.

    Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces between words. If the extra
    ``ollama-rx[words]`` is installed, ICU's dictionaries find their words; they look at 8 (Chinese, Japanese)
    or 20 characters from the start of a word. Without the extra each grapheme is a word.

    On completion the last word is emitted; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("Hel", "lo, wor", "ld!").pipe(split_words(), ops.to_list()).run()
    ['Hello,', 'world!']
    """
    return through(_SplitWords, name="split_words", takes=str, gives=str)


class _SplitWords:
    def __init__(self, out: Emitter[str]) -> None:
        emit = out.emit

        def emit_stripped(word: str) -> None:
            if word := word.lstrip():
                emit(word)

        splitter = WordSplitter(emit_stripped)
        self.feed = splitter.feed
        self.flush = splitter.flush
