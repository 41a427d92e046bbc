"""The contract of a sink, and how to write one.

A sink is the end of a stream: it prints, speaks, stores or forwards the items. This one is complete::

    from ollama_rx.sinks import Sink

    class Shout(Sink[str]):
        def on_next(self, value: str) -> None:
            print(value.upper())

    deliver(client.generate("Hi").pipe(op.text()), Shout()).wait()

What `deliver` promises to a sink, and what a sink may do:

1. **Order.** ``open`` is called first, then ``on_next`` once for each item, then ``on_completed`` or
   ``on_error``, then ``close``. These calls never overlap. ``close`` is called exactly once, however the
   delivery ends. If the delivery is cancelled, or the sink itself raises, ``close`` is the only call that
   follows.
2. **Failing.** An exception that a sink raises closes that sink and is reported as a `SinkError`; the
   ``on_sink_error`` argument of `deliver` decides whether the other sinks continue.
3. **Stopping.** A sink that needs no more items raises `StopSink`. It is closed, nothing is reported, and the
   other sinks continue. When no sink is left, the request is closed.
4. **Taking time.** A sink that does I/O or computes for long sets ``blocking = True``. It is then called on a
   thread of its own, ``open`` and ``close`` too, which reads from a queue of ``max_waiting`` items.
   ``when_full`` decides what happens if the queue is full: "pause" pauses the stream, "drop_oldest" drops the
   item that has waited longest, "fail" fails this sink.
5. **Awaiting.** ``open``, ``on_next``, ``on_error``, ``on_completed`` and ``close`` may be coroutine
   functions (``async def``). They are awaited in a task on the event loop of the stream, that in which
   `deliver` is called or that of its ``scheduler``; where there is none, on a loop that a thread of this sink
   runs for one delivery. Items wait in a queue, as in 4. Without `deliver`
   (``stream.subscribe(sink)``) nothing awaits them. A blocking sink has no coroutine functions.
6. **Pausing.** A sink that is called on an event loop must not block. It can pause the stream instead: it
   calls ``self.upstream.pause()`` there, and later ``self.upstream.resume()``. ``upstream`` is None if the
   stream runs on a thread; a sink pauses such a stream by blocking in ``on_next``.
7. **Interrupting.** If a delivery is cancelled while ``on_next`` waits for something (a device, a full
   buffer), the sink cannot be closed before ``on_next`` returns. So ``interrupt`` is called: at most once,
   from any thread, possibly during another call, also during ``close``. It should only wake the waiting
   call, for instance by setting a `threading.Event`; ``close`` releases the resources. If a sink has
   coroutine functions, the call that is under way is cancelled instead, unless it is ``close``.

8. **Ending the delivery.** A sink that has to end not only itself but the whole delivery, with its request,
   calls ``self.cancel_delivery()``, from any thread: when the user presses a stop button, for instance.

A sink with a wait that can be interrupted::

    class Slow(Sink[str]):
        blocking = True

        def __init__(self) -> None:
            self._interrupted = threading.Event()

        def on_next(self, value: str) -> None:
            print(value)
            self._interrupted.wait(5.0)  # returns at once when the delivery is cancelled

        def interrupt(self) -> None:
            self._interrupted.set()

To make ``--to shout`` work on the command line, register the class in your package's pyproject.toml::

    [project.entry-points."ollama_rx.sinks"]
    shout = "my_package:Shout"

The text after the colon, as in ``--to shout:loud``, is passed on: ``Shout.from_uri("loud")``. The sink gets
the pieces of text that the model sends, often less than a word, unless the user asks for ``--sentences``; one
with ``takes_sentences = True`` gets whole sentences in any case.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, overload

from reactivex import Observable, abc

from ollama_rx.arguments import check_callable, is_coroutine_function, refuse_async_generator, wrong_value
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.mailbox import MAX_WAITING, WhenFull

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_AWAITED = ("open", "on_next", "on_error", "on_completed", "close")

Operator = Callable[[Observable[A]], Observable[B]]


class StopSink(Exception):  # noqa: N818 - not an error, as StopIteration
    """Raised by a sink that needs no more items: it is closed, and nothing is reported.

    It may be raised in any of the sink's methods except ``interrupt``. The other sinks of the delivery
    continue; when no sink is left, the request is closed.

    >>> from reactivex import of
    >>> from ollama_rx import deliver
    >>> class FirstWord(Sink[str]):
    ...     def on_next(self, value: str) -> None:
    ...         print(value)
    ...         raise StopSink
    >>> deliver(of("Hello", "world"), FirstWord()).wait()
    Hello
    """


class Sink(abc.ObserverBase[T_contra], Generic[T_contra]):
    """An Observer that can be closed; a subclass must define ``on_next`` only.

    Without `deliver` (``stream.subscribe(sink)``) a sink is neither opened nor closed; ``with sink:`` and
    ``async with sink:`` close it. mypy needs ``# type: ignore[override]`` at an ``async def on_next``: RxPY's
    observers return None.
    """

    blocking: bool = False
    """Whether the sink is called on a thread of its own."""
    max_waiting: int = MAX_WAITING
    """How many items may wait for a sink that is blocking or awaited, at least 1."""
    when_full: WhenFull = "pause"
    """What happens when ``max_waiting`` items wait: "pause", "drop_oldest" or "fail"."""
    takes_sentences: bool = False
    """Whether ``--to`` gives the sink whole sentences also without ``--sentences``. `deliver` does not split
    anything: there an operator does, as in ``sink.after(op.text(), op.split_sentences())``."""
    has_coroutines: bool = False
    """Whether `deliver` calls coroutine functions and so awaits all functions; set when a class is made."""
    upstream: PausableScheduler | None = None
    """Pauses and resumes the stream on its event loop; set by `deliver`, None for a stream on a thread."""
    cancel_delivery: Callable[[], object] | None = None
    """Cancels the delivery with all its sinks, from any thread; set by `deliver` until the sink is closed."""

    def open(self) -> Awaitable[None] | None:
        """Prepare the sink, before its first item and on the thread or event loop of its other calls.

        A SQLite connection of a blocking sink, for instance, must be made here, on the sink's own thread. A
        sink that is neither blocking nor awaited is opened on the thread that subscribes, before anything is
        sent. An exception fails this sink, and ``close`` follows.
        """

    @abstractmethod
    def on_next(self, value: T_contra) -> Awaitable[None] | None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take an item; may be a coroutine function, which is awaited before the next item."""

    def on_error(self, error: Exception) -> Awaitable[None] | None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Handle the stream's error; ``close`` follows."""

    def on_completed(self) -> Awaitable[None] | None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Handle the stream's completion; ``close`` follows."""

    def interrupt(self) -> object:
        """Wake a call of this sink that waits for something, because the delivery is cancelled.

        Called at most once, from any thread, possibly during another call, and only if the delivery is
        cancelled before the sink has ended. ``close`` may run before this method has returned, and its result
        is ignored. A sink that never waits does not need this method.
        """

    def close(self) -> Awaitable[None] | None:
        """Release the sink's resources; called exactly once, however the delivery ends."""

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        cls.has_coroutines = has_coroutines(cls)

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Return the sink for ``--to name:argument``; without a colon the argument is empty."""
        if argument:
            raise wrong_value(cls.__name__, "no argument", argument)
        return cls()

    @overload
    def after(self, first: Operator[A, T_contra], /) -> "Branch[A]": ...
    @overload
    def after(self, first: Operator[A, B], second: Operator[B, T_contra], /) -> "Branch[A]": ...
    @overload
    def after(
        self, first: Operator[A, B], second: Operator[B, C], third: Operator[C, T_contra], /
    ) -> "Branch[A]": ...
    def after(self, *operators: Callable[[Any], Any]) -> "Branch[Any]":
        """Return a `Branch`: this sink behind operators that run for it alone.

        Takes up to three operators; join more of them with `reactivex.compose`. If an operator fails, this
        sink fails, and the stream does not.

        >>> from reactivex import of
        >>> from ollama_rx import deliver, operators as op
        >>> from ollama_rx.sinks import Collector
        >>> pieces, words = Collector[str](), Collector[str]()
        >>> deliver(of("a b", "c d"), pieces, words.after(op.split_words())).wait()
        >>> pieces.items, words.items
        (['a b', 'c d'], ['a', 'bc', 'd'])
        """
        for operator in operators:
            check_callable("operators", operator)
        return Branch(self, operators)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.has_coroutines:
            asyncio.run(self.__aexit__())
        else:
            self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        closing = self.close()
        if closing is not None:
            await closing


@dataclass(frozen=True, slots=True)
class Branch(Generic[T]):
    """A sink behind operators of its own, returned by `Sink.after`; to be passed to `deliver`."""

    sink: Sink[Any]
    operators: tuple[Callable[[Any], Any], ...]


def has_coroutines(owner: object) -> bool:
    """Return whether a sink, or a class of sinks, has coroutine functions that `deliver` is to await.

    Raises:
        TypeError: a function is one that nothing could await.
    """
    for name in ("interrupt", *_AWAITED):
        function = getattr(owner, name)
        refuse_async_generator(name, function)
        if name == "interrupt" and is_coroutine_function(function):
            raise TypeError(f"{name}: expected a function, got a coroutine function")
    return any(is_coroutine_function(getattr(owner, name)) for name in _AWAITED)


def check_blocking(sink: Sink[Any]) -> None:
    """Refuse a sink that is to be called on a thread and awaited on an event loop."""
    if sink.blocking and sink.has_coroutines:
        raise TypeError(
            f"{type(sink).__name__}: expected `def` functions for a blocking sink, which is called on a "
            "thread, got `async def`; without `blocking` it is awaited on an event loop"
        )
