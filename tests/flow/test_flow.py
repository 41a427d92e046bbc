"""A flow pauses and resumes what is subscribed with it."""

import asyncio
from collections.abc import Callable

from ollama_rx.flow.flow import Flow


class Spring:
    """A source that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


def on_a_loop(act: Callable[[Flow], None]) -> None:
    async def main() -> None:
        act(Flow(asyncio.get_running_loop()))

    asyncio.run(main())


def test_all_sources_are_paused_and_resumed() -> None:
    one, two = Spring(), Spring()

    def act(flow: Flow) -> None:
        flow.attach(one)
        flow.attach(two)
        assert not flow.paused
        flow.pause()
        assert flow.paused
        flow.resume()
        assert not flow.paused

    on_a_loop(act)
    assert one.told == two.told == ["pause", "resume"]


def test_each_pause_wants_a_resume() -> None:
    spring = Spring()

    def act(flow: Flow) -> None:
        flow.attach(spring)
        flow.pause()
        flow.pause()
        flow.resume()
        assert flow.paused
        assert spring.told == ["pause"]
        flow.resume()

    on_a_loop(act)
    assert spring.told == ["pause", "resume"]


def test_a_source_that_comes_during_a_pause_waits_too() -> None:
    spring = Spring()

    def act(flow: Flow) -> None:
        flow.pause()
        flow.attach(spring)
        flow.resume()

    on_a_loop(act)
    assert spring.told == ["pause", "resume"]


def test_a_source_that_has_ended_is_left_alone() -> None:
    spring = Spring()

    def act(flow: Flow) -> None:
        flow.attach(spring)
        flow.detach(spring)
        flow.detach(spring)
        flow.pause()

    on_a_loop(act)
    assert spring.told == []


def test_a_source_that_fills_the_consumer_again_leaves_the_others_paused() -> None:
    def act(flow: Flow) -> None:
        class Gush(Spring):
            def resume(self) -> None:
                super().resume()
                flow.pause()

        springs = [Gush(), Gush()]
        for spring in springs:
            flow.attach(spring)
        flow.pause()
        flow.resume()
        assert sum("resume" in spring.told for spring in springs) == 1

    on_a_loop(act)


def test_a_source_that_another_one_ends_when_it_goes_on_is_not_resumed() -> None:
    class Rival(Spring):
        def __init__(self, flow: Flow) -> None:
            super().__init__()
            self.flow = flow
            self.other: Spring | None = None

        def resume(self) -> None:
            super().resume()
            assert self.other is not None
            self.flow.detach(self.other)

    def act(flow: Flow) -> None:
        one, two = Rival(flow), Rival(flow)
        one.other, two.other = two, one
        flow.attach(one)
        flow.attach(two)
        flow.pause()
        flow.resume()
        assert sorted([one.told, two.told]) == [["pause"], ["pause", "resume"]]

    on_a_loop(act)
