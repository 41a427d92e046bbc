"""The one copy of a model in memory: who may use it, who waits in line, and until when it stays."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ollama_rx.embedded.engine import SLOTS, Engine
from ollama_rx.errors import EmbeddedModelError

_residences: dict[Path, "Residence"] = {}
_registry = threading.Lock()


class Residence:
    """A model that is loaded when it is first needed and shared by all transports of the process."""

    def __init__(self, path: Path, load: Callable[[Path], Engine] = Engine) -> None:
        self.path = path
        self.tenants = 0
        self._load = load
        self._loading = threading.Lock()
        self._turn = threading.Condition()
        self._line = deque[object]()
        self._busy = 0
        self._engine: Engine | None = None
        self._process: int | None = None  # where it was loaded
        self._timer: threading.Timer | None = None
        self._until: float | None = None

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._engine is not None

    @property
    def forked(self) -> bool:
        """Whether the model was loaded before this process was forked: its threads did not come along."""
        return self._engine is not None and self._process not in {None, os.getpid()}

    @property
    def until(self) -> float | None:
        """When the model leaves the memory (seconds since 1970); None while nothing is planned."""
        return self._until

    @property
    def waiting(self) -> int:
        """How many requests wait in line."""
        return len(self._line)

    def enter(self, gave_up: Callable[[], bool]) -> Engine | None:
        """Wait in line for a slot, load the model if needed; None if the caller gave up meanwhile.

        Who gives up calls ``wake``; who got an engine calls ``leave``.

        Raises:
            EmbeddedModelError: the model can't be loaded, or was loaded before this process was forked.
        """
        if self.forked:
            raise EmbeddedModelError(
                "the model was loaded before this process was forked, which it does not survive; load it "
                "after the fork, or start processes with 'spawn'"
            )
        ticket = object()
        with self._turn:
            self._line.append(ticket)
            self._turn.wait_for(lambda: gave_up() or (self._line[0] is ticket and self._busy < SLOTS))
            self._line.remove(ticket)
            self._turn.notify_all()
            if gave_up():
                return None
            self._busy += 1
            self._plan(None)
        try:
            with self._loading:
                if self._engine is None:
                    self._process = os.getpid()
                    self._engine = self._load(self.path)
                return self._engine
        except BaseException:
            self.leave(None)
            raise

    def leave(self, keep_alive: float | None) -> None:
        """Give the slot back; the model stays ``keep_alive`` seconds, or (None, negative) until the end."""
        with self._turn:
            self._busy -= 1
            self._turn.notify_all()
            self._plan(None if keep_alive is None or keep_alive < 0 else keep_alive)

    def wake(self) -> None:
        """Let everybody in the line look again whether they gave up."""
        with self._turn:
            self._turn.notify_all()

    def unload(self) -> None:
        """Free the memory unless somebody uses the model."""
        if self.forked:
            return  # it would wait for threads that are not there
        with self._turn:
            if self._busy:
                return
            self._plan(None)
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def _plan(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._until = None
        if seconds is None or self._busy:
            return
        self._until = time.time() + seconds
        self._timer = threading.Timer(seconds, self.unload)
        self._timer.daemon = True
        self._timer.start()


def move_in(path: Path) -> Residence:
    """Get the process's copy of a model; give it back with ``move_out``."""
    with _registry:
        residence = _residences.setdefault(path, Residence(path))
        residence.tenants += 1
        return residence


def move_out(residence: Residence) -> None:
    """Give a copy back; the last tenant frees the memory."""
    with _registry:
        residence.tenants -= 1
        if residence.tenants:
            return
        del _residences[residence.path]
    residence.unload()


def find_residence(path: Path) -> Residence | None:
    """Find the process's copy of a model without loading it."""
    with _registry:
        return _residences.get(path)
