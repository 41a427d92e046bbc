"""The rule for restarts: the reader of a run log receives the bytes of one attempt, never of two."""

from typing import Final

import orjson

from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.errors import (
    IncompleteStreamError,
    OllamaError,
    RestartedError,
    ServerError,
    StatusError,
    excerpt,
)
from ollama_rx.protocol.json_fields import JsonObject, number_of, object_of, text_of

_NO_STATUS: Final = 500


class RunAnswer:
    """Turns the events of a run log, in their order, into the body of one answer.

    As long as nothing of an attempt has been delivered, the next attempt replaces it unnoticed. Afterwards a
    new attempt ends the answer with an error. An event that arrives twice is ignored; so is one of an earlier
    attempt, unless it ends the run before anything of the expected attempt was read.

    Args:
        hold: deliver an attempt only when it is complete, so that no restart is noticed.
        attempt: ignore all attempts before this one.
        is_continued: whether a part of that attempt has been delivered already, by an earlier reader.
    """

    def __init__(self, *, hold: bool = False, attempt: int = 0, is_continued: bool = False) -> None:
        self.is_begun = False
        """Whether a worker has taken the prompt."""
        self.is_over = False
        self.error: OllamaError | None = None
        """Why the answer has ended, if it is incomplete."""
        self._attempt = attempt
        self._next_seq = 0
        self._writer = ""
        self._is_cut = False  # further events of this attempt are ignored
        self._is_delivered = is_continued
        self._held: list[bytes] | None = [] if hold else None

    def feed(self, event: RunEvent) -> bytes:
        """Handle an event; return the bytes that can be delivered now, often none."""
        if self.is_over or not self._is_next(event):
            return b""
        match event.kind:
            case EventKind.LINES | EventKind.END if self._is_cut:
                pass  # from a worker that has not noticed the cut
            case EventKind.LINES:
                return self._deliver(event.payload)
            case EventKind.END:
                self.is_over = True
                return self._deliver_all(event.payload)
            case EventKind.START:
                self.is_begun = True
            case EventKind.CUT:
                self._cut(_reason(event))
            case EventKind.FAILED:
                self._fail(self._failure(event))
            case EventKind.CANCELLED:  # pragma: no branch - the last kind there is
                self._fail(
                    IncompleteStreamError(
                        f"the answer was cancelled: {excerpt(_reason(event))}", retryable=False
                    )
                )
        return b""

    def _is_next(self, event: RunEvent) -> bool:
        """Check whether an event is the next one, and count it; fail if it does not continue the answer."""
        if event.attempt == 0:
            return event.is_final  # an event of the whole run
        if event.attempt > self._attempt or self._is_of_another_writer(event):
            if self._is_delivered:
                self._fail(RestartedError(event.attempt))
                return False
            self._attempt, self._next_seq, self._is_cut = event.attempt, 0, False
            self._forget()
        elif event.attempt < self._attempt:
            if event.is_final and not self._next_seq:
                self._fail(_incomplete(f"its last attempt was {event.attempt}, not {self._attempt}"))
            return False
        if event.seq > self._next_seq:
            self._fail(_incomplete("a part of it is no longer kept"))
            return False
        if event.seq < self._next_seq:
            return False
        self._writer = event.writer
        self._next_seq += 1
        return True

    def _is_of_another_writer(self, event: RunEvent) -> bool:
        """Check whether the attempt was started again because the log has lost the events of the first."""
        return event.attempt == self._attempt and self._next_seq > 0 and event.writer != self._writer

    def _deliver(self, payload: bytes) -> bytes:
        if self._held is not None:
            self._held.append(payload)
            return b""
        self._is_delivered = True
        return payload

    def _deliver_all(self, payload: bytes) -> bytes:
        if self._held is None:
            return payload
        held = b"".join([*self._held, payload])
        self._forget()
        return held

    def _forget(self) -> None:
        if self._held is not None:
            self._held.clear()

    def _cut(self, reason: str) -> None:
        self._is_cut = True
        if self._is_delivered:
            self._fail(IncompleteStreamError(f"the model's server broke the answer off ({excerpt(reason)})"))
        self._forget()

    def _failure(self, event: RunEvent) -> OllamaError:
        raw = _object(event)
        status = number_of(raw.get("status")) or _NO_STATUS
        signin_url = text_of(raw.get("signin_url")) or None
        reason = text_of(raw.get("reason"))
        if self._is_delivered:
            return ServerError(reason, status=status, signin_url=signin_url)
        return StatusError.of(status, reason, signin_url=signin_url)

    def _fail(self, error: OllamaError) -> None:
        self.is_over = True
        self.error = error
        self._forget()


def _incomplete(problem: str) -> IncompleteStreamError:
    return IncompleteStreamError(f"the answer cannot be read: {problem}", retryable=False)


def _object(event: RunEvent) -> JsonObject:
    try:
        return object_of(orjson.loads(event.payload))
    except orjson.JSONDecodeError:
        return {}


def _reason(event: RunEvent) -> str:
    return text_of(_object(event).get("reason")) or "no reason given"
