"""The models in memory: one copy per file and process, shared by all transports that lease it."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import SLOTS, Engine
from ollama_rx.embedded.progress_bar import progress_bar
from ollama_rx.embedded.weights import Report, fetch_weights
from ollama_rx.errors import EmbeddedModelError

MAX_WAITING = 512  # requests; as OLLAMA_MAX_QUEUE of Ollama

_models: dict[Path, "LoadedModel"] = {}
_models_lock = threading.Lock()


class RequestCancelledError(Exception):
    """The request that needed the weights was cancelled while they were fetched."""


class LoadedModel:
    """A model that is loaded on first use and computes `SLOTS` answers at a time; further requests wait."""

    def __init__(self, path: Path, load: Callable[[Path], Engine] = Engine) -> None:
        self.path = path
        self.ref_count = 0
        self._load = load
        self._load_lock = threading.Lock()
        self._changed = threading.Condition()
        self._queue = deque[object]()
        self._busy_slots = 0
        self._engine: Engine | None = None
        self._loaded_by: int | None = None  # the process id
        self._timer: threading.Timer | None = None
        self._expires_at: float | None = None

    @property
    def in_memory(self) -> bool:
        """Whether the model is loaded at the moment."""
        return self._engine is not None

    @property
    def forked(self) -> bool:
        """Whether this process was forked after the model was loaded, and so lacks the model's threads."""
        return self._engine is not None and self._loaded_by not in {None, os.getpid()}

    @property
    def expires_at(self) -> float | None:
        """The time (seconds since 1970) when the model will be unloaded; None if no unload is scheduled."""
        return self._expires_at

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a slot."""
        return len(self._queue)

    def acquire_slot(self, cancelled: Callable[[], bool]) -> Engine | None:
        """Wait for a slot and load the model if needed; returns None if ``cancelled()`` became true.

        A caller that cancels must call `wake`; one that received an engine must call `release_slot`.

        Raises:
            EmbeddedModelError: the model cannot be loaded, or was loaded before this process was forked.
            ApiError: too many callers wait (503).
        """
        if self.forked:
            raise EmbeddedModelError(
                "the model was loaded before this process was forked and cannot be used in it; load it "
                "after the fork, or start processes with 'spawn'"
            )
        ticket = object()
        with self._changed:
            if len(self._queue) >= MAX_WAITING:
                raise ApiError(503, "server busy, please try again.  maximum pending requests exceeded")
            self._queue.append(ticket)
            self._changed.wait_for(
                lambda: cancelled() or (self._queue[0] is ticket and self._busy_slots < SLOTS)
            )
            self._queue.remove(ticket)
            self._changed.notify_all()
            if cancelled():
                return None
            self._busy_slots += 1
            self._schedule_unload(None)
        try:
            with self._load_lock:
                if self._engine is None:
                    self._loaded_by = os.getpid()
                    self._engine = self._load(self.path)
                return self._engine
        except BaseException:
            self.release_slot(None)
            raise

    def release_slot(self, keep_alive: float | None) -> None:
        """Give a slot back; the model is unloaded after ``keep_alive`` seconds, never if None or negative."""
        with self._changed:
            self._busy_slots -= 1
            self._changed.notify_all()
            self._schedule_unload(None if keep_alive is None or keep_alive < 0 else keep_alive)

    def wake(self) -> None:
        """Make all waiting callers check whether they were cancelled."""
        with self._changed:
            self._changed.notify_all()

    def unload(self) -> None:
        """Free the memory unless a slot is in use."""
        if self.forked:
            return  # closing the engine would wait for threads that do not exist in this process
        with self._changed:
            if self._busy_slots:
                return
            self._schedule_unload(None)
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def _schedule_unload(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._expires_at = None
        if seconds is None or self._busy_slots:
            return
        self._expires_at = time.time() + seconds
        self._timer = threading.Timer(seconds, self.unload)
        self._timer.daemon = True
        self._timer.start()


def acquire_model(path: Path) -> LoadedModel:
    """Return the process's copy of a model; give it back with `release_model`."""
    with _models_lock:
        model = _models.setdefault(path, LoadedModel(path))
        model.ref_count += 1
        return model


def release_model(model: LoadedModel) -> None:
    """Give a copy back; the last release frees the memory."""
    with _models_lock:
        model.ref_count -= 1
        if model.ref_count:
            return
        del _models[model.path]
    model.unload()


def find_model(path: Path) -> LoadedModel | None:
    """Return the process's copy of a model if a transport holds it, without loading it."""
    with _models_lock:
        return _models.get(path)


class ModelLease:
    """One transport's reference to its model: fetches the weights and acquires the model on first use."""

    def __init__(self, weights: Path | None, *, show_progress: bool) -> None:
        self._weights = weights
        self._show_progress = show_progress
        self._lock = threading.Lock()
        self._model: LoadedModel | None = None

    def path(self, cancelled: Callable[[], bool]) -> Path:
        """Return the path of the weights, fetching them first if needed.

        Raises:
            RequestCancelledError: ``cancelled()`` became true during the download.
        """
        if self._weights is not None:
            return self._weights
        if not self._show_progress:
            return fetch_weights(_unless_cancelled(cancelled, lambda done, total: None))  # noqa: ARG005
        with progress_bar("fetching SmolLM2-135M-Instruct") as show:
            return fetch_weights(_unless_cancelled(cancelled, show))

    def model(self, cancelled: Callable[[], bool]) -> LoadedModel:
        """Return the model, acquiring it at the first call.

        Raises:
            RequestCancelledError: ``cancelled()`` became true during the download.
        """
        path = self.path(cancelled)
        with self._lock:
            if self._model is None:
                self._model = acquire_model(path)
            return self._model

    def wake(self) -> None:
        """Make requests that wait for a slot check whether they were cancelled."""
        model = self._model
        if model is not None:
            model.wake()

    def release(self) -> None:
        """Give the model back; no request may be running. A later request acquires it again."""
        with self._lock:
            model, self._model = self._model, None
        if model is not None:
            release_model(model)


def _unless_cancelled(cancelled: Callable[[], bool], report: Report) -> Report:
    def checked(done: int, total: int) -> None:
        if cancelled():
            raise RequestCancelledError
        report(done, total)

    return checked
