"""Contract 6: calls are serialised, one terminal event, nothing after it or after ``dispose()``."""

import threading

import pytest
from reactivex import operators as ops

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.operators import split_words
from ollama_rx.testing import FakeOllama, answer, endless
from tests.contracts.conftest import Connect, Door, Seen, eventually


class BrokenError(Exception):
    """Raised by a subscriber."""


def fail(_: object) -> None:
    raise BrokenError


def test_an_exception_in_the_subscriber_closes_the_request_and_reaches_on_error(
    connect: Connect, door: Door
) -> None:
    with FakeOllama(answer(endless())) as fake:
        seen = door.subscribe(connect(fake.url).generate("x"), hook=fail).wait()
        fake.wait_for_disconnect()
        assert [type(error) for error in seen.errors] == [BrokenError]
        assert len(seen.items) == 1


def test_an_exception_behind_our_operators_closes_the_request_too(connect: Connect, door: Door) -> None:
    with FakeOllama(answer(endless())) as fake:
        stream = connect(fake.url).generate("x").pipe(op.text(), split_words())
        seen = door.subscribe(stream, hook=fail).wait()
        fake.wait_for_disconnect()
        assert [type(error) for error in seen.errors] == [BrokenError]


def test_an_exception_behind_an_operator_of_rxpy_closes_the_request_too(connect: Connect, door: Door) -> None:
    with FakeOllama(answer(endless())) as fake:
        stream = connect(fake.url).generate("x").pipe(ops.map(fail))
        seen = door.subscribe(stream).wait()
        fake.wait_for_disconnect()
        assert [type(error) for error in seen.errors] == [BrokenError]


def test_nothing_is_emitted_after_a_disposal_inside_a_callback(connect: Connect, door: Door) -> None:
    with FakeOllama(answer("one two three four ", endless())) as fake:
        stream = connect(fake.url).generate("x").pipe(op.text(), split_words())
        ready = threading.Event()

        def dispose(_: object) -> None:
            ready.wait(5)
            seen.dispose()

        seen: Seen = door.subscribe(stream, hook=dispose)
        ready.set()
        fake.wait_for_disconnect()
        assert seen.items == ["one"]
        assert not seen.errors
        assert not seen.completed


def test_an_exception_in_on_completed_is_logged(
    connect: Connect, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    def raise_at_the_end() -> None:
        raise BrokenError

    with FakeOllama() as fake:
        stream = connect(fake.url).generate("x")
        door.call(lambda: stream.subscribe(on_completed=raise_at_the_end))
        assert eventually(lambda: any("unhandled exception" in record.message for record in caplog.records))


def test_an_error_without_a_handler_is_logged(
    connect: Connect, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    stream = connect("http://127.0.0.1:9").generate("x")
    door.call(stream.subscribe)
    assert eventually(lambda: any("unhandled exception" in record.message for record in caplog.records))


@pytest.mark.parametrize("pause", [0.0, 0.001])
def test_calls_are_serialised_while_other_threads_dispose(pause: float, connect: Connect, door: Door) -> None:
    running = 0
    overlaps = 0

    def watch(_: Chunk) -> None:
        nonlocal running, overlaps
        running += 1
        overlaps += running > 1
        running -= 1

    with FakeOllama(answer(endless(every=pause))) as fake:
        client = connect(fake.url)
        for _ in range(5):
            seen = door.subscribe(client.generate("x"), hook=watch)
            assert seen.started.wait(5)
            others = [threading.Thread(target=seen.dispose) for _ in range(4)]
            for other in others:
                other.start()
            for other in others:
                other.join()
            count = len(seen.items)
            assert len(seen.items) <= count + 1
        assert not overlaps
