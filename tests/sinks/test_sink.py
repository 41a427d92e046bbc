"""What every sink inherits: it is an observer and a context manager, and has branches."""

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


def test_after_returns_a_branch_and_leaves_the_sink_alone() -> None:
    sink = Collector[str]()

    def operator(source: Any) -> Any:
        raise NotImplementedError

    assert sink.after(operator) == Branch(sink, (operator,))


def test_a_value_that_is_not_an_operator_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"^operators: expected a function, got int"):
        Collector[int]().after(cast(Any, 5))
