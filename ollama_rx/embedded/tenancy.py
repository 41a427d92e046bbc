"""One transport's claim on a model: which file, and its place in the process's memory."""

import threading
from collections.abc import Callable
from pathlib import Path

from ollama_rx.embedded.progress import progress_bar
from ollama_rx.embedded.residence import Residence, move_in, move_out
from ollama_rx.embedded.weights import fetch_weights


class GaveUpError(Exception):
    """The request that was waiting for the weights is gone."""


class Tenancy:
    """Finds (or fetches) the weights when they are first needed, and shares the loaded model."""

    def __init__(self, weights: Path | None, *, show_progress: bool) -> None:
        self._weights = weights
        self._show_progress = show_progress
        self._moving = threading.Lock()
        self._residence: Residence | None = None

    def path(self, gave_up: Callable[[], bool]) -> Path:
        """Return the file of the weights, fetching it first if need be.

        Raises:
            GaveUpError: ``gave_up()`` became true meanwhile.
        """
        if self._weights is not None:
            return self._weights
        if not self._show_progress:
            return fetch_weights(_watched(gave_up, lambda there, total: None))  # noqa: ARG005
        with progress_bar("fetching SmolLM2-135M-Instruct") as show:
            return fetch_weights(_watched(gave_up, show))

    def residence(self, gave_up: Callable[[], bool]) -> Residence:
        """Return the model's place in memory, moving in at the first call."""
        path = self.path(gave_up)
        with self._moving:
            if self._residence is None:
                self._residence = move_in(path)
            return self._residence

    def wake(self) -> None:
        """Let requests that wait for the model notice that they were cancelled."""
        residence = self._residence
        if residence is not None:
            residence.wake()

    def end(self) -> None:
        """Give the model back; no request may be running. A later request begins a new claim."""
        with self._moving:
            residence, self._residence = self._residence, None
        if residence is not None:
            move_out(residence)


def _watched(gave_up: Callable[[], bool], show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def report(there: int, total: int) -> None:
        if gave_up():
            raise GaveUpError
        show(there, total)

    return report
