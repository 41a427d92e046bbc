"""Split streamed text into sentences."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from reactivex import Observable

from ollama_rx.arguments import as_items, check_flag, check_length, check_seconds, check_text, check_whole
from ollama_rx.operators._sentences.characters import weight
from ollama_rx.operators._voice_tags import checked_tag_names
from ollama_rx.rx import Emitter, through

if TYPE_CHECKING:
    from ollama_rx.operators._sentences.splitter import Splitter
    from ollama_rx.operators._sentences.tag_mask import TagMask, TagSplitter

    _MakeParts = Callable[[Callable[[str], object]], tuple[Splitter | TagSplitter, "_Merger"]]

_LONGEST_NAME = 60  # characters; the splitter keeps more than that of the text before a mark


def split_sentences(
    language: str | None = None,
    *,
    eager: bool = False,
    min_chars: int = 0,
    max_chars: int | None = None,
    first_fragment: bool = False,
    idle: float | None = None,
    strip: bool = True,
    never_split: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Callable[[Observable[str]], Observable[str]]:
    """Emit each sentence as soon as it is certain that it has ended.

    ::

        source     -a--b--c---d-|      a="It costs 3"  b=".50"  c=". Dr"  d=". Lee pays"
        sentences  -------x-----(y|)   x="It costs 3.50."  y="Dr. Lee pays"

    A sentence ends at a line break, immediately at marks like "。", after a dot when the next word has begun,
    and after an abbreviation or an initial when the next word is complete and is one that begins sentences.
    Dots in numbers, addresses and abbreviations do not end it; nor do marks in brackets, inline code and
    links. A code fence is one piece, a list marker stays with its item, headings and table rows end with
    their line.

    Decisions depend on characters only: the same text gives the same sentences however it is cut. On
    completion the text that is held is emitted; on error or cancel it is dropped. The operator does not know
    what words mean: "We met Jan. May came too" stays one sentence, and a headline without a mark or line
    break becomes part of the sentence after it.

    Args:
        language: a BCP 47 tag ("de", "pt-BR"). None finds the language from the text before each mark, by its
            script, its commonest words and its letters, and follows a text that changes its language; name it
            if you know it, for a first sentence of two words says little. The tables are in
            `_sentences/languages`.
        eager: end the sentence at the dot itself, a token earlier, where the text before it leaves little
            doubt; about one sentence in a hundred is then wrong (at "load.py", or where a dot begins an
            ellipsis).
        min_chars: a shorter sentence is merged with the next; a CJK character counts as three.
        max_chars: cut a longer sentence at the best clause mark, else at a space, never inside a word (which
            may be longer), a number or a grapheme. Code fences stay whole.
        first_fragment: let the first piece end at a clause (from 9 letters on), so that speech starts sooner.
        idle: seconds without text after which a sentence that only waits for the next word is emitted,
            if its own text leaves little doubt. Without this, output never depends on time.
        strip: remove white space around each sentence. If False, the joined output equals the input;
            each sentence begins with the space before it.
        never_split: names that contain a mark, such as ("Yahoo!", "Dr. Oetker"), of up to 60 characters each,
            exactly as they are written. No sentence ends inside one or with its last mark; line breaks
            still end sentences.
        tags: names of tags of a voice's own markup, such as ("spell", "break"), in their exact case. No
            sentence ends, and nothing is cut, inside ``<break time="1.5s"/>`` or ``<spell>A. B. C.</spell>``,
            with up to 240 characters between the tags. Of an opening tag that is not closed within them and
            in its line, only the tag is kept whole. Text is held back while it may become one of these. For
            ``min_chars`` and ``max_chars`` a tag counts as two characters.

    Raises:
        ValueError: an argument is out of range; the message names it.
        TypeError: an argument has a wrong type; the message names it.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("It costs 3", ".50. Dr", ". Lee pays.").pipe(split_sentences(), ops.to_list()).run()
    ['It costs 3.50.', 'Dr. Lee pays.']
    >>> of("So <spell>A. B.</spell>, yes. Bye.").pipe(split_sentences(tags=["spell"]), ops.to_list()).run()
    ['So <spell>A. B.</spell>, yes.', 'Bye.']
    """
    if language is not None:
        check_text("language", language, "a BCP 47 tag or None")
    check_flag("eager", eager)
    check_whole("min_chars", min_chars, least=0)
    if max_chars is not None:
        check_whole("max_chars", max_chars, least=max(1, min_chars))
    check_flag("first_fragment", first_fragment)
    if idle is not None:
        check_seconds("idle", idle)
    check_flag("strip", strip)
    names = tuple(as_items("never_split", never_split))
    for name in names:
        check_length("never_split", name, most=_LONGEST_NAME, what="a name")
    tag_names = checked_tag_names("tags", tags)

    from ollama_rx.operators._sentences.splitter import splitter_factory  # noqa: PLC0415 - slow
    from ollama_rx.operators._sentences.tag_mask import TagMask, TagSplitter  # noqa: PLC0415

    make_splitter = splitter_factory(
        language,
        eager=eager,
        first_fragment=first_fragment,
        min_chars=min_chars,
        max_chars=max_chars,
        never_split=names,
    )

    def make_parts(emit: Callable[[str], object]) -> "tuple[Splitter | TagSplitter, _Merger]":
        mask = TagMask(tag_names) if tag_names else None
        merger = _Merger(emit, mask, strip=strip, min_chars=min_chars, max_chars=max_chars)
        splitter = make_splitter(merger.push)
        return splitter if mask is None else TagSplitter(splitter, mask), merger

    kind = _Sentences if idle is None else partial(_SentencesOrPauses, idle=idle)
    machine = partial(kind, make_parts=make_parts)
    return through(machine, name="split_sentences", takes=str, gives=str)


class _Merger:
    """Merges a sentence that is too short with the next one, and strips white space."""

    __slots__ = (
        "_chars",
        "_emit",
        "_gap",
        "_held",
        "_mask",
        "_max_chars",
        "_min_chars",
        "_strip",
        "_weight",
        "push",
    )

    def __init__(
        self,
        emit: Callable[[str], object],
        mask: "TagMask | None",
        *,
        strip: bool,
        min_chars: int,
        max_chars: int | None,
    ) -> None:
        self._emit = emit
        self._mask = mask
        self._strip = strip
        self._min_chars = min_chars
        self._max_chars = max_chars
        self._held: list[str] = []
        self._chars = self._weight = 0  # of what is held, without the white space around it
        self._gap = 0  # white space after it
        self.push: Callable[[str], None] = self._merge if min_chars else self._emit_stripped
        """Take the next sentence."""

    def _merge(self, sentence: str, /) -> None:
        visible = sentence.strip()
        if not visible:
            self._held.append(sentence)
            self._gap += len(sentence)
            return
        start = sentence.find(visible)
        gap = self._gap + start if self._chars else 0
        if self._chars and self._max_chars is not None and self._chars + gap + len(visible) > self._max_chars:
            self.flush()
            gap = 0
        self._held.append(sentence)
        self._chars += gap + len(visible)
        self._weight += gap + weight(visible)
        self._gap = len(sentence) - start - len(visible)
        if self._weight >= self._min_chars:
            self.flush()

    def flush(self) -> None:
        """Emit what is held, however short it is."""
        held = "".join(self._held)
        self._held.clear()
        self._chars = self._weight = self._gap = 0
        self._emit_stripped(held)

    def _emit_stripped(self, sentence: str) -> None:
        if self._mask is not None:
            sentence = self._mask.restore(sentence)
        if self._strip:
            sentence = sentence.strip()
        if sentence:
            self._emit(sentence)


class _Sentences:
    def __init__(self, out: Emitter[str], make_parts: "_MakeParts") -> None:
        self._splitter, self._merger = make_parts(out.emit)
        self.feed: Callable[[str], None] = self._splitter.feed  # bound directly: one call less for each token

    def flush(self) -> None:
        self._splitter.flush()
        self._merger.flush()


class _SentencesOrPauses(_Sentences):
    """Also ends a sentence when no text arrives after its last mark for ``idle`` seconds."""

    def __init__(self, out: Emitter[str], make_parts: "_MakeParts", *, idle: float) -> None:
        super().__init__(out, make_parts)
        self.feed = self._feed_and_wait
        self._idle = idle
        self._later = out.later
        self._cancel: Callable[[], None] | None = None

    def _feed_and_wait(self, text: str, /) -> None:
        self.close()
        self._splitter.feed(text)
        if self._splitter.waiting:
            self._cancel = self._later(self._idle, self._splitter.pause)

    def close(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
