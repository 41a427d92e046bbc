"""The streams of a benchmark: one level after another, and some requests of a level at once."""

import asyncio
from collections.abc import Callable, Sequence

from reactivex import Observable, from_iterable, interval
from reactivex import operators as rx
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.bench_progress import BenchProgress
from ollama_rx.cli.bench.request_result import RequestResult, measure_request

_REFRESH_SECONDS = 0.5

Ask = Callable[[BenchLevel, int], Observable[Chunk]]
"""Returns the answer to a request of a level."""


def measure_levels(levels: Sequence[BenchLevel], ask: Ask, progress: BenchProgress) -> Observable[BenchLevel]:
    """Measure one level after another, and emit each when it is finished.

    A level without answers is the last one.

    All requests share one event loop: `map_async` runs it on a thread, and awaits a level in it before it
    begins the next one.
    """

    async def measure(level: BenchLevel) -> BenchLevel:
        progress.begin(level)
        refresh = interval(_REFRESH_SECONDS, scheduler=AsyncIOScheduler(asyncio.get_running_loop()))
        refreshing = refresh.subscribe(lambda _: progress.refresh())
        try:
            await measure_level(level, ask, progress)
        finally:
            refreshing.dispose()
        return level

    return from_iterable(levels).pipe(
        op.map_async(measure),
        rx.take_while(BenchLevel.has_answers, inclusive=True),
    )


def measure_level(level: BenchLevel, ask: Ask, progress: BenchProgress) -> Observable[RequestResult]:
    """Send the requests of a level, ``level.streams`` at once; the next one when an answer is complete.

    The results are also noted in the level, so that they are not lost if the stream is disposed.
    """

    def send(request: int) -> Observable[RequestResult]:
        return ask(level, request).pipe(
            measure_request(request, on_begin=level.begin_request, on_token=progress.count_token)
        )

    return from_iterable(range(level.requests)).pipe(
        rx.map(send),
        rx.merge(max_concurrent=level.streams),
        rx.do_action(level.results.append),
        rx.do_action(lambda _: progress.show()),
    )
