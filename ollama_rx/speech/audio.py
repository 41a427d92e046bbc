"""Pieces of audio, and the words in them."""

from dataclasses import dataclass, field

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

    @property
    def seconds(self) -> float:
        """How long the piece is."""
        return len(self.pcm) / BYTES_PER_SAMPLE / self.rate
