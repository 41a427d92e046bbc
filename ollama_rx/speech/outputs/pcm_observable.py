"""The samples of speech as an Observable."""

from contextlib import ExitStack
from threading import Lock

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from ollama_rx.arguments import check_seconds
from ollama_rx.speech.outputs._speech_output import SpeechOutput


class PcmObservable(SpeechOutput):
    """Emits blocks of samples (16-bit, signed, little-endian, one channel) to the subscribers of ``pcm``.

    ::

        write   ---a--b-----c--(close)------d--(close)
        early   ^--a--b-----c--|
        late            ^---c--|
        next                        ^-------d--|

    ``pcm`` is hot: a subscription receives what is spoken from now on, and completes at the end of that
    delivery; one that is made between two deliveries belongs to the next. Subscribers are called on a thread
    of the voice. A slow one, also a full queue of `deliver` or `iterate`, makes the voice wait. What waits in
    a queue cannot be called back by an interruption; behind a `Pacer` it is never much. What a subscriber
    raises fails the output.

    Args:
        block: seconds of audio in one item.
    """

    pcm: Observable[bytes]
    """The blocks."""

    def __init__(self, *, block: float = 0.04) -> None:
        check_seconds("block", block)
        self.block = block
        self.pcm = Observable(self._subscribe)
        self._observers: tuple[abc.ObserverBase[bytes], ...] = ()
        self._lock = Lock()

    def write(self, pcm: bytes, /) -> None:
        """Emit a block."""
        for observer in self._observers:
            observer.on_next(pcm)

    def close(self) -> None:
        """Complete the subscriptions."""
        with self._lock:
            observers, self._observers = self._observers, ()
        with ExitStack() as completions:  # if one of them raises, the others are called nevertheless
            for observer in reversed(observers):
                completions.callback(observer.on_completed)

    def _subscribe(
        self, observer: abc.ObserverBase[bytes], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        with self._lock:
            self._observers += (observer,)
        return Disposable(lambda: self._remove(observer))

    def _remove(self, observer: abc.ObserverBase[bytes]) -> None:
        with self._lock:
            self._observers = tuple(other for other in self._observers if other is not observer)
