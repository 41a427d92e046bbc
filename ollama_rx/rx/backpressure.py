"""How a slow consumer on an event loop pauses the streams that feed it.

Rx has no back-pressure, but every operator passes the subscriber's scheduler on to its source. So the
consumer subscribes with a `PausableScheduler`, the sources find it there, and while it is paused they stop
reading from their sockets. A stream on a thread of its own is paused by simply blocking that thread.
"""

import asyncio
from typing import Protocol

from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler


class PausableSource(Protocol):
    """A source that can stop and resume sending."""

    def pause(self) -> None:
        """Send nothing until `resume`."""
        ...

    def resume(self) -> None:
        """Continue where the source stopped."""
        ...


class PausableScheduler(AsyncIOScheduler):
    """An event loop's scheduler that can pause the sources subscribed with it.

    It is a `PausableSource` itself: an operator that must wait gives its own source a scheduler of its own,
    attached to the one from below, and so pauses that source only.

    Call its methods on that loop only.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.loop = loop
        self._pauses = 0
        self._sources: dict[PausableSource, bool] = {}  # whether each is paused; the last resumed one is last

    @property
    def paused(self) -> bool:
        """Whether the sources are paused."""
        return self._pauses > 0

    def attach(self, source: PausableSource) -> None:
        """Add a source; it is paused immediately if the scheduler is paused."""
        self._sources[source] = self.paused
        if self.paused:
            source.pause()

    def detach(self, source: PausableSource) -> None:
        """Remove a source that has ended."""
        self._sources.pop(source, None)

    def pause(self) -> None:
        """Pause all sources; each call needs one `resume`."""
        self._pauses += 1
        if self._pauses > 1:
            return
        for source, is_paused in tuple(self._sources.items()):
            if not is_paused:
                self._sources[source] = True
                source.pause()

    def resume(self) -> None:
        """Undo one `pause`; the last one resumes all sources, until one of them fills the consumer again.

        The sources take turns: one that was resumed is the last in the row the next time.
        """
        self._pauses -= 1
        for source in tuple(self._sources):
            if self.paused:
                return
            if self._sources.get(source):  # it is paused, and not disposed because of what another one sent
                del self._sources[source]
                self._sources[source] = False
                source.resume()


class ThreadSafePausableScheduler(PausableScheduler, AsyncIOThreadSafeScheduler):
    """A `PausableScheduler` with which another thread may subscribe."""


def pausable(scheduler: AsyncIOScheduler) -> PausableScheduler:
    """Return a scheduler of the same loop that can pause its sources, and is as safe between threads."""
    if isinstance(scheduler, PausableScheduler):
        return scheduler
    is_thread_safe = isinstance(scheduler, AsyncIOThreadSafeScheduler)
    kind = ThreadSafePausableScheduler if is_thread_safe else PausableScheduler
    return kind(scheduler._loop)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - RxPY has no public name
