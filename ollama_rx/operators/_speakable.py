"""Turn sentences of Markdown into text for a voice."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Self

from reactivex import Observable

from ollama_rx.arguments import check_choice, optional_texts
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
    *, code: str | None = None, urls: Literal["host", "skip", "full"] = "host"
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

    Raises:
        ImportError: when the operator is built without the extra.

    >>> from reactivex import of
    >>> of("# The *big* `snake_case`, see <b>[here](https://x.y)</b> 👋").pipe(speakable()).run()
    Spoken('The big snake_case, see here', '# The *big* `snake_case`, see <b>[here](https://x.y)</b> 👋')
    """
    make_speaker = speaker_factory(code=code, urls=urls)
    return through(lambda out: _Speakable(out, make_speaker()), name="speakable", takes=str, gives=Spoken)


def speaker_factory(
    *, code: str | None = None, urls: Literal["host", "skip", "full"] = "host"
) -> "Callable[[], MarkdownToSpeech]":
    """Check the arguments of `speakable`, and return a function that makes what does its work without Rx.

    Each is for one text: ``say(sentence)`` returns what to say of the next sentence, "" if that is nothing.

    >>> speaker = speaker_factory()()
    >>> speaker.say("**Hello"), speaker.say("you**"), speaker.say("---")
    ('Hello', 'you', '')
    """
    optional_texts(code=code)
    check_choice("urls", urls, ("host", "skip", "full"))
    # Imported late: compiling its regular expressions takes longer than all other imports of an operator.
    from ollama_rx.operators._markdown_to_speech import MarkdownToSpeech, parser  # noqa: PLC0415

    try:
        parser()
    except ImportError as error:
        raise ImportError('speakable() needs markdown-it-py: pip install "ollama-rx[speech]"') from error
    return lambda: MarkdownToSpeech(code, urls)


class _Speakable:
    def __init__(self, out: Emitter[Spoken], speaker: "MarkdownToSpeech") -> None:
        self._emit = out.emit
        self._say = speaker.say

    def feed(self, sentence: str, /) -> None:
        said = self._say(sentence)
        if said:
            self._emit(Spoken(said, sentence))
