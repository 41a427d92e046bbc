"""The messages of a conversation, and the record of the turn that runs."""

from collections.abc import Callable, Iterable
from threading import RLock

from ollama_rx.chunks import Message
from ollama_rx.conversation.heard_text import cut_turn
from ollama_rx.conversation.turn_record import TurnRecord, begin_of_last_turn
from ollama_rx.protocol.lenient_json import make_whole


class History:
    """What has been said; one turn at a time adds to it. May be used from any thread.

    The lock is never held while code of the user's runs.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        # It guards the record of the turn that runs too. A signal handler may interrupt its holder.
        self.lock = RLock()
        self._settled = tuple(messages)
        self._running: TurnRecord | None = None
        self._stop_turn: Callable[[], object] | None = None
        self._has_answer = bool(self._split()[1])  # False after a turn that has left nothing

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the history would be if the turn that runs ended now."""
        with self.lock:
            return self._settled if self._running is None else self._running.messages

    def begin(self, user: Message, stop_turn: Callable[[], object]) -> TurnRecord:
        """Begin a turn; ``stop_turn`` is called if `hear` ends it.

        Raises:
            RuntimeError: another turn runs.
        """
        with self.lock:
            if self._running is not None:
                raise RuntimeError(
                    "say: a turn of this conversation is running; wait for its end, or use a fork()"
                )
            self._running = TurnRecord(self._settled, user)
            self._stop_turn = stop_turn
            return self._running

    def end(self, record: TurnRecord) -> None:
        """Keep what a turn has recorded, unless it has ended already."""
        with self.lock:
            if record is self._running:
                messages = record.messages
                self._settle(messages, has_answer=messages is not self._settled)

    def hear(self, text: str) -> None:
        """Keep only this much of the last answer, and end the turn that runs.

        If the last turn has left nothing, nothing can have been heard of it.

        Raises:
            RuntimeError: the last turn has left nothing, but ``text`` is not empty.
        """
        with self.lock:
            if self._running is not None:
                before, turn = self._running.before, self._running.turn
            elif self._has_answer:
                before, turn = self._split()
            elif text:
                raise RuntimeError("heard: there is no answer yet")
            else:
                return
            stop_turn = self._stop_turn
            self._settle((*before, *cut_turn(turn, make_whole(text))))
        if stop_turn is not None:
            stop_turn()

    def undo(self) -> tuple[Message, ...]:
        """Remove the last turn and return it.

        Raises:
            RuntimeError: a turn runs.
        """
        with self.lock:
            if self._running is not None:
                raise RuntimeError(
                    "undo: a turn of this conversation is running; wait for its end, or dispose it"
                )
            before, turn = self._split()
            self._settle(before)
            self._has_answer = bool(self._split()[1])
            return turn

    def _split(self) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """Return what was before the last turn, and that turn."""
        at = begin_of_last_turn(self._settled)
        return self._settled[:at], self._settled[at:]

    def _settle(self, messages: tuple[Message, ...], *, has_answer: bool = True) -> None:
        if self._running is not None:
            self._running.has_ended = True
        self._settled, self._running, self._stop_turn = messages, None, None
        self._has_answer = has_answer
