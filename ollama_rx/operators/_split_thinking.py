"""Move thinking from between tags in the text to the ``thinking`` of the chunks."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.arguments import check_flag, check_length, wrong_value
from ollama_rx.chunks import Chunk
from ollama_rx.operators._prefix_pattern import MAX_LENGTH, prefix_pattern
from ollama_rx.rx import Emitter, through


def split_thinking(
    open: str = "<think>",  # noqa: A002 - it opens what `close` closes
    close: str = "</think>",
    starts_inside: bool = False,  # noqa: FBT001, FBT002 - belongs to the two tags
) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    r"""Move the text between tags into ``thinking`` and remove the tags, even if chunks cut them.

    ::

        source    -a--b--c--d-|   a="<thi"  b="nk>\nHm"       c="</think>\n\nYe"  d="s"
        chunks    -w--x--y--z-|   w=""      x.thinking="Hm"   y="Ye"              z="s"

    Each chunk is emitted at once, with all its other fields. Only text that may still become a tag, and
    white space that may still belong to a tag, waits for the next chunk. White space is treated as in
    Ollama's own parser: removed before and after the opening tag and between the closing tag and the
    answer, kept everywhere else. Thinking that the server has already separated passes unchanged.

    Held text is emitted with the last chunk (``done``); if the stream completes without one, in an extra
    chunk. If the closing tag is missing, the rest is thinking. On error or cancel held text is dropped.

    Args:
        open: the opening tag; may occur again later in the answer.
        close: the closing tag.
        starts_inside: the answer begins with thinking, because the model's template already ends with
            the opening tag (as some Qwen and DeepSeek templates do); if the model repeats the opening
            tag, it is removed.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> chunks = (Chunk({"response": piece}) for piece in ("<thi", "nk>Hm", "</think> Yes"))
    >>> [(chunk.thinking, chunk.text) for chunk in of(*chunks).pipe(split_thinking(), ops.to_list()).run()]
    [('', ''), ('Hm', ''), ('', 'Yes')]
    """
    for name, tag in (("open", open), ("close", close)):
        check_length(name, tag, most=MAX_LENGTH, what="a tag")
        if tag.isspace():
            raise wrong_value(name, "a tag with visible characters", tag)
    check_flag("starts_inside", starts_inside)
    tags = _ThinkingTags(open, close, starts_inside=starts_inside)
    return through(lambda out: _SplitThinking(out, tags), name="split_thinking", takes=Chunk, gives=Chunk)


class _ThinkingTags:
    """The two tags, compiled once for all subscriptions."""

    def __init__(self, open_tag: str, close_tag: str, *, starts_inside: bool) -> None:
        self.open = open_tag
        self.close = close_tag
        self.starts_inside = starts_inside
        self.find_open = prefix_pattern([open_tag]).search
        self.find_close = prefix_pattern([close_tag]).search


class _SplitThinking:
    def __init__(self, out: Emitter[Chunk], tags: _ThinkingTags) -> None:
        self._emit = out.emit
        self._tags = tags
        self._find_open = tags.find_open
        self._last: Chunk | None = None
        self._reset()

    def _reset(self) -> None:
        self._inside = self._skip_open_tag = self._skip_space = self._tags.starts_inside
        self._leading = not self._inside  # only white space has arrived yet
        self._leading_space: list[str] = []  # dropped if a tag follows it
        self._held = ""  # the beginning of a tag

    def feed(self, chunk: Chunk, /) -> None:
        text = chunk.text
        in_answer = not (self._inside or self._leading or self._skip_space or self._held)
        if in_answer and not self._find_open(text):
            self._emit(chunk)
            return
        self._last = chunk
        answer, thinking = self._split(text)
        if chunk.done:
            held_answer, held_thinking = self._take_held()
            answer, thinking = answer + held_answer, thinking + held_thinking
        if thinking or answer != text:
            chunk = chunk.replace(text=answer, thinking=chunk.thinking + thinking)
        self._emit(chunk)

    def flush(self) -> None:
        answer, thinking = self._take_held()
        if self._last is None or not (answer or thinking):
            return
        if "message" in self._last.raw:
            extra = Chunk({"model": self._last.model, "message": {"role": "assistant"}, "done": False})
        else:
            extra = Chunk({"model": self._last.model, "done": False})
        self._emit(extra.replace(text=answer, thinking=thinking))

    def _take_held(self) -> tuple[str, str]:
        """Return the held text as answer and thinking, and start again for the next answer."""
        held = "".join(self._leading_space) + self._held
        split = ("", held) if self._inside else (held, "")
        self._reset()
        return split

    def _split(self, text: str) -> tuple[str, str]:
        """Take a piece of text; return what is certain to be answer, and what is certain to be thinking."""
        text = self._held + text
        self._held = ""
        answer: list[str] = []
        thinking: list[str] = []
        while text:
            if self._skip_space:
                text = self._skip_after_tag(text)
            elif self._inside:
                text = self._read_thinking(text, thinking)
            else:
                text = self._read_answer(text, answer)
        return "".join(answer), "".join(thinking)

    def _skip_after_tag(self, text: str) -> str:
        """Drop white space after a tag, and a repeated opening tag if the answer starts inside."""
        text = text.lstrip()
        opening = self._tags.open
        if self._skip_open_tag and text.startswith(opening):
            self._skip_open_tag = False
            return text[len(opening) :]
        if self._skip_open_tag and text and opening.startswith(text):
            self._held = text
            return ""
        if text:
            self._skip_space = self._skip_open_tag = False
        return text

    def _read_thinking(self, text: str, thinking: list[str]) -> str:
        """Add the text before the closing tag to the thinking; return the text after the tag."""
        match = self._tags.find_close(text)
        if match is None:
            thinking.append(text)
            return ""
        thinking.append(text[: match.start()])
        if match[0] != self._tags.close:
            self._held = match[0]
            return ""
        self._inside = False
        self._skip_space = True
        return text[match.end() :]

    def _read_answer(self, text: str, answer: list[str]) -> str:
        """Add the text before the opening tag to the answer; return the text after the tag."""
        match = self._tags.find_open(text)
        before = text if match is None else text[: match.start()]
        if self._leading and (not before or before.isspace()):
            self._leading_space.append(before)
        else:
            answer += self._leading_space
            answer.append(before)
            self._leading_space.clear()
            self._leading = False
        if match is None:
            return ""
        if match[0] != self._tags.open:
            self._held = match[0]
            return ""
        self._leading_space.clear()
        self._leading = False
        self._inside = self._skip_space = True
        return text[match.end() :]
