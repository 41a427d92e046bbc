"""Move thinking from between tags in the text to the ``thinking`` of the chunks."""

import re
from collections.abc import Callable
from typing import Literal
from unicodedata import category

from reactivex import Observable

from ollama_rx.arguments import check_choice, check_length, wrong_value
from ollama_rx.chunks import Chunk
from ollama_rx.operators._markdown_code import MarkdownCode
from ollama_rx.operators._prefix_pattern import MAX_LENGTH, prefix_pattern
from ollama_rx.rx import Emitter, through

_LONGEST_UNDECIDED = 16_384
"""Characters: about 4000 tokens, as many as a model thinks about all but the hardest questions."""

_MOST_UNREAD = 1000
"""Chunks, so that an answer without an end needs no more memory over time."""


def split_thinking(
    open: str = "<think>",  # noqa: A002 - it opens what `close` closes
    close: str = "</think>",
    starts_inside: bool | Literal["auto"] = False,  # noqa: FBT001, FBT002 - belongs to the two tags
) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    r"""Move the text between tags into ``thinking`` and remove the tags, even if chunks cut them.

    ::

        source    -a--b--c--d-|   a="<thi"  b="nk>\nHm"       c="</think>\n\nYe"  d="s"
        chunks    -w--x--y--z-|   w=""      x.thinking="Hm"   y="Ye"              z="s"

    At the start of the answer, an opening tag opens thinking at once. Later, it may only be mentioned:

    - In code, inline or in a fence, a tag is text.
    - Elsewhere it opens thinking if it begins a line, or stands between a space and a word
      ("Well, <think>hm</think> yes"), and a closing tag follows. What stands after it is undecided until
      the closing tag arrives, and is text if none arrives within 16 384 characters.

    Thinking ends at the first closing tag that is not between backticks. If none arrives after an opening
    tag at the start, the whole answer is thinking.

    Each chunk is emitted at once, with all its other fields. Only text that is undecided or may still become
    a tag, and white space that may still belong to a tag, waits for a later chunk. White space is treated as
    in Ollama's own parser: removed around the opening tag at the start of the answer, after any other tag,
    and kept everywhere else. Thinking that the server has already separated passes unchanged; if it comes
    first, the text after it is the answer, whatever ``starts_inside`` says.

    Held text is emitted with the last chunk (``done``); if the stream completes without one, in an extra
    chunk. On error or cancel held text is dropped.

    Args:
        open: the opening tag; white space around a tag is ignored.
        close: the closing tag.
        starts_inside: True if the answer begins with thinking, because the model's template already ends
            with the opening tag (as some Qwen and DeepSeek templates do); if the model repeats the opening
            tag, it is removed. "auto" if you do not know: an answer that does not begin with the opening tag
            is undecided until a closing tag arrives, and is text if none arrives within 16 384 characters or
            before the end. So an answer of a model that does not think arrives late, in one piece. A closing
            tag counts unless it is in code, or follows a space, a quotation mark or a bracket in its line, or
            has an opening tag before it there.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> chunks = (Chunk({"response": piece}) for piece in ("<thi", "nk>Hm", "</think> Yes"))
    >>> [(chunk.thinking, chunk.text) for chunk in of(*chunks).pipe(split_thinking(), ops.to_list()).run()]
    [('', ''), ('Hm', ''), ('', 'Yes')]
    """
    for name, tag in (("open", open), ("close", close)):
        check_length(name, tag, most=MAX_LENGTH - 2, what="a tag")  # a pattern has backticks around it
        if tag.isspace():
            raise wrong_value(name, "a tag with visible characters", tag)
    check_choice("starts_inside", starts_inside, (False, True, "auto"))
    tags = _Tags(open.strip(), close.strip())
    return through(
        lambda out: _SplitThinking(out, tags, starts_inside=starts_inside),
        name="split_thinking",
        takes=Chunk,
        gives=Chunk,
    )


class _Tags:
    """The two tags, compiled once for all subscriptions. The patterns also find the beginning of a tag."""

    def __init__(self, open_tag: str, close_tag: str) -> None:
        self.open = open_tag
        self.close = close_tag
        self.quoted_close = f"`{close_tag}`"
        opening = prefix_pattern([open_tag])
        self.match_open = opening.match
        self.find_open = opening.search
        self.find_close = prefix_pattern([self.quoted_close, close_tag]).search
        self.match_space = re.compile(r"\s*").match


_OPENERS = frozenset({"Ps", "Pi", "Pf"})  # Unicode categories: brackets and quotation marks


class _SplitThinking:
    """Reads text in states. Each ``_read`` method reads from a position and returns where to go on."""

    def __init__(self, out: Emitter[Chunk], tags: _Tags, *, starts_inside: bool | Literal["auto"]) -> None:
        self._emit = out.emit
        self._tags = tags
        self._starts_inside = starts_inside
        self._find_open = tags.find_open
        self._find_close = tags.find_close
        self._last: Chunk | None = None
        self._answer: list[str] = []  # what is certain to be answer, and not emitted yet
        self._thinking: list[str] = []
        self._begin_answer()

    def _begin_answer(self) -> None:
        states = {False: self._read_answer, True: self._read_thinking, "auto": self._read_undecided}
        self._read: Callable[[str, int], int] = self._read_start
        self._after_start: Callable[[str, int], int] = states[self._starts_inside]
        self._keeps_space = self._starts_inside is not True
        self._has_text = False
        self._space: list[str] = []  # at the start; dropped if a tag follows
        self._held = ""  # may become a tag
        self._opening = ""  # the tag that opened what is undecided
        self._undecided: list[str] = []
        self._room = _LONGEST_UNDECIDED  # for more that is undecided
        self._code = MarkdownCode()
        self._unread: list[str] = []  # text of the answer that `_code` has not read yet
        self._is_in_answer = False  # so a chunk without a tag is text
        self._is_in_thinking = False  # so a chunk without a tag is thinking

    def feed(self, chunk: Chunk, /) -> None:
        text = chunk.text
        if text and self._is_in_answer and not self._find_open(text):
            self._unread.append(text)
            if len(self._unread) >= _MOST_UNREAD:
                self._read_code()
            self._emit(chunk)
            return
        if text and self._is_in_thinking and not self._find_close(text) and not chunk.done:
            self._emit(chunk.replace(text="", thinking=chunk.thinking + text))
            return
        if text:
            self._has_text = True
        elif chunk.thinking and not self._has_text:  # the server separates it
            self._after_start, self._keeps_space = self._read_answer, True
        self._last = chunk
        self._read_all(self._held + text)
        if chunk.done:
            self._end_answer()
        answer, thinking = self._take()
        if thinking or answer != text:
            chunk = chunk.replace(text=answer, thinking=chunk.thinking + thinking)
        self._emit(chunk)

    def flush(self) -> None:
        self._end_answer()
        answer, thinking = self._take()
        if self._last is None or not (answer or thinking):
            return
        if "message" in self._last.raw:
            extra = Chunk({"model": self._last.model, "message": {"role": "assistant"}, "done": False})
        else:
            extra = Chunk({"model": self._last.model, "done": False})
        self._emit(extra.replace(text=answer, thinking=thinking))

    def _take(self) -> tuple[str, str]:
        taken = "".join(self._answer), "".join(self._thinking)
        self._answer.clear()
        self._thinking.clear()
        return taken

    def _end_answer(self) -> None:
        """Decide on all that is held, and begin the next answer."""
        if self._after_start == self._read_thinking:
            self._thinking.append(self._held)
        else:
            self._answer += [*self._space, *self._take_undecided(), self._held]
        self._begin_answer()

    def _read_all(self, text: str) -> None:
        self._held = ""
        at = 0
        while at < len(text):
            at = self._read(text, at)
        self._is_in_answer = self._read == self._read_answer and not self._held
        self._is_in_thinking = self._read == self._read_thinking and not self._held

    def _hold(self, text: str, at: int) -> int:
        """Hold the rest of the text, which may become a tag."""
        self._held = text[at:]
        return len(text)

    def _read_start(self, text: str, at: int) -> int:
        """Read white space at the start or after a tag, and opening tags."""
        space = self._tags.match_space(text, at)
        begin = at if space is None else space.end()
        if self._keeps_space:
            self._space.append(text[at:begin])
        if begin == len(text):
            return begin
        tag = self._tags.match_open(text, begin)
        if tag is None:
            self._read = self._after_start
            self._read_all("".join(self._space))
            self._space.clear()
            return begin
        if tag[0] != self._tags.open:
            return self._hold(text, begin)
        self._skip_space_before(self._read_thinking)
        return tag.end()

    def _skip_space_before(self, state: Callable[[str, int], int]) -> None:
        """Read white space and opening tags after a tag; all else belongs to the state."""
        self._read = self._read_start
        self._after_start = state
        self._keeps_space = False
        self._space.clear()

    def _read_answer(self, text: str, at: int) -> int:
        """Read text up to an opening tag."""
        tag = self._find_open(text, at)
        if tag is None:
            return self._add_to_answer(text, at, len(text))
        self._add_to_answer(text, at, tag.start())
        self._read_code()
        begins_line = self._code.at_line_start
        if tag[0] != self._tags.open or (tag.end() == len(text) and not begins_line):
            return self._hold(text, tag.start())
        in_text = begins_line or (self._code.tail[-1:].isspace() and text[tag.end()].isalnum())
        if self._code.inside or not in_text:
            return self._add_to_answer(text, tag.start(), tag.end())
        self._code.read(tag[0])
        self._opening = tag[0]
        self._room = _LONGEST_UNDECIDED
        self._read = self._read_undecided
        return tag.end()

    def _add_to_answer(self, text: str, begin: int, end: int) -> int:
        piece = text[begin:end]
        self._answer.append(piece)
        self._unread.append(piece)
        return end

    def _read_code(self) -> None:
        """Read the answer up to here; not with each chunk, because few answers contain tags at all."""
        self._code.read("".join(self._unread))
        self._unread.clear()

    def _read_thinking(self, text: str, at: int) -> int:
        """Read thinking up to the closing tag."""
        tag = self._find_close(text, at)
        if tag is None:
            self._thinking.append(text[at:])
            return len(text)
        self._thinking.append(text[at : tag.start()])
        if tag[0] == self._tags.quoted_close:
            self._thinking.append(tag[0])
        elif tag[0] == self._tags.close:
            self._close()
        else:
            return self._hold(text, tag.start())
        return tag.end()

    def _close(self) -> None:
        self._skip_space_before(self._read_answer)
        self._code = MarkdownCode()

    def _read_undecided(self, text: str, at: int) -> int:
        """Read what is thinking if a closing tag follows."""
        last = at + max(self._room, 0)  # where a closing tag may begin
        tag = self._find_close(text, at, last + len(self._tags.quoted_close))
        end = len(text) if tag is None else tag.start()
        if end > last or self._room < 0:
            end = self._add_undecided(text, at, last)
            self._answer += self._take_undecided()
            self._read = self._read_answer
            return end
        self._add_undecided(text, at, end)
        if tag is None:
            return end
        if tag[0] not in (self._tags.close, self._tags.quoted_close):
            return self._hold(text, end)
        if tag[0] == self._tags.quoted_close or not (self._opening or self._can_close()):
            return self._add_undecided(text, end, tag.end())
        _, *thinking = self._take_undecided()
        self._thinking.append("".join(thinking).lstrip())
        self._close()
        return tag.end()

    def _take_undecided(self) -> list[str]:
        """Return the opening tag, which may be empty, and the pieces after it."""
        taken = [self._opening, *self._undecided]
        self._opening = ""
        self._undecided.clear()
        return taken

    def _can_close(self) -> bool:
        """Tell whether a closing tag that follows is more than mentioned."""
        if self._code.inside or self._code.at_line_start:
            return not self._code.inside
        before = self._code.tail[-1]
        if before.isspace() or before in "\"'`<" or category(before) in _OPENERS:
            return False
        return self._tags.open not in "".join(self._undecided).rpartition("\n")[2]

    def _add_undecided(self, text: str, begin: int, end: int) -> int:
        piece = text[begin:end]
        self._undecided.append(piece)
        self._room -= len(piece)
        self._code.read(piece)
        return end
