"""Turn sentences of Markdown into text for a voice."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from reactivex import Observable

from ollama_rx.arguments import check_choice, check_text, optional_mapping, optional_texts, wrong_value
from ollama_rx.operators._voice_tags import checked_tag_names
from ollama_rx.rx import Emitter, through

if TYPE_CHECKING:
    from ollama_rx.operators._markdown_to_speech import MarkdownToSpeech


class Spoken(str):
    """What a voice says, as text, with the sentence that it was made of.

    >>> spoken = Spoken("Hello Ada.", "**Hello** Ada.")
    >>> spoken.upper(), spoken.written
    ('HELLO ADA.', '**Hello** Ada.')
    """

    __slots__ = ("_written",)
    _written: str

    def __new__(cls, said: str, written: str) -> Self:
        spoken = super().__new__(cls, said)
        spoken._written = written
        return spoken

    @property
    def said(self) -> str:
        """What is said, as plain text."""
        return str(self)

    @property
    def written(self) -> str:
        """The sentence, as `speakable` was given it."""
        return self._written

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.said!r}, {self.written!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.said, self.written)


def speakable(
    *,
    code: str | None = None,
    urls: Literal["host", "skip", "full"] = "host",
    pronounce: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    drop_tags: Sequence[str] = (),
) -> Callable[[Observable[str]], Observable[Spoken]]:
    r"""Turn each sentence of Markdown into what a voice should say; drop sentences with nothing to say.

    ::

        source  -a------b----c-|   a="**Hello [Ada](https://a.b)."   b="How *are* you?** 👋"   c="---"
        spoken  -x------y------|   x="Hello Ada."                    y="How are you?"

    Expects whole sentences: put `split_sentences` before it. A formatting pair may be split over two
    sentences; a block of code, a formula or a comment over any number. Holds nothing back. What has no letter
    or digit, such as "..." or "👋", is dropped. What is emitted is text, a `Spoken`; its ``written`` is the
    sentence as it came in.

    - Emphasis, headings, quotes: their text. Lists: their items, with the number if they have one.
    - Links and images: their text. Addresses: the host, without "www", or as ``urls`` says.
    - Tables: a line for each row, with commas between the cells. Rules and HTML tags: nothing.
    - Code in a line: unchanged. Blocks of code: nothing, or the text of ``code``.
    - LaTeX: in Unicode, as far as it has the signs ("$x^2 \le y$" becomes "x² ≤ y").
    - References such as [1], [^a] and 【4†source】, and numbers that link to the web: nothing. Other text in
      brackets is said.
    - Emoji, box drawings, bullets and marks of text direction: nothing. Arrows between words: a comma.

    ``snake_case``, ``3 < 5``, ``2*3*4``, ``*.py``, ``f(**kw)``, ``C#`` and ``$5`` stay. A marker of a list or
    quote in the middle of a line is text. After `split_sentences`, which removes the line ends, "- " before a
    number is a minus if it follows a complete sentence that is not an item itself. Numbers, units and dates
    are left to the voice. Needs the extra ``ollama-rx[speech]`` (markdown-it-py).

    The time it takes grows with the length of the text, whatever the text is. For that, at most 1000
    characters are parsed together: in a longer line, a formatting pair, link or formula may be cut.

    Args:
        code: what to say in place of a block of code, such as "Here is some code."
        urls: what to say of an address: its host, nothing ("skip"), or all of it ("full").
        pronounce: what to say instead of words, such as ``{"SQL": "sequel", "C++": "see plus plus"}``; ""
            leaves a word out. Whole words in their exact case are replaced, also before a mark or "'s", each
            once, the longest first. A key may be several words. In scripts without spaces between words, and
            in Korean, it is found anywhere. Words in addresses and between ``tags`` stay.
        tags: names of tags that the voice understands, such as ("spell", "break"). They are said exactly as
            they are written, ``<break time="1s"/>`` also alone; the text between two is Markdown. In inline
            code tags are text; so are tags with other names.
        drop_tags: names of tags to leave out, for a voice that does not understand them; the text between
            two is said. Give `split_sentences` the names of both, so that it leaves the tags whole.

    Raises:
        ImportError: when the operator is built without the extra.
        ValueError: an argument is out of range, or a name is in both ``tags`` and ``drop_tags``.
        TypeError: an argument has a wrong type.

    >>> from reactivex import of
    >>> of("# The *big* `snake_case`, see <b>[here](https://x.y)</b> 👋").pipe(speakable()).run()
    Spoken('The big snake_case, see here', '# The *big* `snake_case`, see <b>[here](https://x.y)</b> 👋')
    >>> speak = speakable(pronounce={"SQL": "sequel"}, tags=["break"])
    >>> of('**SQL** <break time="1s"/> is old.').pipe(speak).run().said
    'sequel <break time="1s"/> is old.'
    """
    make_speaker = speaker_factory(code=code, urls=urls, pronounce=pronounce, tags=tags, drop_tags=drop_tags)
    return through(lambda out: _Speakable(out, make_speaker()), name="speakable", takes=str, gives=Spoken)


def speaker_factory(
    *,
    code: str | None = None,
    urls: Literal["host", "skip", "full"] = "host",
    pronounce: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    drop_tags: Sequence[str] = (),
) -> "Callable[[], MarkdownToSpeech]":
    """Check the arguments of `speakable`, and return a function that makes what does its work without Rx.

    Each is for one answer: ``say(sentence)`` returns what to say of the next sentence, "" for nothing.

    >>> speaker = speaker_factory()()
    >>> speaker.say("**Hello"), speaker.say("you**"), speaker.say("---")
    ('Hello', 'you', '')
    """
    optional_texts(code=code)
    check_choice("urls", urls, ("host", "skip", "full"))
    words = _checked_words(pronounce)
    kept, dropped = checked_tag_names("tags", tags), checked_tag_names("drop_tags", drop_tags)
    for name in dropped:
        if name in kept:
            raise wrong_value("drop_tags", "names that are not in tags", name)
    # Imported late: compiling its regular expressions takes longer than all other imports of an operator.
    from ollama_rx.operators._markdown_to_speech import MarkdownToSpeech, parser  # noqa: PLC0415
    from ollama_rx.operators._pronunciation import Pronunciation  # noqa: PLC0415
    from ollama_rx.operators._spoken_tags import SpokenTags  # noqa: PLC0415

    try:
        parser()
    except ImportError as error:
        raise ImportError('speakable() needs markdown-it-py: pip install "ollama-rx[speech]"') from error
    spoken_tags = SpokenTags(kept, dropped) if kept or dropped else None
    pronunciation = Pronunciation(words, kept) if words else None
    return lambda: MarkdownToSpeech(code, urls, spoken_tags, pronunciation)


def _checked_words(pronounce: Mapping[str, str] | None) -> dict[str, str]:
    words = optional_mapping("pronounce", pronounce) or {}
    for word, said in words.items():
        check_text("pronounce", word, "text for each word")
        check_text("pronounce", said, f"text to say instead of {word!r}")
        if not word.strip():
            raise wrong_value("pronounce", "words that are not empty", word)
    return words


class _Speakable:
    def __init__(self, out: Emitter[Spoken], speaker: "MarkdownToSpeech") -> None:
        self._emit = out.emit
        self._say = speaker.say

    def feed(self, sentence: str, /) -> None:
        said = self._say(sentence)
        if said:
            self._emit(Spoken(said, sentence))
