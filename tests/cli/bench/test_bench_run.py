"""Levels are measured one after another; in a level some requests run at once, and none is lost."""

from collections.abc import Callable

import pytest
from reactivex import Observable, never, of, throw

from ollama_rx import Chunk, Client, UnreachableError, deliver
from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.bench_progress import BenchProgress
from ollama_rx.cli.bench.bench_run import measure_level, measure_levels
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.sinks import Collector
from ollama_rx.testing import FakeOllama, Gate, answer, error_status

pytestmark = pytest.mark.usefixtures("no_thread_left")

Ask = Callable[[BenchLevel, int], Observable[Chunk]]
LAST = Chunk({"response": "Hi", "done": True, "eval_count": 1})


@pytest.fixture
def progress() -> BenchProgress:
    return BenchProgress(StatusLine())


def ask_each(client: Client) -> Ask:
    return lambda level, request: client.generate(f"{level.streams}-{request}", model="mine")


def ask_same(answer_to_all: Observable[Chunk]) -> Ask:
    return lambda _level, _request: answer_to_all


def prompts(fake: FakeOllama) -> list[object]:
    return [request.json["prompt"] for request in fake.requests]


def test_as_many_requests_run_at_once_as_the_level_has_streams(
    fake: FakeOllama, progress: BenchProgress
) -> None:
    gates = [Gate() for _ in range(5)]
    fake.play(*(answer("a", gate, "b") for gate in gates))
    level = BenchLevel(streams=2, requests=5)
    with Client(fake.url) as client:
        delivery = deliver(measure_levels([level], ask_each(client), progress), Collector[BenchLevel]())
        fake.wait_for_lines(1, request=2, timeout=30)
        assert (level.begun, len(fake.requests)) == (2, 2)
        gates[1].open()  # the second one is finished first, and the third one takes its place
        fake.wait_for_lines(1, request=3, timeout=30)
        assert (level.begun, len(fake.requests)) == (3, 3)
        for gate in gates:
            gate.open()
        delivery.wait()
    first, *others = (result.request for result in level.results)
    assert (first, sorted(others)) == (1, [0, 2, 3, 4])
    assert level.interrupted == 0


def test_a_level_begins_when_the_one_before_is_finished(fake: FakeOllama, progress: BenchProgress) -> None:
    levels = [BenchLevel(streams=streams, requests=3) for streams in (1, 3)]
    emitted = Collector[BenchLevel]()
    with Client(fake.url) as client:
        deliver(measure_levels(levels, ask_each(client), progress), emitted).wait()
    assert emitted.items == levels
    assert prompts(fake)[:3] == ["1-0", "1-1", "1-2"]
    assert sorted(map(str, prompts(fake)[3:])) == ["3-0", "3-1", "3-2"]


def test_a_level_without_answers_is_the_last_one(fake: FakeOllama, progress: BenchProgress) -> None:
    fake.play(answer("a"), answer("a"), error_status(503), error_status(503), error_status(503))
    levels = [BenchLevel(streams=1, requests=2) for _ in range(4)]
    emitted = Collector[BenchLevel]()
    with Client(fake.url) as client:
        deliver(measure_levels(levels, ask_each(client), progress), emitted).wait()
    assert emitted.items == levels[:2]
    assert [level.begun for level in levels] == [2, 2, 0, 0]


@pytest.mark.parametrize("streams", [1, 3, 2000])
@pytest.mark.parametrize("source", [of(LAST), throw(UnreachableError("http://here", "gone"))])
def test_none_of_many_requests_that_end_at_once_is_lost(
    source: Observable[Chunk], streams: int, progress: BenchProgress
) -> None:
    level = BenchLevel(streams=streams, requests=2000)
    deliver(measure_levels([level], ask_same(source), progress), Collector[BenchLevel]()).wait()
    assert sorted(result.request for result in level.results) == list(range(2000))


def test_a_cancelled_run_closes_the_requests_and_keeps_the_results(
    fake: FakeOllama, progress: BenchProgress
) -> None:
    fake.play(answer("a"), answer("b", Gate()))
    level = BenchLevel(streams=2, requests=6)
    with Client(fake.url) as client:
        delivery = deliver(measure_levels([level], ask_each(client), progress), Collector[BenchLevel]())
        fake.wait_for_lines(1, request=3, timeout=30)
        delivery.cancel()
        fake.wait_for_disconnect(2, timeout=30)
    assert [result.request for result in level.completed] == [0]
    assert (level.begun, level.interrupted, level.failed) == (3, 2, [])


def test_a_defect_ends_the_run(progress: BenchProgress) -> None:
    defect = RuntimeError("a defect")
    with pytest.raises(RuntimeError, match="a defect"):
        deliver(
            measure_levels([BenchLevel(streams=1, requests=1)], ask_same(throw(defect)), progress),
            Collector[BenchLevel](),
        ).wait()


def test_the_progress_counts_tokens_and_requests(monkeypatch: pytest.MonkeyPatch, fake: FakeOllama) -> None:
    monkeypatch.setattr("ollama_rx.cli.bench.bench_run._REFRESH_SECONDS", 0.01)
    gate = Gate()
    fake.play(answer("a", "b", gate))

    class OpensTheGate(StatusLine):
        def show(self, text: str, *, instead_of: str | None = None) -> None:
            assert instead_of is None
            if text.startswith("1 stream: 0 of 1 requests, ") and not text.endswith(", 0 tokens/s"):
                gate.open()  # a refresh has counted the tokens

    with Client(fake.url) as client:
        level = BenchLevel(streams=1, requests=1)
        progress = BenchProgress(OpensTheGate())
        deliver(measure_levels([level], ask_each(client), progress), Collector[BenchLevel]()).wait()
    assert level.has_answers()


def test_requests_are_sent_when_the_level_is_subscribed_to(progress: BenchProgress) -> None:
    level = BenchLevel(streams=2, requests=3)
    stream = measure_level(level, ask_same(never()), progress)
    assert level.begun == 0
    stream.subscribe().dispose()
    assert level.begun == 2
