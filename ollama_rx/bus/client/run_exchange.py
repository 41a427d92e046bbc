"""One run from the client's side: the events of the run log become the body of a response."""

import asyncio
import atexit
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final
from weakref import WeakSet

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from reactivex.internal import noop

from ollama_rx.bus.client.run_answer import RunAnswer
from ollama_rx.bus.client.run_entry import RunEntry
from ollama_rx.bus.client.run_reader import RunReader
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.subscribed import answering
from ollama_rx.bus.runs.run_event import RunEvent
from ollama_rx.bus.subjects import Subjects
from ollama_rx.errors import BusyError, IncompleteStreamError, OllamaError, UnreachableError
from ollama_rx.rx.internal_loop import TASK_NAME, THREAD_NAME, begin_on_thread
from ollama_rx.transport.exchange import BodyReceiver

_MAX_BUFFERED: Final = 65536  # bytes of a body that are buffered while it has no receiver
_FAREWELL: Final = 1.0  # seconds by which the exit of the process may be delayed
_UNWANTED: Final = "its client does not want it any more"


class RunExchange:
    """Reads the answer of one run; used in the same way as the `Exchange` of an HTTP request.

    Its own task does everything that has to be awaited, and ends when the exchange has left nothing behind on
    the bus. If the exchange is aborted before the run is over, the run is stopped. A detached run is then
    only stopped if ``is_left`` returns True: the subscriber itself has left the stream. A run that no worker
    has taken after ``busy_after`` is stopped in any case.
    """

    def __init__(
        self,
        subjects: Subjects,
        entry: RunEntry,
        lease: Callable[[], AbstractAsyncContextManager[BusConnection]],
        *,
        url: str,
        busy_after: float | None,
        is_left: Callable[[], bool],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._subjects = subjects
        self._entry = entry
        self._lease = lease
        self._url = url
        self._busy_after = busy_after
        self._is_left = is_left
        self._answer: RunAnswer
        self._reader: RunReader  # set by the time the body begins
        self._receiver: BodyReceiver | None = None
        self._buffer: list[bytes] = []  # payloads received before there was a receiver
        self._buffer_size = 0
        self._is_in_receiver = False  # a subscriber was called and has not returned yet
        self._is_aborted = False
        self._is_given_up = False  # the client no longer wants the incomplete answer
        self._is_run_over = False
        self._is_ended = False
        self._error: Exception | None = None
        self._over = asyncio.Event()
        self._head: asyncio.Future[None] = self._loop.create_future()
        self._task = self._loop.create_task(self._serve(), name=TASK_NAME)
        self._task.add_done_callback(self._served)
        _EXCHANGES.add(self)

    # called by the user of the response

    async def head(self) -> None:
        """Wait until the body begins. If the caller is cancelled, the exchange is aborted.

        Raises:
            OllamaError: the request was refused, or the answer failed before it began.
        """
        try:
            await self._head
        except asyncio.CancelledError:
            self.abort()
            await asyncio.wait({self._task})
            raise
        if self._error is not None and not self._buffer:
            raise self._error

    def send_body_to(self, receiver: BodyReceiver) -> None:
        """Send the body to ``receiver`` as it arrives, beginning with the payloads received so far."""
        self._receiver = receiver
        buffered, self._buffer, self._buffer_size = self._buffer, [], 0
        self.resume()
        try:
            for payload in buffered:
                self._pass_on(receiver, payload)
        finally:  # a subscriber may end the event loop with ``SystemExit``
            if self._is_ended:
                self._finish(receiver)

    def pause(self) -> None:
        """Request no more events of the run log."""
        self._reader.pause()

    def resume(self) -> None:
        """Continue reading."""
        self._reader.resume()

    def abort(self) -> None:
        """Give up the answer; the receiver's ``ended`` is called when the exchange has been cleaned up."""
        if not self._is_ended and not self._is_aborted:
            self._is_aborted = True
            self._is_given_up = self._is_left()
            self._task.cancel()

    def shut_down_threadsafe(self) -> None:
        """Stop the run at once if a callback blocks the event loop, and with it `abort`.

        The run is stopped over a separate connection, because other streams may need the loop's connection.
        """
        if (
            self._is_in_receiver
            and not self._is_run_over
            and (self._is_left() or not self._entry.is_detached)
        ):
            begin_on_thread(lambda loop: loop.create_task(self._stop_run(), name=TASK_NAME), noop)

    async def _stop_run(self) -> bool:
        with suppress(OllamaError, NatsError):  # if this fails, the run is stopped when the callback returns
            async with self._lease() as connection:
                await self._entry.withdraw(connection, _UNWANTED)
        return False

    def fail_threadsafe(self, error: Exception) -> None:
        """End the exchange with an error unless it has ended; may be called from any thread."""
        with suppress(RuntimeError):  # the loop is closed, and the exchange has ended with it
            self._loop.call_soon_threadsafe(self._end_at_once, error)

    def abort_threadsafe(self) -> bool:
        """Do what `abort` does, from any thread; return False if the event loop is not running."""
        if not self._loop.is_running():
            return False
        with suppress(RuntimeError):  # the loop has just been closed
            self._loop.call_soon_threadsafe(self.abort)
        return True

    # the task

    async def _serve(self) -> None:
        try:
            async with self._lease() as connection, self._presence(connection):
                self._answer = await self._entry.find(connection)
                await self._read(connection)
        except OllamaError as error:
            self._end(error)
        except NatsError as error:
            self._end(UnreachableError(self._url, str(error)))

    async def _read(self, connection: BusConnection) -> None:
        reader = RunReader(
            connection, self._subjects, self._entry.run, receive=self._received, fail=self._end
        )
        async with reader:
            self._reader = reader
            busy: asyncio.TimerHandle | None = None
            try:
                if await self._entry.submit(connection) and self._busy_after is not None:
                    busy = self._loop.call_later(self._busy_after, self._waited)
                await self._over.wait()
            except OllamaError as error:
                self._end(error)  # before the withdrawal stores a cancellation in the run log
                raise
            finally:
                if busy is not None:
                    busy.cancel()
                if not self._is_run_over and (self._is_given_up or not self._entry.is_detached):
                    await self._entry.withdraw(connection, _UNWANTED)

    def _presence(self, connection: BusConnection) -> AbstractAsyncContextManager[None]:
        """Subscribe to the subject that workers probe to find out whether a client reads the answer."""

        async def answer(probe: Msg) -> None:
            await connection.nats.publish(probe.reply)

        return answering(connection, self._subjects.readers(self._entry.run), answer)

    def _waited(self) -> None:
        if not self._answer.is_begun:
            self._is_given_up = True
            self._end(BusyError(503, f"no worker has taken the prompt within {self._busy_after:g} s"))

    def _served(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            self._end(
                IncompleteStreamError("the answer was given up before it was complete", retryable=False)
            )
        else:
            task.result()  # an unexpected exception is raised here, so that it is logged

    # called when an event arrives

    def _received(self, event: RunEvent) -> None:
        try:
            self._take(event)
        except (SystemExit, KeyboardInterrupt) as error:  # from a subscriber, to end the event loop
            self._loop.call_soon(_raise, error)  # not here, in the read loop that other streams share

    def _take(self, event: RunEvent) -> None:
        self._is_run_over = self._is_run_over or event.is_final
        answer = self._answer
        payload = answer.feed(event)
        if payload and not (self._is_ended or self._is_aborted):
            if self._receiver is not None:
                self._pass_on(self._receiver, payload)
            else:
                self._keep(payload)
        if answer.is_over:
            self._end(answer.error)

    def _pass_on(self, receiver: BodyReceiver, payload: bytes) -> None:
        self._is_in_receiver = True
        try:
            receiver.received(payload)
        finally:
            self._is_in_receiver = False

    def _keep(self, payload: bytes) -> None:
        self._buffer.append(payload)
        self._buffer_size += len(payload)
        if self._buffer_size > _MAX_BUFFERED:
            self.pause()
        self._has_head()

    def _end(self, error: Exception | None) -> None:
        if self._is_ended or (self._is_aborted and not self._task.done()):
            return
        self._is_ended = True
        self._error = error
        self._over.set()
        self._has_head()
        if self._receiver is not None:
            self._finish(self._receiver)

    def _end_at_once(self, error: Exception) -> None:
        """End with an error, and stop the task's current step: without a server it would wait for ever."""
        if not self._is_ended and not self._is_aborted:
            self._end(error)
            self._task.cancel()

    def _has_head(self) -> None:
        if not self._head.done():
            self._head.set_result(None)

    def _finish(self, receiver: BodyReceiver) -> None:
        self._receiver = None
        receiver.ended(self._error)


def _raise(error: BaseException) -> None:
    raise error


_EXCHANGES: Final[WeakSet[RunExchange]] = WeakSet()


@atexit.register
def _stop_all() -> None:
    """Stop the runs of a process that exits, and wait: otherwise it exits before its threads stop them."""
    aborted = [exchange.abort_threadsafe() for exchange in tuple(_EXCHANGES)]
    if any(aborted):
        deadline = time.monotonic() + _FAREWELL
        for thread in threading.enumerate():
            if thread.name == THREAD_NAME:
                thread.join(max(deadline - time.monotonic(), 0))
