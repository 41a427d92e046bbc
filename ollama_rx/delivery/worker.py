"""A blocking sink within a delivery: it works on a thread of its own, behind a mailbox."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Generic, TypeVar

from ollama_rx.delivery.guard import Guard
from ollama_rx.flow.flow import Flow
from ollama_rx.flow.mailbox import Mailbox
from ollama_rx.flow.waiting import MailboxFull

T = TypeVar("T")


class Worker(Generic[T]):
    """Calls a blocking sink on a thread of its own, behind a mailbox."""

    def __init__(self, guard: Guard[T], flow: Flow | None) -> None:
        sink = guard.sink
        self._guard = guard
        self._mailbox = Mailbox[T](sink.max_waiting, sink.when_full)
        self._mailbox.flow = flow
        self._last: Callable[[], object] = guard.leave
        self.on_next = self._put_or_fail if sink.when_full == "fail" else self._mailbox.put

    def start(self) -> None:
        """Start the thread; it ends with the sink."""
        Thread(target=self._work, name="ollama-rx-sink", daemon=True).start()

    def on_completed(self) -> None:
        """Complete after the items that wait."""
        self._end(self._guard.on_completed)

    def on_error(self, error: Exception, /) -> None:
        """Fail after the items that wait."""
        self._end(partial(self._guard.on_error, error))

    def fail(self, error: Exception, /) -> None:
        """Report the failure after the items that wait."""
        self._end(partial(self._guard.fail, error))

    def cancel(self) -> None:
        """Drop what waits and close the sink on its thread."""
        self._stop(self._guard.leave)
        self._guard.interrupt()

    def _put_or_fail(self, item: T, /) -> None:
        try:
            self._mailbox.put(item)
        except MailboxFull as error:
            self._stop(self._guard.leave)
            self._guard.blame(error)

    def _end(self, last: Callable[[], object]) -> None:
        if not self._mailbox.ended:
            self._last = last
            self._mailbox.end()

    def _stop(self, last: Callable[[], object]) -> None:
        self._last = last
        self._mailbox.close()

    def _work(self) -> None:
        guard = self._guard
        try:
            with suppress(SystemExit):  # it is reported, and this is not the thread that can exit
                for item in self._mailbox:
                    guard.on_next(item)
                    if guard.over:
                        return
                self._last()
        finally:
            self._mailbox.close()
