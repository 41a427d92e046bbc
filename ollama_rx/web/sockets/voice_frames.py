"""Frames on their way from the threads of a voice to a task that sends them."""

import asyncio
from collections import deque
from threading import Condition

from ollama_rx.rx.event_loops import run_on_loop
from ollama_rx.web.web_event import WebEvent

_MOST_AUDIO = 25  # frames, that is a second: more would only be dropped by an interruption


class VoiceFrames:
    """Keeps events and audio in their order; audio is limited, and can be dropped.

    Anything but ``take`` may be called from any thread.

    Args:
        loop: where ``take`` is awaited.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._frames: deque[WebEvent | bytes] = deque()
        self._arrived = asyncio.Event()
        self._changed = Condition()
        self._drops = 0
        self.waiting = 0
        """How many frames of audio there are."""

    def put(self, event: WebEvent) -> None:
        """Add an event."""
        self._add(event)

    def put_audio(self, pcm: bytes) -> None:
        """Add audio; wait while there is too much; drop it if all audio is dropped meanwhile."""
        with self._changed:
            drops = self._drops
            self._changed.wait_for(lambda: self.waiting < _MOST_AUDIO or self._drops != drops)
            if self._drops != drops:
                return
            self.waiting += 1
            self._add(pcm)

    def drop_audio(self) -> None:
        """Drop all audio; the events stay."""
        with self._changed:
            self._frames = deque(frame for frame in self._frames if isinstance(frame, WebEvent))
            self.waiting = 0
            self._drops += 1
            self._changed.notify_all()

    def wait_until_sent(self) -> None:
        """Wait until there is no audio."""
        with self._changed:
            self._changed.wait_for(lambda: not self.waiting)

    async def take(self) -> WebEvent | bytes:
        """Wait for the next frame."""
        while True:
            with self._changed:
                if self._frames:
                    frame = self._frames.popleft()
                    if isinstance(frame, bytes):
                        self.waiting -= 1
                        self._changed.notify_all()
                    return frame
                self._arrived.clear()
            await self._arrived.wait()

    def _add(self, frame: WebEvent | bytes) -> None:
        with self._changed:
            self._frames.append(frame)
        run_on_loop(self._loop, self._arrived.set)
