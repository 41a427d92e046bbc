"""All items, and how the stream ended."""

import pytest
import reactivex
from reactivex import of

from ollama_rx import Chunk, deliver
from ollama_rx.sinks import Collector


def test_items_are_kept_and_their_text_is_joined() -> None:
    sink = Collector[Chunk]()
    chunks = [Chunk({"response": "Hel"}), Chunk({"response": "lo"})]
    deliver(of(*chunks), sink).wait(5)
    assert sink.items == chunks
    assert sink.text == "Hello"
    assert (sink.completed, sink.error, sink.closed) == (True, None, True)


def test_an_error_is_kept() -> None:
    sink = Collector[str]()
    error = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        deliver(reactivex.throw(error), sink).wait(5)
    assert (sink.completed, sink.error, sink.closed) == (False, error, True)


def test_after_a_cancel_the_collector_is_neither_completed_nor_failed() -> None:
    sink = Collector[str]()
    delivery = deliver(reactivex.never(), sink)
    delivery.cancel()
    delivery.wait(5)
    assert (sink.completed, sink.error, sink.closed) == (False, None, True)
