"""One request, many sinks: ``deliver(stream, Console(), JsonLines("answer.jsonl")).wait()``."""

from typing import Any, TypeVar, get_args

from reactivex import Observable, abc

from ollama_rx.delivery.delivery import Delivery, OnSinkError
from ollama_rx.delivery.subscription import check_stream
from ollama_rx.flow.waiting import check_waiting
from ollama_rx.sinks._sink import Branch, Sink

T = TypeVar("T")


def deliver(
    stream: Observable[T],
    *sinks: Sink[T] | Branch[T],
    on_sink_error: OnSinkError = "cancel",
    scheduler: abc.SchedulerBase | None = None,
) -> Delivery:
    """Subscribe once and send each item to all sinks, in their order; return the running delivery.

    Inside a running event loop the stream runs on it, and so do sinks that are not ``blocking``.
    Elsewhere the stream has a thread of its own. An explicit scheduler wins.

    A sink that fails is closed and reported as a `SinkError`. With ``on_sink_error="cancel"`` this
    cancels the stream and closes the other sinks; with "continue" the others go on, and the error is
    raised when all are done. A sink whose operators complete, or that raises `Leave`, is closed
    alone. When no sink is left the request is closed.

    A slow blocking sink pauses the stream, unless its ``when_full`` says otherwise. A source that
    can't be paused, because it pushes on the user's loop and reads from no request, fills its queue.

    >>> from reactivex import of
    >>> from ollama_rx.sinks import Collector
    >>> words = Collector[str]()
    >>> deliver(of("Hello", "world"), words).wait()
    >>> words.items
    ['Hello', 'world']
    """
    if on_sink_error not in get_args(OnSinkError):
        raise ValueError(f'on_sink_error: "cancel" or "continue", got {on_sink_error!r}')
    check_stream(stream)
    branches: list[Branch[T]] = [sink if isinstance(sink, Branch) else Branch(sink, ()) for sink in sinks]
    _check([branch.sink for branch in branches])
    return Delivery(stream, branches, on_sink_error=on_sink_error, scheduler=scheduler)


def _check(sinks: list[Sink[Any]]) -> None:
    if not sinks:
        raise ValueError("sinks: at least one is needed")
    for sink in sinks:
        if not isinstance(sink, Sink):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"sinks: {sink!r} is no Sink; Callback makes one of a function")
        check_waiting(sink.max_waiting, sink.when_full)
    if len({id(sink) for sink in sinks}) < len(sinks):
        raise ValueError("sinks: the same sink twice; it can't be closed twice")
