"""What every sink inherits: it is an observer and a context manager, and has branches."""

import asyncio
from typing import Any, cast

import pytest
from reactivex import of

from ollama_rx.sinks import Branch, Collector


def test_a_sink_can_be_subscribed_without_deliver() -> None:
    sink = Collector[str]()
    with sink:
        of("a", "b").subscribe(sink)
    assert sink.text == "ab"
    assert sink.closed


class AwaitedClose(Collector[int]):
    async def close(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().close()


def test_a_with_block_awaits_the_close_of_a_sink_with_coroutine_functions() -> None:
    with AwaitedClose() as sink:
        assert not sink.closed
    assert sink.closed


@pytest.mark.parametrize("kind", [Collector, AwaitedClose])
def test_an_async_with_block_closes_any_sink(kind: type[Collector[int]]) -> None:
    async def main() -> bool:
        async with kind() as sink:
            assert not sink.closed
        return sink.closed

    assert asyncio.run(main())


def test_after_returns_a_branch_and_leaves_the_sink_alone() -> None:
    sink = Collector[str]()

    def operator(source: Any) -> Any:
        raise NotImplementedError

    assert sink.after(operator) == Branch(sink, (operator,))


def test_a_value_that_is_not_an_operator_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"^operators: expected a function, got int"):
        Collector[int]().after(cast(Any, 5))
