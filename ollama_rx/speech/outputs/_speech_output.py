"""The contract of an output, which takes audio: a device, a file, a connection; and how to write one.

This one is complete::

    from ollama_rx.speech import SpeechOutput, Speech

    class Recorder(SpeechOutput):
        def __init__(self) -> None:
            self.pcm = bytearray()

        def write(self, pcm: bytes, /) -> None:
            self.pcm += pcm

    deliver(sentences, Speech(output=Recorder())).wait()

What `Speech` promises to an output, and what an output may do:

1. **Order.** ``start`` is called first, then ``write`` for one block after the other, then ``drain`` if the
   speech has come to its end, then ``close``. These calls never overlap and are made on one thread of the
   delivery. ``close`` is called exactly once for each ``start``, also if that fails; after it ``start`` may
   come again, for the next delivery.
2. **Blocks.** A block has one channel of 16-bit samples (signed, little-endian), ``block`` seconds of them or
   fewer.
3. **Pace.** ``write`` blocks while the output cannot take more, as a device does. An output that plays as
   time passes overrides ``unplayed`` and ``drain`` too. Others, such as a file, take audio as fast as it is
   computed, and what was written counts as heard.
4. **Interrupting.** If the listener interrupts, ``stop`` is called from another thread, possibly during
   another call and more than once. Within 50 ms nothing more may be heard: what was written and not played
   yet is dropped, and a ``write`` or ``drain`` that waits returns. Later writes play again.
5. **Failing.** What an output raises is reported as a `SpeechError` that names it.
"""

from abc import ABC, abstractmethod


class SpeechOutput(ABC):
    """Takes audio; a subclass must define ``write`` only."""

    name: str = ""
    """What error messages call it; by default the name of its class."""
    block: float = 0.02
    """Seconds of audio in one call of ``write``."""

    def start(self, rate: int) -> None:
        """Prepare for audio of ``rate`` samples a second."""

    @abstractmethod
    def write(self, pcm: bytes, /) -> None:
        """Take a block; wait while there is no room for it."""

    def unplayed(self) -> float:
        """Return how many seconds were written and have not been heard yet; called from any thread."""
        return 0.0

    def drain(self) -> None:
        """Wait until all that was written is heard."""

    def stop(self) -> None:
        """Drop what is not heard yet and be silent, from any thread."""

    def close(self) -> None:
        """Release what ``start`` has taken; called after the last block."""

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if not cls.__dict__.get("name"):
            cls.name = cls.__name__
