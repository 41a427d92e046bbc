"""Connects machines to Observables, with one Python call per item and operator.

RxPY puts an observer, two locks and a trampoline check between any two operators. A chain of observables made
here shares one `ChainSubscription` instead: the outermost ``subscribe`` creates it, each operator binds its
machine's ``emit`` directly to the next one's ``feed``. Where the source is not a `ChainedObservable`, a guard
with a lock is added. RxPY's operators work before, between and after these: to them each is an ordinary
Observable.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast
from weakref import WeakSet

from reactivex import Observable, abc

from ollama_rx.rx.item_types import ItemTypes
from ollama_rx.rx.subscriber import ChainObserver, guard_subscriber, observer_of
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.rx.trampoline import run_in_trampoline

A = TypeVar("A")
B = TypeVar("B")
A_contra = TypeVar("A_contra", contravariant=True)
B_co = TypeVar("B_co", covariant=True)


def _noop(*_: object) -> None:
    """Do nothing."""


class _StoppedClock:
    """Test stub: time stands still, timers never fire."""

    level = 0

    def now(self) -> float:
        return 0.0

    def call_later(
        self,
        seconds: float,  # noqa: ARG002 - the stub's timers never fire
        action: Callable[[], object],  # noqa: ARG002
        *,
        level: int,  # noqa: ARG002
    ) -> Callable[[], None]:
        return _noop

    def complete_early(self, level: int, on_completed: Callable[[], object]) -> None:  # noqa: ARG002
        on_completed()


class Emitter(Generic[A]):
    """What a machine may do: emit items, complete early, set timers, read the clock.

    To test a machine without Rx, build it with ``Emitter(emitted.append)``, where ``emitted`` is a list.
    """

    __slots__ = ("_complete", "_level", "_subscription", "emit")

    def __init__(
        self,
        emit: Callable[[A], object],
        complete: Callable[[], object] = _noop,
        subscription: ChainSubscription | _StoppedClock | None = None,
    ) -> None:
        self.emit = emit
        """Send an item to the next operator, or to the subscriber."""
        self._complete = complete
        self._subscription = subscription or _StoppedClock()
        self._level = self._subscription.level

    def complete(self) -> None:
        """Dispose upstream, which closes the request, then complete downstream. Emit nothing afterwards."""
        self._subscription.complete_early(self._level, self._complete)

    @property
    def later(self) -> Callable[[float, Callable[[], object]], Callable[[], None]]:
        """``later(seconds, action)`` calls ``action`` once and returns the function that cancels it.

        The action never overlaps with ``feed`` or another action, is virtual in virtual time, and is
        cancelled when the stream ends. Call it from ``feed`` or from another action.
        """
        return partial(self._subscription.call_later, level=self._level)

    @property
    def now(self) -> Callable[[], float]:
        """``now()`` returns the time in seconds since some moment: monotonic, or virtual."""
        return self._subscription.now


class Machine(Protocol[A_contra]):
    """The logic of an operator, without Rx, threads, clocks and I/O; one machine per subscription.

    Besides ``feed`` a machine may have these methods, and no other public ones:

    - ``flush()``: the source has completed; emit what is held back. Completion follows by itself.
    - ``fail(error)``: the source has failed; the error follows by itself.
    - ``close()``: called exactly once at the end, after ``flush`` or ``fail``; alone when the subscriber has
      disposed, or this operator or one further down has completed early.

    An exception raised in ``feed`` or ``flush`` ends the stream with that error.
    """

    def feed(self, item: A_contra, /) -> object:
        """Take one item and emit what follows from it."""
        ...


_METHODS = ("feed", "flush", "fail", "close")
_DEFINED = (FunctionType, staticmethod, classmethod)
_checked: WeakSet[type] = WeakSet()  # machine classes that have passed `_check_methods`


def _check_machine(machine: object) -> None:
    """Refuse a machine with an unknown public method: a misspelt one would never be called.

    Only what its class defines with ``def`` counts; properties are not read, constants and classes may be
    public.
    """
    kind = type(machine)
    if kind not in _checked:
        _check_methods(kind)
        _checked.add(kind)
    if not callable(getattr(machine, "feed", None)):
        raise TypeError(f"through: {kind.__name__} has no method 'feed'")


def _check_methods(kind: type) -> None:
    names = {
        name for owner in kind.__mro__ for name, value in vars(owner).items() if isinstance(value, _DEFINED)
    }
    for name in sorted(names.difference(_METHODS)):
        if name.startswith("_"):
            continue
        from difflib import get_close_matches  # noqa: PLC0415 - only for this message

        close = get_close_matches(name, _METHODS, 1)
        meant = f"did you mean {close[0]!r}?" if close else "start its name with an underscore"
        raise TypeError(f"through: {kind.__name__}.{name} is not a machine's method; {meant}")


class ChainedObservable(Observable[B_co]):
    """An Observable that passes its items on with one call per operator."""

    item_type: type | None = None  # None if it is not known

    # Not iterable: because of RxPY's `stream[0]`, Python would take a stream for a sequence, and the loop
    # `for chunk in stream`, with `iterate` forgotten, would never end. (To RxPY's `sequence_equal`, a method
    # that raises would make it an `Iterable`.)
    __iter__: ClassVar[None] = None

    @abstractmethod
    def subscribe_chained(self, observer: ChainObserver[B_co], subscription: ChainSubscription) -> None:
        """Start to send events to ``observer``; stop when ``subscription`` is disposed."""

    def subscribe(
        self,
        on_next: abc.ObserverBase[B_co] | abc.OnNext[B_co] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe as to any Observable; an exception raised by ``on_next`` reaches ``on_error``."""
        subscription = ChainSubscription(scheduler)
        observer = guard_subscriber(observer_of(on_next, on_error, on_completed), subscription)
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        try:
            self.subscribe_chained(observer, subscription)
        except BaseException as error:  # noqa: BLE001 - raised by a machine's constructor or by the source
            subscription.handle_exception(error)
        return subscription


def through(
    machine: Callable[[Emitter[B]], Machine[A]],
    *,
    name: str = "operator",
    takes: type | None = None,
    gives: type | None = None,
) -> Callable[[Observable[A]], Observable[B]]:
    """Make an operator of a machine: a class, or a function that builds one from its `Emitter`.

    Each subscription builds a machine of its own, so that two subscribers share no state.

    Args:
        machine: the class or function.
        name: the operator's name, for the error that ``takes`` raises.
        takes: the type of the items that the machine is fed; an item of another type is an error. If the
            operator above gives a wrong type, the error is raised when the pipeline is built.
        gives: the type of the items that it emits, so that the next operator need not check them.

    >>> class Double:
    ...     def __init__(self, out: Emitter[int]) -> None:
    ...         self._emit = out.emit
    ...     def feed(self, item: int, /) -> None:
    ...         self._emit(item * 2)
    >>> from reactivex import of
    >>> of(1, 2).pipe(through(Double)).run()
    4

    Raises:
        TypeError: the operator above gives items of another type than ``takes``; raised when the pipeline is
            built. Or the machine has a public method that is not one of `Machine`, or no ``feed``; raised
            when the first machine is built, which is when the operator is subscribed to.
    """
    types = ItemTypes(name, takes, gives)

    def operator(source: Observable[A]) -> Observable[B]:
        return _MachineObservable(source, machine, types)

    return operator


class _MachineObservable(ChainedObservable[B], Generic[A, B]):
    def __init__(
        self, source: Observable[A], machine: Callable[[Emitter[B]], Machine[A]], types: ItemTypes
    ) -> None:
        super().__init__()
        given = source.item_type if isinstance(source, ChainedObservable) else None
        types.check_source(given)
        self.item_type = types.gives
        self._source = source
        self._machine = machine
        self._types = types if given is None and types.takes is not None else None  # to check each item

    def subscribe_chained(self, observer: ChainObserver[B], subscription: ChainSubscription) -> None:
        machine: Any = self._machine(Emitter(observer.on_next, observer.on_completed, subscription))
        _check_machine(machine)
        subscription.add_teardown(getattr(machine, "close", _noop))
        fail = getattr(machine, "fail", None)
        flush = getattr(machine, "flush", None)
        upper: ChainObserver[A] = ChainObserver(
            machine.feed if self._types is None else self._types.check_each(machine.feed),
            observer.on_error if fail is None else partial(_fail, subscription, fail, observer),
            observer.on_completed if flush is None else partial(_flush, subscription, flush, observer),
        )
        source = self._source
        if isinstance(source, ChainedObservable):
            source.subscribe_chained(upper, subscription)
        else:
            _subscribe_foreign(source, upper, subscription)


def _fail(
    subscription: ChainSubscription,
    fail: Callable[[Exception], object],
    below: ChainObserver[Any],
    error: Exception,
) -> None:
    try:
        fail(error)
    finally:
        if not subscription.is_disposed:  # as after `Emitter.complete` in ``fail``
            below.on_error(error)


def _flush(subscription: ChainSubscription, flush: Callable[[], object], below: ChainObserver[Any]) -> None:
    try:
        flush()
    except BaseException as error:
        if subscription.is_disposed:
            raise  # the subscriber has raised
        below.on_error(cast("Exception", error))
        if not isinstance(error, Exception):
            raise
    else:
        if not subscription.is_disposed:  # as after `Emitter.complete` in ``flush``
            below.on_completed()


def _subscribe_foreign(
    source: Observable[A], observer: ChainObserver[A], subscription: ChainSubscription
) -> None:
    """Subscribe to a source that is not a `ChainedObservable`; its items are serialized."""
    subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
    on_next = subscription.serialize_foreign(observer.on_next)

    def subscribe() -> None:
        inner = source.subscribe(
            on_next, subscription.fail, subscription.complete, scheduler=subscription.scheduler
        )
        subscription.set_foreign_source(inner.dispose)

    run_in_trampoline(subscribe)
