"""Speech that is cut between two samples clicks; a few milliseconds that become silent do not."""

from array import array

from ollama_rx.speech.audio import BYTES_PER_SAMPLE

_FADE_SECONDS = 0.005  # long enough not to click


def fade_bytes(rate: int) -> int:
    """Return how many bytes of samples a fade takes."""
    return max(1, round(_FADE_SECONDS * rate)) * BYTES_PER_SAMPLE


def fade_out(pcm: bytes) -> bytes:
    """Return samples that become silent gradually."""
    samples = array("h", pcm)
    left = range(len(samples), 0, -1)
    return array("h", (s * n // len(samples) for s, n in zip(samples, left, strict=True))).tobytes()
