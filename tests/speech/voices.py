"""Engines and outputs for tests: they say what they are told, when they are told."""

import threading
from array import array
from collections.abc import Iterator

from ollama_rx.speech import Audio, SpeechEngine, SpeechOutput, Word

RATE = 1_000
LETTER = 0.1  # seconds that a letter takes
TIMEOUT = 10.0


def tone(seconds: float) -> bytes:
    """Return samples that are loud, and differ from each other for half a minute."""
    return array("h", range(1_000, 1_000 + round(seconds * RATE))).tobytes()


class Letters(SpeechEngine):
    """Says each word in as many tenths of a second as it has letters; ``words`` says when, on request."""

    name = "letters"

    def __init__(self, *, words: bool = True, wait_at: str = "", error_at: str = "") -> None:
        self.texts: list[str] = []
        self.gate = threading.Event()
        self.waits = threading.Event()
        self.stops = 0
        self._words = words
        self._wait_at = wait_at
        self._error_at = error_at

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        self.texts.append(text)
        for word in text.split():
            if word == self._wait_at:
                self.waits.set()
                assert self.gate.wait(TIMEOUT)
            if word == self._error_at:
                raise OSError("no breath")
            seconds = len(word) * LETTER
            yield Audio(tone(seconds), RATE, (Word(word, 0.0, seconds),) if self._words else ())

    def stop(self) -> None:
        self.stops += 1
        self.gate.set()


class SlowToLoad(Letters):
    """Takes as long to load as the test wants, and notes in which threads it did."""

    name = "slow to load"

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.loads: list[threading.Thread] = []
        self.loading = threading.Event()
        self.may_load = threading.Event()
        self._error = error

    def load(self) -> None:
        if self.loads:
            return
        self.loads.append(threading.current_thread())
        self.loading.set()
        assert self.may_load.wait(TIMEOUT)
        if self._error is not None:
            raise self._error


class Tape(SpeechOutput):
    """Takes audio as fast as it comes."""

    name = "tape"
    block = LETTER

    def __init__(self, error_at: str = "") -> None:
        self.calls: list[str] = []
        self.pcm = bytearray()
        self._error_at = error_at

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE

    def start(self, rate: int) -> None:
        self._note(f"start {rate}")

    def write(self, pcm: bytes, /) -> None:
        if not self.pcm:
            self._note("write")
        self.pcm += pcm

    def drain(self) -> None:
        self._note("drain")

    def stop(self) -> None:
        self._note("stop")

    def close(self) -> None:
        self._note("close")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call.split(maxsplit=1)[0] == self._error_at:
            raise OSError("torn")


class Turntable(Tape):
    """Plays in a time of its own: as far as the test turns it. It takes no more than is to be played."""

    name = "turntable"

    def __init__(self, error_at: str = "") -> None:
        super().__init__(error_at)
        self._changed = threading.Condition()
        self._turned = 0.0
        self._stops = 0
        self._writer: threading.Thread | None = None  # of a block that the voice has not counted yet

    def turn(self, seconds: float, *, least: float | None = None) -> None:
        """Play until this second, and wait until that much was written, or what is given as the least.

        The voice has counted it too: its thread asks what is unplayed after each block.
        """
        least = seconds if least is None else least
        with self._changed:
            self._turned = seconds
            self._changed.notify_all()
            assert self._changed.wait_for(
                lambda: self._writer is None and self.seconds >= least - 1e-6, TIMEOUT
            )

    def write(self, pcm: bytes, /) -> None:
        with self._changed:
            stops = self._stops
            self._changed.wait_for(lambda: self._turned > self.seconds + 1e-6 or self._stops != stops)
            if self._stops == stops:
                super().write(pcm)
                self._writer = threading.current_thread()

    def unplayed(self) -> float:
        with self._changed:
            if self._writer is threading.current_thread():
                self._writer = None
                self._changed.notify_all()
            return max(0.0, self.seconds - self._turned)

    def stop(self) -> None:
        with self._changed:
            self._stops += 1
            self._writer = None
            del self.pcm[2 * round(self._turned * RATE) :]
            self._changed.notify_all()
        super().stop()
