"""An answer while it is made, as events for the tabs of a `LivePage`."""

import asyncio
from typing import Generic, TypeVar

import orjson
import reactivex
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.page.page_events import draw_markdown
from ollama_rx.web.replay import Replay
from ollama_rx.web.web_event import StreamEvents, WebEvent

T = TypeVar("T")

_LAST = {"done", "error"}


class LiveAnswer:
    """Takes the items of a delivery, and keeps what a tab that opens later has to see.

    Lives on one event loop, on which it is made and all its functions are called.
    """

    def __init__(self) -> None:
        self.replay = Replay(grace=None)
        self.so_far = AnswerSoFar()
        self._events_of = StreamEvents().of
        self._text = _Source[str]()
        self._others = _Source[WebEvent]()
        self._error: Exception | None = None
        events = reactivex.merge(self._text.items.pipe(draw_markdown()), self._others.items)
        self.replay.start(reactivex.concat(events, reactivex.defer(self._end)))
        self._following = asyncio.create_task(self._follow())

    async def put(self, item: object) -> None:
        """Take an item, and let the connections of the tabs run.

        Raises:
            TypeError: the item is not text, and JSON cannot hold it.
        """
        for event in self._events_of(item):
            if event.type == "text":
                (await self._text.observer()).on_next(event.data["text"])
            else:
                orjson.dumps(event.data)  # what it refuses fails the sink, and not only its tabs
                (await self._others.observer()).on_next(event)
        await asyncio.sleep(0)

    async def finish(self, error: Exception | None = None) -> None:
        """End the answer; what is still to be drawn, such as its last line, comes before the error."""
        self._error = error
        (await self._text.observer()).on_completed()
        (await self._others.observer()).on_completed()
        await asyncio.shield(self._following)

    async def stop(self) -> None:
        """End the answer early, unless it has ended."""
        self.replay.stop()
        await self._following

    def _end(self, _: abc.SchedulerBase) -> Observable[WebEvent]:
        return reactivex.empty() if self._error is None else reactivex.throw(self._error)

    async def _follow(self) -> None:
        async with self.replay.join() as reader:
            while events := await reader.read():
                for event in events:
                    self.so_far.add(event)


class _Source(Generic[T]):
    """An Observable of what its observer is given; it is subscribed to once."""

    def __init__(self) -> None:
        self.items = Observable[T](self._subscribe)
        self._observer: asyncio.Future[abc.ObserverBase[T]] = asyncio.get_running_loop().create_future()

    async def observer(self) -> abc.ObserverBase[T]:
        """Return the subscriber, when there is one."""
        return await self._observer

    def _subscribe(
        self, observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        self._observer.set_result(observer)
        return Disposable()  # it ends with the answer


class AnswerSoFar:
    """What a new tab needs in order to show what the others show: all events, but of each block the last.

    Unlike a log of all events it is hardly longer than the answer. The end of the answer is not part of it.
    """

    def __init__(self) -> None:
        self.id: str | None = None
        """The id of the last event that was added; a tab goes on behind it."""
        self._events: dict[object, WebEvent] = {}
        self._thinking: list[str] = []

    def add(self, logged: LoggedEvent) -> None:
        """Add the next event."""
        event = logged.event
        if event.type in _LAST:
            return
        self.id = logged.id
        if event.type == "thinking":
            self._thinking.append(event.data["text"])
            self._events["thinking"] = event
        else:
            key = event.data["number"] if event.type == "block" else logged.id
            self._events[key] = event

    def sse(self) -> bytes:
        """Return the events as server-sent events, after a "begin" that clears what a tab has of them.

        Only the end has an id: a tab whose connection is cut before has to begin again.
        """
        frames = [b"event: begin\ndata: {}\n\n"]
        for key, event in self._events.items():
            data = {"text": "".join(self._thinking)} if key == "thinking" else event.data
            frames.append(b"event: %b\ndata: %b\n\n" % (event.type.encode(), orjson.dumps(data)))
        if self.id is not None:
            frames.append(b"id: %b\n\n" % self.id.encode())
        return b"".join(frames)
