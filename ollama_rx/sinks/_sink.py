"""The contract of a sink, and how to add one.

A sink ends a stream: it prints, speaks, stores or sends on what comes. A complete one::

    from ollama_rx.sinks import Sink

    class Shout(Sink[str]):
        def on_next(self, value: str) -> None:
            print(value.upper())

    deliver(client.generate("Hi").pipe(op.text()), Shout()).wait()

What `deliver` promises to a sink:

1. Calls never overlap: ``on_next`` any number of times, then at most one of ``on_completed`` and
   ``on_error``, then ``close``, exactly once, however it ends. A cancelled sink gets ``close`` only.
2. An exception raised by a sink closes that sink and is reported as a `SinkError`. A sink that has
   merely had enough raises `StopSink`: it is closed without an error.
3. A sink that may take its time says ``blocking = True`` and gets a thread of its own behind a
   queue of ``max_waiting`` items; ``when_full`` says what happens when that is not enough.
4. A sink that works on the event loop and must not block calls ``self.upstream.pause()`` and
   ``self.upstream.resume()`` there; ``upstream`` is None where streams run on threads, and blocking in
   ``on_next`` is the way to make them wait.
5. ``interrupt`` is called once when a delivery is cancelled, from any thread, also while
   ``on_next`` runs: a sink that waits for something stops waiting.

To let the command line say ``--to shout``, register the class in your package's pyproject.toml::

    [project.entry-points."ollama_rx.sinks"]
    shout = "my_package:Shout"

What stands after the colon in ``--to shout:loud`` goes to ``Shout.from_uri("loud")``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, overload

from reactivex import Observable, abc

from ollama_rx.arguments import check_callable
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.mailbox import MAX_WAITING, WhenFull

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

Operator = Callable[[Observable[A]], Observable[B]]


class StopSink(Exception):  # noqa: N818 - no error, as StopIteration
    """Raised by a sink that wants no more items: it is closed, and nothing is reported."""


class Sink(abc.ObserverBase[T_contra], Generic[T_contra]):
    """An Observer that can be closed; only ``on_next`` must be written.

    Subscribed without `deliver` (``stream.subscribe(sink)``) nobody closes it: ``with sink:`` does.
    """

    blocking: bool = False
    max_waiting: int = MAX_WAITING
    when_full: WhenFull = "pause"
    upstream: PausableScheduler | None = None

    def on_error(self, error: Exception) -> None:
        """Take notice that the stream failed; ``close`` follows."""

    def on_completed(self) -> None:
        """Take notice that the stream is complete; ``close`` follows."""

    def interrupt(self) -> None:
        """Let an ``on_next`` that waits for something return; called from any thread."""

    def close(self) -> None:
        """Let go of what the sink holds."""

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Make the sink that ``--to name:argument`` asks for; without a colon the argument is empty."""
        if argument:
            raise ValueError(f"{cls.__name__} takes no argument, got {argument!r}")
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
        """Give this sink a branch of its own: the operators run for it alone.

        Up to three; more are joined with `reactivex.compose`. A failing operator fails the branch.

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
        self.close()


@dataclass(frozen=True, slots=True)
class Branch(Generic[T]):
    """A sink behind operators of its own, made by `Sink.after`; only `deliver` takes it."""

    sink: Sink[Any]
    operators: tuple[Callable[[Any], Any], ...]
