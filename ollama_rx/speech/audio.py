"""Pieces of audio, and the words in them."""

from dataclasses import dataclass, field
from typing import cast

from ollama_rx.arguments import check_whole, wrong_type

BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a voice says, with its time.

    >>> Word("Hello", 0.03, 0.41).end
    0.41
    """

    text: str
    """The word as it stands in the text that was to be said, with the marks that touch it ("Hello,")."""
    start: float
    """Seconds; what they count from is said where words are given."""
    end: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Audio:
    """A piece of audio: one channel of 16-bit samples (signed, little-endian).

    Raises:
        TypeError: ``pcm`` is not bytes, ``rate`` is not a whole number, or ``words`` is not a tuple of words.
        ValueError: ``pcm`` has half a sample, or ``rate`` is below 1.

    >>> Audio(bytes(48_000), rate=24_000).seconds
    1.0
    """

    pcm: bytes = field(repr=False)
    """The samples; an even number of bytes."""
    rate: int
    """Samples a second, such as 24,000."""
    words: tuple[Word, ...] = ()
    """The words that end in this piece, in their order; their times count from its beginning. Empty if the
    engine does not know them."""

    def __post_init__(self) -> None:
        pcm, words = cast("object", self.pcm), cast("object", self.words)
        if not isinstance(pcm, bytes):
            raise wrong_type("pcm", "bytes", pcm)
        if len(pcm) % BYTES_PER_SAMPLE:
            raise ValueError(f"pcm: expected whole samples of two bytes, got {len(pcm)} bytes")
        check_whole("rate", self.rate, least=1)
        if not isinstance(words, tuple):
            raise wrong_type("words", "a tuple of Word", words)
        for word in cast("tuple[object, ...]", words):
            if not isinstance(word, Word):
                raise wrong_type("words", "a tuple of Word", word)

    @property
    def seconds(self) -> float:
        """How long the piece is."""
        return len(self.pcm) / BYTES_PER_SAMPLE / self.rate
