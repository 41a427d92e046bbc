"""How fast a voice was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechStats:
    """Figures of one delivery to a voice, in seconds; the first two count from its beginning."""

    first_sentence: float | None
    """When the first sentence arrived; None if none has."""
    first_audio: float | None
    """When the output was given the first audio; None if it was not."""
    audio: float
    """How much audio was played."""
    synthesis: float
    """How long the engine took for it, loading excluded."""
    late: float
    """How long an output that plays in real time had nothing to play, after the first audio."""

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of synthesis for a second of audio: below 1 the voice keeps up; None without audio."""
        return self.synthesis / self.audio if self.audio else None
