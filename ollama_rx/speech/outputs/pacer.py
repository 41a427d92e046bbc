"""Play in real time without a device."""

import time
from threading import Condition, RLock

from ollama_rx.arguments import check_seconds
from ollama_rx.speech.audio import BYTES_PER_SAMPLE
from ollama_rx.speech.outputs._speech_output import SpeechOutput
from ollama_rx.speech.outputs.output_for import Target, output_for

_STOPPING_SECONDS = 0.02  # how long `stop` waits for a block that is just being passed on


class Pacer(SpeechOutput):
    """Passes audio on at the pace at which it is heard, as a device would take it.

    Put it in front of an output whose listener plays the audio elsewhere, such as a web page: what is not
    needed yet stays here, where an interruption can drop it. Without an output the audio goes nowhere and
    only the time passes, as tests need it.

    ::

        deliver(sentences, Speech(output=Pacer(send))).wait()

    Args:
        output: where the audio goes: what `Speech` takes as its output.
        ahead: how many seconds earlier than it is heard, at most, audio is passed on: enough to bridge the
            delays of threads and connections. An interruption cannot call back more than these.
    """

    def __init__(self, output: Target | None = None, *, ahead: float = 0.1) -> None:
        check_seconds("ahead", ahead)
        self._output = _Nowhere() if output is None else output_for(output)
        if output is not None:
            self.name = f"Pacer({self._output.name})"
        self.block = min(self._output.block, ahead)
        self._ahead = ahead
        self._rate = 1
        self._clock = time.monotonic
        self._changed = Condition()
        self._playing = _PlayedTime()
        self._stops = 0
        self._passing_on = RLock()  # re-entrant: the output may call `stop` itself

    def start(self, rate: int) -> None:
        """Prepare the output."""
        self._rate = rate
        self._output.start(rate)

    def write(self, pcm: bytes, /) -> None:
        """Pass a block on as soon as its end is no more than ``ahead`` seconds away."""
        seconds = len(pcm) / BYTES_PER_SAMPLE / self._rate
        stops = self._stops
        end = self._playing.end_of(seconds, self._clock())
        self._wait_until(end - self._ahead, stops)
        with self._passing_on:
            if not self._take_until(end, stops):
                return
            self._output.write(pcm)
            if self._stops != stops:  # meanwhile, and the output may have seen that before the block
                self._output.stop()

    def unplayed(self) -> float:
        """Return how many seconds were passed on and have not been heard yet, by the clock."""
        return max(self._playing.left(self._clock()), self._output.unplayed())

    def drain(self) -> None:
        """Wait until the last block is heard."""
        stops = self._stops
        if self._wait_until(self._playing.end, stops):
            self._output.drain()

    def stop(self) -> None:
        """Drop the block that waits, and let the output drop what it has."""
        with self._changed:
            self._stops += 1
            self._playing.end = self._clock()
            self._changed.notify_all()
        self._output.stop()  # which also wakes it, if it waits in `write`
        if self._passing_on.acquire(timeout=_STOPPING_SECONDS):
            self._passing_on.release()

    def close(self) -> None:
        """Close the output."""
        self._output.close()

    def _take_until(self, end: float, stops: int) -> bool:
        """Note that the next block is heard until then; return False if it was stopped before."""
        with self._changed:
            if self._stops != stops:
                return False
            self._playing.end = end
            return True

    def _wait_until(self, moment: float, stops: int) -> bool:
        """Wait until a moment of the clock; return False at once if there is a stop."""
        with self._changed:
            while self._stops == stops and (seconds := moment - self._clock()) > 0:
                self._changed.wait(seconds)
            return self._stops == stops


class _PlayedTime:
    """When audio is heard that follows other audio without a gap, by a clock that is given.

    Blocks add up to exact times: a thread that wakes up late does not delay the next block. If audio came too
    late, there was a gap, and the time starts anew.
    """

    def __init__(self) -> None:
        self.end = 0.0  # when all is heard

    def end_of(self, seconds: float, now: float) -> float:
        """Return when a block that comes now will have been heard."""
        return max(self.end, now) + seconds

    def left(self, now: float) -> float:
        """Return how many seconds are to be heard yet."""
        return max(0.0, self.end - now)


class _Nowhere(SpeechOutput):
    """Takes audio and drops it."""

    def write(self, pcm: bytes, /) -> None:
        """Drop the block."""
