"""The contract of an engine, which turns text into audio, and how to write one.

This one is complete::

    from collections.abc import Iterator

    from ollama_rx.speech import Audio, SpeechEngine, Speech

    class Beeps(SpeechEngine):
        def synthesize(self, text: str, /) -> Iterator[Audio]:
            for word in text.split():
                yield Audio(tone(440, seconds=len(word) / 20), rate=24_000)

    deliver(sentences, Speech(Beeps(), "beeps.wav")).wait()

What `Speech` promises to an engine, and what an engine may do:

1. **Calls.** ``load`` comes first, then ``synthesize`` for one text after the other. The calls never overlap,
   also if several voices share the engine: they take turns. They are made on a thread of the delivery, never
   on an event loop, so they may block.
2. **Text.** It is one sentence or a part of one, ready to be said: no Markdown, no line breaks.
3. **Audio.** ``synthesize`` returns an iterable of pieces, which follow each other without a gap; a piece is
   played while the next one is computed, so an engine that streams yields as it receives. All pieces of an
   engine have the same ``rate``. Pieces without samples are allowed. `Speech` shortens silence at both ends.
4. **Words.** If the engine knows when each word is said, it puts them into ``Audio.words``. Then an
   interruption knows what was heard to the word; else it is estimated from the share of the characters.
5. **Stopping.** If the listener interrupts, the iteration is left (a generator is closed). ``stop`` is called
   before, from another thread: an engine that waits for something, such as a server, gives up then, so that
   its thread can end. It may raise whatever it likes out of a ``synthesize`` that was stopped.
6. **Failing.** What ``load`` or ``synthesize`` raises is reported as a `SpeechError` that names the engine.
   An engine that gives nothing for ``Speech(timeout=)`` seconds has failed too.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from threading import Lock
from typing import Self

from ollama_rx.speech.audio import Audio


class SpeechEngine(ABC):
    """Turns text into audio; a subclass must define ``synthesize`` only.

    ``with engine:`` closes it. An engine may serve several `Speech` objects.
    """

    name: str = ""
    """What error messages call it; by default the name of its class."""
    rate: int | None = None
    """Samples a second, if that is known before the first audio, at the latest after ``load``; the device is
    then opened while the model still answers."""
    tags: frozenset[str] = frozenset()
    """The names of tags in the text that it understands, such as "spell" for ``<spell>NASA</spell>``."""

    @property
    def in_use(self) -> Lock:
        """Held while the engine loads or computes a text, so that voices which share it take turns."""
        # Made here, because a subclass need not call `super().__init__`; `setdefault` is atomic.
        lock: Lock = vars(self).setdefault("in_use", Lock())
        return lock

    def load(self) -> None:
        """Load what is needed and compute something, so that the first sentence is not slower than others.

        Called at the beginning of each delivery, while the model loads; returns at once if it is done.
        """

    @abstractmethod
    def synthesize(self, text: str, /) -> Iterable[Audio]:
        """Return the audio of one text, piece by piece."""

    def stop(self) -> None:
        """Make a `synthesize` that waits for something give up, from any thread; a later call works again."""

    def close(self) -> None:
        """Release what the engine holds, such as connections."""

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if not cls.__dict__.get("name"):
            cls.name = cls.__name__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
