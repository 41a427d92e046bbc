"""A upstream pauses and resumes what is subscribed with it."""

import asyncio
from collections.abc import Callable

from ollama_rx.rx.backpressure import PausableScheduler


class Spring:
    """A source that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


def on_a_loop(act: Callable[[PausableScheduler], None]) -> None:
    async def main() -> None:
        act(PausableScheduler(asyncio.get_running_loop()))

    asyncio.run(main())


def test_all_sources_are_paused_and_resumed() -> None:
    one, two = Spring(), Spring()

    def act(upstream: PausableScheduler) -> None:
        upstream.attach(one)
        upstream.attach(two)
        assert not upstream.paused
        upstream.pause()
        assert upstream.paused
        upstream.resume()
        assert not upstream.paused

    on_a_loop(act)
    assert one.told == two.told == ["pause", "resume"]


def test_each_pause_wants_a_resume() -> None:
    spring = Spring()

    def act(upstream: PausableScheduler) -> None:
        upstream.attach(spring)
        upstream.pause()
        upstream.pause()
        upstream.resume()
        assert upstream.paused
        assert spring.told == ["pause"]
        upstream.resume()

    on_a_loop(act)
    assert spring.told == ["pause", "resume"]


def test_a_source_that_comes_during_a_pause_waits_too() -> None:
    spring = Spring()

    def act(upstream: PausableScheduler) -> None:
        upstream.pause()
        upstream.attach(spring)
        upstream.resume()

    on_a_loop(act)
    assert spring.told == ["pause", "resume"]


def test_a_source_that_has_ended_is_left_alone() -> None:
    spring = Spring()

    def act(upstream: PausableScheduler) -> None:
        upstream.attach(spring)
        upstream.detach(spring)
        upstream.detach(spring)
        upstream.pause()

    on_a_loop(act)
    assert spring.told == []


def test_a_source_that_fills_the_consumer_again_leaves_the_others_paused() -> None:
    def act(upstream: PausableScheduler) -> None:
        class Gush(Spring):
            def resume(self) -> None:
                super().resume()
                upstream.pause()

        springs = [Gush(), Gush()]
        for spring in springs:
            upstream.attach(spring)
        upstream.pause()
        upstream.resume()
        assert sum("resume" in spring.told for spring in springs) == 1

    on_a_loop(act)


def test_a_source_that_another_one_ends_when_it_goes_on_is_not_resumed() -> None:
    class Rival(Spring):
        def __init__(self, upstream: PausableScheduler) -> None:
            super().__init__()
            self.upstream = upstream
            self.other: Spring | None = None

        def resume(self) -> None:
            super().resume()
            assert self.other is not None
            self.upstream.detach(self.other)

    def act(upstream: PausableScheduler) -> None:
        one, two = Rival(upstream), Rival(upstream)
        one.other, two.other = two, one
        upstream.attach(one)
        upstream.attach(two)
        upstream.pause()
        upstream.resume()
        assert sorted([one.told, two.told]) == [["pause"], ["pause", "resume"]]

    on_a_loop(act)
