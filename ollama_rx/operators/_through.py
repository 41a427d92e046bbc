"""The only Rx plumbing: carry a machine between two Observables, one call per item and hop.

RxPY puts an observer, two locks and a trampoline check between any two operators. A chain of
streams made here shares one `Life` instead: the outermost ``subscribe`` creates it, each hop binds
its machine's ``feed`` directly to the next one's, and the first source that is not made here is
entered through a guard. RxPY's operators work before, between and after: they see an Observable.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from reactivex import Observable, abc

from ollama_rx.operators._burst import Absorb
from ollama_rx.operators._life import Life

A = TypeVar("A")
B = TypeVar("B")
A_contra = TypeVar("A_contra", contravariant=True)
B_co = TypeVar("B_co", covariant=True)


class Tap(NamedTuple, Generic[A]):
    """Where a hop's events go."""

    on_next: Callable[[A], object]
    on_error: Callable[[Exception], object]
    on_completed: Callable[[], object]
    absorb: Absorb | None = None  # takes many quiet items at once, see `_burst`


def _nowhere() -> None:
    """Take the place of a completion that nobody waits for."""


def _absorb_nothing(_: list[Any]) -> int:
    return 0


class _Standstill:
    """The clock of a machine that is tested bare: no time passes, nothing is due."""

    def now(self) -> float:
        return 0.0

    def later(self, seconds: float, action: Callable[[], object], /) -> Callable[[], None]:  # noqa: ARG002
        return _nowhere

    def dispose(self) -> None:
        pass


class Out(Generic[A]):
    """What a machine may do to the world: emit, end early, ask for a timer, read the clock.

    A machine is tested bare with ``Out(emitted.append)``.
    """

    __slots__ = ("_end", "_life", "absorb", "emit")

    def __init__(
        self,
        emit: Callable[[A], object],
        end: Callable[[], object] = _nowhere,
        life: Life | _Standstill | None = None,
        absorb: Absorb | None = None,
    ) -> None:
        self.emit = emit
        self.absorb = absorb or _absorb_nothing
        self._end = end
        self._life = life or _Standstill()

    def end(self) -> None:
        """Complete downstream and leave upstream; nothing may be emitted after it."""
        try:
            self._end()
        finally:
            self._life.dispose()

    @property
    def later(self) -> Callable[[float, Callable[[], object]], Callable[[], None]]:
        """Call an action after so many seconds; returns what cancels it."""
        return self._life.later

    @property
    def now(self) -> Callable[[], float]:
        """Return the time in seconds."""
        return self._life.now


class Machine(Protocol[A_contra]):
    """The logic of an operator: no Rx, threads, clocks or I/O.

    Besides ``feed`` it may have ``flush()`` (the source completed), ``fail(error)`` (it failed) and
    ``close()`` (called once, however it ended; alone when the subscription was disposed). For bursts it
    may ``absorb(items)``, or ``relay(items)`` to ``out.absorb``, see `_burst`.
    """

    def feed(self, item: A_contra, /) -> object:
        """Take one item and emit what follows from it."""
        ...


class Stream(Observable[B_co]):
    """An Observable that hands its items on with one call per hop."""

    @abstractmethod
    def attach(self, down: Tap[B_co], life: Life) -> None:
        """Start to send events down; stop when ``life`` is over."""

    def subscribe(
        self,
        on_next: abc.ObserverBase[B_co] | abc.OnNext[B_co] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe as to any Observable; an exception raised by ``on_next`` reaches ``on_error``."""
        life = Life(scheduler)
        observer: Any = on_next
        if hasattr(observer, "on_next"):
            user = Tap[B_co](observer.on_next, observer.on_error, observer.on_completed)
        else:
            user = Tap[B_co](observer or _ignore, on_error or _raise, on_completed or _nowhere)
        self.attach(_outermost(user, life), life)
        return life


def _ignore(_: object) -> None:
    pass


def _raise(error: Exception) -> None:
    raise error


def _outermost(user: Tap[A], life: Life) -> Tap[A]:
    """Guard the user's end: one terminal event, nothing after it, nothing after ``dispose()``."""
    on_next = user.on_next

    def guarded(item: A) -> None:
        if not life.over:
            on_next(item)

    return Tap(guarded, partial(_failed, life, user.on_error), partial(_completed, life, user.on_completed))


def _failed(life: Life, on_error: Callable[[Exception], object], error: Exception) -> None:
    if not life.finish():
        raise error  # nobody is left to be told: the producer reports it
    on_error(error)


def _completed(life: Life, on_completed: Callable[[], object]) -> None:
    if life.finish():
        on_completed()


def through(
    machine: Callable[[Out[B]], Machine[A]], *, timed: bool = False
) -> Callable[[Observable[A]], Observable[B]]:
    """Make an operator of a machine; each subscription builds one of its own.

    ``timed`` says that the machine asks for timers, whose actions then never overlap with ``feed``.
    """

    def operator(source: Observable[A]) -> Observable[B]:
        return _Through(source, machine, timed=timed)

    return operator


class _Through(Stream[B], Generic[A, B]):
    def __init__(
        self, source: Observable[A], machine: Callable[[Out[B]], Machine[A]], *, timed: bool
    ) -> None:
        super().__init__()
        self._source = source
        self._machine = machine
        self._timed = timed

    def attach(self, down: Tap[B], life: Life) -> None:
        if self._timed:
            life.lock_needed()
        machine = self._machine(Out(down.on_next, down.on_completed, life, down.absorb))
        close = getattr(machine, "close", None)
        if close is not None:
            life.add(close)
        up = Tap(machine.feed, _failing(machine, down), _completing(machine, down), _absorbing(machine, down))
        source = self._source
        if isinstance(source, Stream):
            source.attach(up, life)
        else:
            _enter(source, up, life)


def _absorbing(machine: Machine[A], down: Tap[B]) -> Absorb | None:
    absorb: Absorb | None = getattr(machine, "absorb", None)
    if absorb is None and down.absorb is not None:
        absorb = getattr(machine, "relay", None)
    return absorb


def _failing(machine: Machine[A], down: Tap[B]) -> Callable[[Exception], object]:
    fail: Callable[[Exception], object] | None = getattr(machine, "fail", None)
    if fail is None:
        return down.on_error

    return partial(_fail_first, fail, down.on_error)


def _fail_first(
    fail: Callable[[Exception], object], on_error: Callable[[Exception], object], error: Exception
) -> None:
    try:
        fail(error)
    finally:
        on_error(error)


def _completing(machine: Machine[A], down: Tap[B]) -> Callable[[], object]:
    flush: Callable[[], object] | None = getattr(machine, "flush", None)
    if flush is None:
        return down.on_completed

    return partial(_flush_first, flush, down.on_completed)


def _flush_first(flush: Callable[[], object], on_completed: Callable[[], object]) -> None:
    flush()
    on_completed()


def _enter(source: Observable[A], up: Tap[A], life: Life) -> None:
    """Take in a source that is not made here: keep its exceptions and its late items out."""
    life.root(up.on_error, up.on_completed)
    entering = life.entrance(up.on_next)
    subscription = source.subscribe(entering, life.fail, life.complete, scheduler=life.scheduler)
    life.add(subscription.dispose)
