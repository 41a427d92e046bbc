"""Split streamed Markdown into blocks."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.arguments import check_seconds
from ollama_rx.blocks import Block
from ollama_rx.rx import Emitter, through


def markdown_blocks(*, every: float | None = 0.25) -> Callable[[Observable[str]], Observable[Block]]:
    r"""Emit each block of Markdown once when it is complete, and the open one a few times a second.

    ::

        source  -a-bc---d-e--|       a="# Hi\n"  b="How "  c="are "  d="you?"  e="\n\nBye"
        blocks  -x-y--z--tu-v(w|)    x="# Hi\n"  y="How "  z="How are "  t="How are you?"
                                     u="How are you?\n\n"  v="Bye"  w="Bye"      markdown_blocks(every=3)

    Here x, u and w are complete.

    A block is what CommonMark has at its top level: a paragraph, heading, list (with all its items), quote,
    rule, block of code or of HTML; and a table. To draw a stream, keep one element for each ``number`` and
    replace what it shows: ``text`` is the whole block so far. An open block may turn out to be two, so the
    one with the next number may start with text that the open one had.

    The texts of the complete blocks joined are the whole text, without blank lines at its end, and each drawn
    alone looks as it does in the whole. The exception are links by reference, such as ``[text][name]``: their
    address may be in another block. Any cutting of the source gives the same complete blocks.

    A block is complete when a line that is complete ends it. On completion the open block is emitted as
    complete; on error or cancel it is not.

    Args:
        every: seconds; the open block is emitted at most once in this time, and only if it has changed. With
            None only complete blocks are emitted.

    Source: https://spec.commonmark.org/0.31.2/ and GitHub's tables, as markdown-it reads them. The operator
    itself needs no extra.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> source = of("# Hel", "lo\n- a\n", "- b\n\nBye")
    >>> source.pipe(markdown_blocks(every=None), ops.map(lambda block: block.text), ops.to_list()).run()
    ['# Hello\n', '- a\n- b\n\n', 'Bye']
    """
    if every is not None:
        check_seconds("every", every)
    return through(lambda out: _MarkdownBlocks(out, every), name="markdown_blocks", takes=str, gives=Block)


class _MarkdownBlocks:
    def __init__(self, out: Emitter[Block], every: float | None) -> None:
        # Imported late: it compiles regular expressions.
        from ollama_rx.block_splitter import BlockSplitter  # noqa: PLC0415

        self._emit = out.emit
        self._later = out.later
        self._every = every
        self._splitter = BlockSplitter()
        self._number = 0  # of the open block
        self._in_interval = False
        self._has_changed = False  # since the open block was last emitted

    def feed(self, text: str, /) -> None:
        self._emit_complete(self._splitter.feed(text))
        self._has_changed = True
        if self._every is not None and not self._in_interval and text.strip():
            self._emit_open(self._every)

    def _emit_complete(self, texts: list[str]) -> None:
        for text in texts:
            number = self._number
            self._number += 1
            self._emit(Block(number, text, complete=True))

    def _emit_open(self, every: float) -> None:
        """Emit the open block if there is one, and start an interval."""
        text = self._splitter.open_text
        self._in_interval = self._has_changed = False
        if text.strip():
            self._in_interval = True
            self._later(every, lambda: self._end_interval(every))
            self._emit(Block(self._number, text, complete=False))

    def _end_interval(self, every: float) -> None:
        self._in_interval = False
        if self._has_changed:
            self._emit_open(every)

    def flush(self) -> None:
        self._emit_complete(self._splitter.flush())
