"""The bridge from the thread that computes to the event loop that reads."""

import asyncio
import threading
from collections import deque

# More lines than an answer can have (its tokens share 2048 with the prompt), some 0.5 MB at most: the engine
# cannot be paused, so a thread that waited for a slow reader would only keep others from computing.
ROOM = 4096


class Pipe:
    """A bounded queue of lines from one thread to one event loop.

    A full pipe makes the thread wait, ``close`` wakes it and tells it to stop.
    """

    def __init__(self, *, room: int = ROOM) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines = deque[bytes]()
        self._room = room
        self._changed = threading.Condition()
        self._reader: asyncio.Future[None] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self.closed = False

    def put(self, line: bytes) -> bool:
        """Add a line, waiting for room; False once nobody reads any more. For the thread."""
        with self._changed:
            while len(self._lines) >= self._room and not self.closed:
                self._changed.wait()
            if self.closed:
                return False
            self._lines.append(line)
            self._wake_reader()
            return True

    def end(self, error: BaseException | None = None) -> None:
        """Say that no line follows, and why if it is an error. For the thread."""
        with self._changed:
            self._ended = True
            self._error = error
            self._wake_reader()

    async def get(self) -> bytes | None:
        """Wait for lines and take all that are there; None at the end. For the loop.

        Raises:
            BaseException: what ``end`` was given, after the last line.
        """
        while True:
            with self._changed:
                if self._lines:
                    block = b"".join(self._lines)
                    self._lines.clear()
                    self._changed.notify_all()
                    return block
                if self._error is not None:
                    raise self._error
                if self._ended or self.closed:
                    return None
                self._reader = self._loop.create_future()
                reader = self._reader
            await reader

    def close(self) -> None:
        """Stop the thread and drop what waits; may come from any thread, any number of times."""
        with self._changed:
            self.closed = True
            self._lines.clear()
            self._changed.notify_all()
            self._wake_reader()

    def _wake_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        try:
            self._loop.call_soon_threadsafe(_resolve, reader)
        except RuntimeError:  # the loop is closed: nobody will read
            self.closed = True


def _resolve(reader: asyncio.Future[None]) -> None:
    if not reader.done():
        reader.set_result(None)
