"""A test tool: where in a piece of audio something can be heard, found without any knowledge of its words."""

from ollama_rx.speech import Audio

STEP = 0.005
LOUD = 500


def audible_stretches(audio: Audio, pause: float) -> list[tuple[float, float]]:
    """Return from when to when sound is heard that no silence of ``pause`` seconds interrupts."""
    samples = memoryview(audio.pcm).cast("h")
    step = round(STEP * audio.rate)
    stretches: list[tuple[float, float]] = []
    for at in range(0, len(samples), step):
        part = samples[at : at + step]
        if max(map(abs, part)) > LOUD:
            start, end = at / audio.rate, (at + len(part)) / audio.rate
            if stretches and start - stretches[-1][1] < pause:
                start = stretches.pop()[0]
            stretches.append((start, end))
    return stretches
