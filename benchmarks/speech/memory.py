"""The memory of a process that speaks for a long time, at full speed and without a device; prints JSON.

``python -m benchmarks.speech.memory MINUTES`` of audio.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from reactivex import from_iterable

from benchmarks.speech.spoken_sentences import SENTENCES
from ollama_rx import deliver
from ollama_rx.speech import Hibari, Speech, SpeechOutput
from ollama_rx.speech.audio import BYTES_PER_SAMPLE

SECONDS = 1800.0
EARLY, MIDDLE = 1 / 30, 1 / 3  # of the whole time: 1 and 10 of 30 minutes


class MemoryMeter(SpeechOutput):
    """Takes audio as fast as it comes, and notes the memory of the process at some moments of the audio."""

    def __init__(self, moments: list[float]) -> None:
        self.mebibytes: list[float] = []
        self._moments = moments
        self.seconds = 0.0
        self._rate = 0
        self.has_ended = Event()

    def start(self, rate: int) -> None:
        """Note the rate."""
        self._rate = rate

    def write(self, pcm: bytes, /) -> None:
        """Drop a block."""
        self.seconds += len(pcm) / BYTES_PER_SAMPLE / self._rate
        if not self.has_ended.is_set() and self.seconds >= self._moments[len(self.mebibytes)]:
            self.mebibytes.append(memory("VmRSS"))
            if len(self.mebibytes) == len(self._moments):
                self.has_ended.set()


def memory(kind: str) -> float:
    """Return the MiB that this process has now (VmRSS), or has had at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == kind:
            return int(value.split()[0]) / 1024
    raise SystemExit(f"/proc/self/status has no {kind}")


def story(ended: Event) -> Iterator[str]:
    """Yield sentences, none like the one before, until the end."""
    rng = random.Random(1)
    while not ended.is_set():
        yield " ".join([rng.choice(SENTENCES), f"This is number {rng.randint(1, 9999)}."])


def measure(minutes: float) -> dict[str, float]:
    """Speak for so long."""
    total = minutes * 60
    meter = MemoryMeter([total * EARLY, total * MIDDLE, total])
    voice = Speech(Hibari(), meter)
    deliver(from_iterable(story(meter.has_ended)), voice).wait(SECONDS)
    early, middle, late = meter.mebibytes
    stats = voice.stats
    assert stats is not None
    return {
        "early MiB": early,
        "middle MiB": middle,
        "end MiB": late,
        "peak MiB": memory("VmHWM"),
        "synthesis / audio": stats.real_time_factor or 0.0,
        "audio s": meter.seconds,
    }


def main() -> None:
    """Measure once."""
    print(json.dumps(measure(float(sys.argv[1]))))


if __name__ == "__main__":
    main()
