"""Ctrl-C while an answer runs."""

import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Self

from ollama_rx import Delivery
from ollama_rx.cli.terminal import end_process

_POLL_SECONDS = 0.5  # between two checks whether Ctrl-C was pressed
_CLOSING_SECONDS = 1.0  # for the sinks; one of them may be stuck writing to a pipe that nobody reads


class AnswerInterrupt:
    """Lets Ctrl-C stop an answer and not the program; a second Ctrl-C ends the process.

    ::

        with AnswerInterrupt() as interrupt:
            interrupt.wait(deliver(answer, Console()))
        if interrupt.happened:
            ...

    Ctrl-C anywhere in the block stops the answer, even if pressed before the answer begins. No exception is
    raised, so every line of the block runs. A process that ignores the signal keeps ignoring it.
    """

    def __init__(self) -> None:
        self.happened = False
        """Whether Ctrl-C was pressed."""
        self._delivery: Delivery | None = None
        self._at = 0.0

    def wait(self, delivery: Delivery) -> None:
        """Wait for the delivery; after Ctrl-C, only as long as its sinks may need to close.

        Raises:
            Exception: as `Delivery.wait`.
        """
        self._delivery = delivery
        if self.happened:
            delivery.cancel()
        while not (delivery.done or self._has_waited_enough()):
            with suppress(TimeoutError):  # also of the stream, whose error is raised below
                delivery.wait(_POLL_SECONDS)
        if delivery.done:
            delivery.wait()

    def raise_if_happened(self) -> None:
        """End a command whose only answer was stopped.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        if self.happened:
            raise KeyboardInterrupt

    def _has_waited_enough(self) -> bool:
        return self.happened and time.monotonic() > self._at + _CLOSING_SECONDS

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGINT)
        self._is_set = callable(self._before) and threading.current_thread() is threading.main_thread()
        if self._is_set:
            signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_set:
            signal.signal(signal.SIGINT, self._before)

    def _stop(self, _: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, end_process)
        self._at = time.monotonic()
        self.happened = True
        if self._delivery is not None:
            self._delivery.cancel()
