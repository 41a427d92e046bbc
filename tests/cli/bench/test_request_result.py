"""An answer becomes one result, in virtual time."""

import pytest
from reactivex import Observable
from reactivex.testing import ReactiveTest, Recorded, TestScheduler

from ollama_rx import Chunk
from ollama_rx.cli.bench.request_result import RequestResult, measure_request
from ollama_rx.errors import OllamaError
from ollama_rx.sinks import Collector
from tests.cli.bench.made_results import made_result

EMPTY = Chunk({"model": "m", "response": ""})
THOUGHT = Chunk({"model": "m", "response": "", "thinking": "hm"})
WORD = Chunk({"model": "m", "response": "word"})
STARTED = 200
Event = Chunk | Exception | None


def last(**metrics: int) -> Chunk:
    return Chunk({"model": "m", "response": "", "done": True, "done_reason": "length", **metrics})


class Run:
    """What comes out for chunks at some seconds after the subscription; None is the end."""

    def __init__(self, *events: tuple[int, Event], disposed: int | None = None) -> None:
        self.begun = self.tokens = 0
        self.found = Collector[RequestResult]()
        scheduler = TestScheduler()
        source: Observable[Chunk] = scheduler.create_cold_observable(*(_message(*event) for event in events))
        scheduler.advance_to(STARTED)
        operator = measure_request(7, on_begin=self._begin, on_token=self._count)
        subscription = source.pipe(operator).subscribe(self.found, scheduler=scheduler)
        if disposed is not None:
            scheduler.advance_to(STARTED + disposed)
            subscription.dispose()
        scheduler.advance_to(STARTED + 1000)

    def _begin(self) -> None:
        self.begun += 1

    def _count(self) -> None:
        self.tokens += 1

    @property
    def result(self) -> RequestResult:
        assert self.found.completed
        (result,) = self.found.items
        return result


def _message(second: int, event: Event) -> Recorded[Chunk]:
    if event is None:
        return ReactiveTest.on_completed(second)
    if isinstance(event, Exception):
        return ReactiveTest.on_error(second, event)
    return ReactiveTest.on_next(second, event)


def test_the_first_token_is_the_first_chunk_that_is_not_empty() -> None:
    run = Run((3, EMPTY), (5, WORD), (6, WORD), (9, WORD), (10, last(eval_count=3)), (10, None))
    assert (run.result.first_token, list(run.result.token_gaps)) == (5.0, [1.0, 3.0])
    assert (run.result.request, run.result.started, run.result.ended) == (7, 200.0, 210.0)
    assert (run.begun, run.tokens, run.result.has_thinking) == (1, 3, False)


def test_thinking_counts_as_tokens_and_is_told_from_text() -> None:
    result = Run((2, THOUGHT), (4, THOUGHT), (7, WORD), (8, last(eval_count=3)), (8, None)).result
    assert (result.first_token, result.first_text) == (2.0, 7.0)
    assert result.has_thinking
    assert result.time_per_token == 2.5


def test_tokens_are_those_that_the_server_counts() -> None:
    result = Run((2, WORD), (4, WORD), (8, last(eval_count=9)), (8, None)).result
    assert (result.tokens, result.time_per_token, result.tokens_per_second) == (9, 0.25, 9 / 8)


def test_without_a_count_each_chunk_is_a_token() -> None:
    result = Run((2, WORD), (4, WORD), (8, last()), (8, None)).result
    assert (result.tokens, result.time_per_token) == (2, 2.0)
    assert Run((8, last()), (8, None)).result.tokens == 0


@pytest.mark.parametrize("chunks", [[], [(1, WORD)]])
def test_the_time_of_a_further_token_needs_two(chunks: list[tuple[int, Chunk]]) -> None:
    result = Run(*chunks, (8, last(eval_count=5)), (8, None)).result
    assert (result.time_per_token, list(result.token_gaps)) == (None, [])


def test_an_answer_that_takes_no_time_has_no_speed() -> None:
    assert made_result(duration=0.0).tokens_per_second is None


def test_a_failure_is_a_result_too() -> None:
    error = OllamaError("out of memory")
    result = Run((2, WORD), (3, error)).result
    assert (result.error, result.first_token, result.stats.ended_by) == (error, 2.0, "error")


def test_a_defect_remains_an_error() -> None:
    defect = RuntimeError("a defect")
    found = Run((2, WORD), (3, defect)).found
    assert (found.items, found.error) == ([], defect)


def test_a_request_that_is_cancelled_has_no_result() -> None:
    run = Run((2, WORD), (30, None), disposed=10)
    assert (run.found.items, run.found.completed, run.begun) == ([], False, 1)
