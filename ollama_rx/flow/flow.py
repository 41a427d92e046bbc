"""How a slow consumer on an event loop pauses the streams that feed it.

Rx has no back-pressure, but every operator hands the subscriber's scheduler on to its source. So
the consumer subscribes with a `Flow`, the streams at the source find it, and while it is paused
they stop reading from their sockets. On a thread of its own a stream is paused by simply blocking.
"""

import asyncio
from typing import Protocol

from reactivex.scheduler.eventloop import AsyncIOScheduler


class Pausable(Protocol):
    """A source that can stop and go on."""

    def pause(self) -> None:
        """Send nothing until `resume`."""
        ...

    def resume(self) -> None:
        """Go on where it stopped."""
        ...


class Flow(AsyncIOScheduler):
    """A loop's scheduler that can pause the streams subscribed with it; to be used on that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.loop = loop
        self._paused_by = 0
        self._sources: set[Pausable] = set()

    @property
    def paused(self) -> bool:
        """Whether somebody wants the sources to wait."""
        return self._paused_by > 0

    def attach(self, source: Pausable) -> None:
        """Add a source; it starts paused if the flow is."""
        self._sources.add(source)
        if self.paused:
            source.pause()

    def detach(self, source: Pausable) -> None:
        """Forget a source that has ended."""
        self._sources.discard(source)

    def pause(self) -> None:
        """Pause all sources; each call wants one `resume`."""
        self._paused_by += 1
        if self._paused_by == 1:
            for source in tuple(self._sources):
                source.pause()

    def resume(self) -> None:
        """Take one `pause` back."""
        self._paused_by -= 1
        if self._paused_by == 0:
            for source in tuple(self._sources):
                if self.paused:
                    return  # what the one before has sent was too much again
                if source in self._sources:  # it has not been disposed by what the one before has sent
                    source.resume()
