"""A `PausableScheduler` pauses and resumes the sources that are subscribed with it."""

import asyncio
from collections.abc import Callable

from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ollama_rx.rx.backpressure import PausableScheduler, pausable


class RecordingSource:
    """A source that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


def on_a_loop(action: Callable[[PausableScheduler], None]) -> None:
    async def main() -> None:
        action(PausableScheduler(asyncio.get_running_loop()))

    asyncio.run(main())


def test_all_sources_are_paused_and_resumed() -> None:
    one, two = RecordingSource(), RecordingSource()

    def action(upstream: PausableScheduler) -> None:
        upstream.attach(one)
        upstream.attach(two)
        assert not upstream.paused
        upstream.pause()
        assert upstream.paused
        upstream.resume()
        assert not upstream.paused

    on_a_loop(action)
    assert one.calls == two.calls == ["pause", "resume"]


def test_each_pause_needs_a_resume() -> None:
    source = RecordingSource()

    def action(upstream: PausableScheduler) -> None:
        upstream.attach(source)
        upstream.pause()
        upstream.pause()
        upstream.resume()
        assert upstream.paused
        assert source.calls == ["pause"]
        upstream.resume()

    on_a_loop(action)
    assert source.calls == ["pause", "resume"]


def test_a_source_that_is_attached_during_a_pause_is_paused() -> None:
    source = RecordingSource()

    def action(upstream: PausableScheduler) -> None:
        upstream.pause()
        upstream.attach(source)
        upstream.resume()

    on_a_loop(action)
    assert source.calls == ["pause", "resume"]


def test_a_detached_source_is_not_paused() -> None:
    source = RecordingSource()

    def action(upstream: PausableScheduler) -> None:
        upstream.attach(source)
        upstream.detach(source)
        upstream.detach(source)
        upstream.pause()

    on_a_loop(action)
    assert source.calls == []


def test_a_source_that_fills_the_consumer_again_leaves_the_others_paused() -> None:
    def action(upstream: PausableScheduler) -> None:
        class RefillingSource(RecordingSource):
            def resume(self) -> None:
                super().resume()
                upstream.pause()

        sources = [RefillingSource(), RefillingSource()]
        for source in sources:
            upstream.attach(source)
        upstream.pause()
        upstream.resume()
        assert sum("resume" in source.calls for source in sources) == 1

    on_a_loop(action)


def test_sources_that_fill_the_consumer_take_turns() -> None:
    resumed: list[str] = []

    def action(upstream: PausableScheduler) -> None:
        class RefillingSource(RecordingSource):
            def __init__(self, name: str) -> None:
                super().__init__()
                self.name = name

            def resume(self) -> None:
                super().resume()
                resumed.append(self.name)
                upstream.pause()

        sources = [RefillingSource("one"), RefillingSource("two")]
        for source in sources:
            upstream.attach(source)
        upstream.pause()
        for _ in range(4):
            upstream.resume()
        for source in sources:
            assert source.calls == ["pause", "resume"] * 2 + ["pause"]

    on_a_loop(action)
    assert resumed == ["one", "two"] * 2


def test_a_scheduler_that_is_attached_to_another_one_is_paused_with_it() -> None:
    source, beside = RecordingSource(), RecordingSource()

    def action(below: PausableScheduler) -> None:
        above = PausableScheduler(below.loop)
        below.attach(above)
        below.attach(beside)
        above.attach(source)
        above.pause()
        assert (source.calls, beside.calls) == (["pause"], [])
        below.pause()
        above.resume()
        assert source.calls == ["pause"]
        below.resume()

    on_a_loop(action)
    assert source.calls == beside.calls == ["pause", "resume"]


def test_a_source_that_is_detached_by_the_resume_of_another_is_not_resumed() -> None:
    class DetachingSource(RecordingSource):
        def __init__(self, upstream: PausableScheduler) -> None:
            super().__init__()
            self.upstream = upstream
            self.other: RecordingSource | None = None

        def resume(self) -> None:
            super().resume()
            assert self.other is not None
            self.upstream.detach(self.other)

    def action(upstream: PausableScheduler) -> None:
        one, two = DetachingSource(upstream), DetachingSource(upstream)
        one.other, two.other = two, one
        upstream.attach(one)
        upstream.attach(two)
        upstream.pause()
        upstream.resume()
        assert sorted([one.calls, two.calls]) == [["pause"], ["pause", "resume"]]

    on_a_loop(action)


def test_a_scheduler_that_can_pause_takes_the_place_of_one_of_the_same_loop() -> None:
    def action(upstream: PausableScheduler) -> None:
        assert pausable(upstream) is upstream
        plain = pausable(AsyncIOScheduler(upstream.loop))
        safe = pausable(AsyncIOThreadSafeScheduler(upstream.loop))
        assert plain.loop is safe.loop is upstream.loop
        assert not isinstance(plain, AsyncIOThreadSafeScheduler)
        assert isinstance(safe, AsyncIOThreadSafeScheduler)

    on_a_loop(action)
