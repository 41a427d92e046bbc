"""Ctrl-C while an answer runs."""

import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Self

from ollama_rx import Delivery
from ollama_rx.cli.terminal import end_process

_LOOKS_EVERY = 0.5  # seconds between two looks at whether Ctrl-C was pressed
_CLOSING_SECONDS = 1.0  # for the sinks, of which one may wait for a reader that does not read


class AnswerInterrupt:
    """Lets Ctrl-C stop an answer and not the program; a second Ctrl-C ends the process.

    ::

        with AnswerInterrupt() as interrupt:
            interrupt.wait(deliver(answer, Console()))
        if interrupt.happened:
            ...

    A Ctrl-C anywhere in the block stops the answer, also one that comes before there is one to stop. Nothing
    is raised, so that no line of the block is left out. A process that ignores the signal keeps ignoring it.
    """

    def __init__(self) -> None:
        self.happened = False
        """Whether Ctrl-C was pressed."""
        self._delivery: Delivery | None = None
        self._at = 0.0

    def wait(self, delivery: Delivery) -> None:
        """Wait for the delivery; after Ctrl-C, not longer than its sinks may need to close.

        Raises:
            Exception: as `Delivery.wait`.
        """
        self._delivery = delivery
        if self.happened:
            delivery.cancel()
        while not (delivery.done or self._has_waited_enough()):
            with suppress(TimeoutError):  # also of the stream, whose error is raised below
                delivery.wait(_LOOKS_EVERY)
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
