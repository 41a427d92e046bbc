"""Move thinking that stands in the text between tags to where thinking belongs."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.arguments import check_flag, check_length, wrong_value
from ollama_rx.chunks import Chunk
from ollama_rx.operators._prefix_pattern import LONGEST, open_ended
from ollama_rx.rx import Emitter, through


def split_thinking(
    open: str = "<think>",  # noqa: A002 - it opens what `close` closes
    close: str = "</think>",
    starts_inside: bool = False,  # noqa: FBT001, FBT002 - the third of a triple, as in the design
) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    r"""Move the text between tags into ``thinking``; the tags disappear, also where chunks cut them.

    ::

        source    -a--b--c--d-|   a="<thi"  b="nk>\nHm"        c="</think>\n\nYe"  d="s"
        chunks    -w--x--y--z-|   w=""      x.thinking="Hm"   y="Ye"              z="s"

    One chunk comes out for each that goes in, with all its other fields, at once; only what may still
    become a tag, and white space that may turn out to be a tag's, waits for the next chunk. White space
    goes the way it does in Ollama's own parser: gone before and after the opening tag and between the
    closing tag and the answer, kept everywhere else. Thinking that the server split itself passes.

    Held text leaves with the last chunk (``done``); if the stream completes without one, in a chunk of
    its own. Without a closing tag the rest is thinking. On error or cancel held text is dropped.

    Args:
        open: the opening tag; may occur again later in the answer.
        close: the closing tag.
        starts_inside: the answer begins with thinking, because the model's template already ends with
            the opening tag (as for some Qwen and DeepSeek templates); an opening tag that comes all the
            same is swallowed.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> chunks = (Chunk({"response": piece}) for piece in ("<thi", "nk>Hm", "</think> Yes"))
    >>> [(chunk.thinking, chunk.text) for chunk in of(*chunks).pipe(split_thinking(), ops.to_list()).run()]
    [('', ''), ('Hm', ''), ('', 'Yes')]
    """
    for name, tag in (("open", open), ("close", close)):
        check_length(name, tag, most=LONGEST, what="a tag")
        if tag.isspace():
            raise wrong_value(name, "a tag with visible characters", tag)
    check_flag("starts_inside", starts_inside)
    tags = _Tags(open, close, starts_inside=starts_inside)
    return through(lambda out: _Thinking(out, tags))


class _Tags:
    """The two tags, compiled once for all subscriptions."""

    def __init__(self, open_tag: str, close_tag: str, *, starts_inside: bool) -> None:
        self.open = open_tag
        self.close = close_tag
        self.starts_inside = starts_inside
        self.find_open = open_ended([open_tag]).search
        self.find_close = open_ended([close_tag]).search


class _Thinking:
    def __init__(self, out: Emitter[Chunk], tags: _Tags) -> None:
        self._emit = out.emit
        self._tags = tags
        self._find_open = tags.find_open
        self._last: Chunk | None = None
        self._begin()

    def _begin(self) -> None:
        self._inside = self._swallowing = self._eating = self._tags.starts_inside
        self._fresh = not self._inside  # nothing but white space yet
        self._blank: list[str] = []  # that white space; a tag after it makes it disappear
        self._held = ""  # the beginning of a tag

    def feed(self, chunk: Chunk, /) -> None:
        text = chunk.text
        settled = not (self._inside or self._fresh or self._eating or self._held)
        if settled and not self._find_open(text):
            self._emit(chunk)
            return
        self._last = chunk
        answer, thoughts = self._split(text)
        if chunk.done:
            more_answer, more_thoughts = self._rest()
            answer, thoughts = answer + more_answer, thoughts + more_thoughts
        if thoughts or answer != text:
            chunk = chunk.replace(text=answer, thinking=chunk.thinking + thoughts)
        self._emit(chunk)

    def flush(self) -> None:
        answer, thoughts = self._rest()
        if self._last is None or not (answer or thoughts):
            return
        if "message" in self._last.raw:
            bare = Chunk({"model": self._last.model, "message": {"role": "assistant"}, "done": False})
        else:
            bare = Chunk({"model": self._last.model, "done": False})
        self._emit(bare.replace(text=answer, thinking=thoughts))

    def _rest(self) -> tuple[str, str]:
        """Return what was held back, as answer and thinking, and be ready for another answer."""
        held = "".join(self._blank) + self._held
        rest = ("", held) if self._inside else (held, "")
        self._begin()
        return rest

    def _split(self, text: str) -> tuple[str, str]:
        """Take a piece of text; return what is now known to be answer and thinking."""
        text = self._held + text
        self._held = ""
        answer: list[str] = []
        thoughts: list[str] = []
        while text:
            if self._eating:
                text = self._eat(text)
            elif self._inside:
                text = self._think(text, thoughts)
            else:
                text = self._answer(text, answer)
        return "".join(answer), "".join(thoughts)

    def _eat(self, text: str) -> str:
        """Drop white space after a tag, and the opening tag where thinking has begun without it."""
        text = text.lstrip()
        opening = self._tags.open
        if self._swallowing and text.startswith(opening):
            self._swallowing = False
            return text[len(opening) :]
        if self._swallowing and text and opening.startswith(text):
            self._held = text
            return ""
        if text:
            self._eating = self._swallowing = False
        return text

    def _think(self, text: str, thoughts: list[str]) -> str:
        match = self._tags.find_close(text)
        if match is None:
            thoughts.append(text)
            return ""
        thoughts.append(text[: match.start()])
        if match[0] != self._tags.close:
            self._held = match[0]
            return ""
        self._inside = False
        self._eating = True
        return text[match.end() :]

    def _answer(self, text: str, answer: list[str]) -> str:
        match = self._tags.find_open(text)
        before = text if match is None else text[: match.start()]
        if self._fresh and (not before or before.isspace()):
            self._blank.append(before)
        else:
            answer += self._blank
            answer.append(before)
            self._blank.clear()
            self._fresh = False
        if match is None:
            return ""
        if match[0] != self._tags.open:
            self._held = match[0]
            return ""
        self._blank.clear()
        self._fresh = False
        self._inside = self._eating = True
        return text[match.end() :]
