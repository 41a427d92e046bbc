"""Deliveries and loops with the real client: requests, disconnects, back-pressure."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from reactivex import operators as ops
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ollama_rx import Chunk, Client, Delivery, ModelNotFoundError, SinkError, deliver, iterate
from ollama_rx import operators as op
from ollama_rx.sinks import Callback, Collector, Queue
from ollama_rx.testing import FakeOllama, answer, endless, error_status
from tests.recording_sink import RecordingSink

pytestmark = pytest.mark.usefixtures("no_thread_left")

MAX_WAITING = 8


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama(send_buffer_bytes=4096) as server:
        yield server


@pytest.fixture
def client(fake: FakeOllama) -> Iterator[Client]:
    with Client(fake.url, model="m") as made:
        yield made


def test_many_sinks_share_one_request(fake: FakeOllama, client: Client) -> None:
    fake.play(answer("Hel", "lo wor", "ld"))
    chunks, blocking, words = Collector[Chunk](), RecordingSink(blocking=True), Collector[str]()
    stream = client.generate("Hi")
    deliver(stream, chunks, blocking, words.after(op.text(), op.split_words())).wait(5)
    assert len(fake.requests) == 1
    assert chunks.text == "Hello world"
    assert words.items == ["Hello", "world"]
    assert len(blocking.calls) == len(chunks.items) + 2


def test_many_sinks_share_one_request_on_a_loop(fake: FakeOllama, client: Client) -> None:
    async def main() -> None:
        chunks, blocking = Collector[Chunk](), RecordingSink(blocking=True)
        await deliver(client.generate("Hi"), chunks, blocking)
        assert chunks.text == "Hello world"
        assert len(blocking.calls) == len(chunks.items) + 2

    fake.play(answer("Hel", "lo wor", "ld"))
    asyncio.run(main())
    assert len(fake.requests) == 1


def test_an_error_of_the_server_reaches_the_sinks_and_is_raised_by_wait(
    fake: FakeOllama, client: Client
) -> None:
    fake.play(error_status(404, "model 'm' not found"))
    sink = Collector[Chunk]()
    with pytest.raises(ModelNotFoundError):
        deliver(client.generate("Hi"), sink).wait(5)
    assert isinstance(sink.error, ModelNotFoundError)
    assert sink.closed


def test_a_failing_sink_closes_the_request(fake: FakeOllama, client: Client) -> None:
    fake.play(answer(endless()))
    with pytest.raises(SinkError):
        deliver(client.generate("Hi"), RecordingSink(raises="next")).wait(5)
    fake.wait_for_disconnect()


def test_the_request_is_closed_when_every_branch_is_complete(fake: FakeOllama, client: Client) -> None:
    fake.play(answer(endless("word ")))
    first, second = Collector[str](), Collector[str]()
    deliver(
        client.generate("Hi").pipe(op.text()),
        first.after(op.split_words(), ops.take(1)),
        second.after(op.split_words(), ops.take(3)),
    ).wait(5)
    fake.wait_for_disconnect()
    assert (first.items, second.items) == (["word"], ["word"] * 3)


def test_cancelling_closes_the_request(fake: FakeOllama, client: Client) -> None:
    fake.play(answer(endless(every=0.001)))
    arrived = threading.Event()
    delivery = deliver(client.generate("Hi"), Callback[Chunk](lambda _: arrived.set()))
    assert arrived.wait(5)
    delivery.cancel()
    fake.wait_for_disconnect()
    delivery.wait(5)


def test_cancelling_the_awaiting_task_closes_the_request(fake: FakeOllama, client: Client) -> None:
    async def main() -> None:
        arrived = asyncio.Event()
        waiting = asyncio.ensure_future(
            deliver(client.generate("Hi"), Callback[Chunk](lambda _: arrived.set()))
        )
        await arrived.wait()
        waiting.cancel()
        await fake.aio.wait_for_disconnect()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    fake.play(answer(endless(every=0.001)))
    asyncio.run(main())


def test_a_request_that_is_not_awaited_is_closed_with_its_loop(fake: FakeOllama, client: Client) -> None:
    async def main() -> None:
        arrived = asyncio.Event()
        deliver(client.generate("Hi"), Callback[Chunk](lambda _: arrived.set()))
        await arrived.wait()

    fake.play(answer(endless(every=0.001)))
    asyncio.run(main())
    fake.wait_for_disconnect()


@pytest.mark.parametrize("moment", range(40))
def test_a_delivery_can_be_cancelled_at_any_moment(fake: FakeOllama, client: Client, moment: int) -> None:
    fake.play(answer(endless()))
    sinks = RecordingSink(), RecordingSink(blocking=True)
    sinks[1].max_waiting = 1
    delivery = deliver(client.generate("Hi"), *sinks)
    cancelling = threading.Timer(moment / 4000, delivery.cancel)
    cancelling.start()
    delivery.wait(5)
    cancelling.join()
    for sink in sinks:
        assert sink.calls.count("close") == 1
        assert sink.calls[-1] == "close"


def test_a_delivery_inside_a_callback_of_a_delivery(fake: FakeOllama, client: Client) -> None:
    fake.play(answer("first"), answer("second"))
    inner = Collector[Chunk]()

    def nest(chunk: Chunk) -> None:
        if chunk.text:
            deliver(client.generate("Hi"), inner).wait(5)

    deliver(client.generate("Hi"), Callback(nest)).wait(5)
    assert inner.text == "second"


def test_leaving_a_loop_closes_the_request(fake: FakeOllama, client: Client) -> None:
    fake.play(answer(endless()))
    for _ in iterate(client.generate("Hi")):
        break
    fake.wait_for_disconnect()


def test_leaving_an_async_loop_closes_the_request(fake: FakeOllama, client: Client) -> None:
    async def main() -> None:
        async for _ in iterate(client.generate("Hi")):
            break
        await fake.aio.wait_for_disconnect()

    fake.play(answer(endless()))
    asyncio.run(main())


def test_a_slow_loop_pauses_the_server(fake: FakeOllama, client: Client) -> None:
    fake.play(answer(endless()))
    sent: list[Chunk] = []
    stream = client.generate("Hi").pipe(ops.do_action(sent.append))
    items = iter(iterate(stream, max_waiting=MAX_WAITING))
    next(items)
    fake.wait_for_pause()
    assert len(sent) <= MAX_WAITING + 1
    for taken in range(2, 1000):
        next(items)
        assert len(sent) <= MAX_WAITING + taken
    items.close()
    fake.wait_for_disconnect()


def test_a_slow_async_loop_pauses_the_server(fake: FakeOllama, client: Client) -> None:
    async def main() -> None:
        sent: list[Chunk] = []
        stream = client.generate("Hi").pipe(ops.do_action(sent.append))
        items = aiter(iterate(stream, max_waiting=MAX_WAITING))
        await anext(items)
        await fake.aio.wait_for_pause()
        assert len(sent) <= MAX_WAITING + 1
        for taken in range(2, 1000):
            await anext(items)
            assert len(sent) <= MAX_WAITING + taken
        await items.aclose()
        await fake.aio.wait_for_disconnect()

    fake.play(answer(endless()))
    asyncio.run(main())


@pytest.mark.parametrize("kind", ["blocking sink", "queue"])
def test_a_slow_sink_pauses_the_server(fake: FakeOllama, client: Client, kind: str) -> None:
    fake.play(answer(endless()))
    sent: list[Chunk] = []
    stream = client.generate("Hi").pipe(ops.do_action(sent.append))
    gate = threading.Event()
    slow = Callback[Chunk](lambda _: gate.wait(), blocking=True, max_waiting=MAX_WAITING)
    delivery = deliver(stream, slow if kind == "blocking sink" else Queue[Chunk](max_waiting=MAX_WAITING))
    fake.wait_for_pause()
    assert len(sent) <= MAX_WAITING + 2
    delivery.cancel()
    gate.set()
    delivery.wait(5)
    fake.wait_for_disconnect()


async def check_pause(fake: FakeOllama, delivery: Delivery, gate: threading.Event, sent: list[Chunk]) -> None:
    """Check that a sink that waits for the gate pauses the server, and end its delivery."""
    await fake.aio.wait_for_pause()
    assert len(sent) <= MAX_WAITING + 2
    delivery.cancel()
    gate.set()
    await delivery
    await fake.aio.wait_for_disconnect()


@pytest.mark.parametrize("kind", ["blocking sink", "queue"])
def test_a_slow_sink_pauses_the_server_on_a_loop(fake: FakeOllama, client: Client, kind: str) -> None:
    async def main() -> None:
        sent: list[Chunk] = []
        stream = client.generate("Hi").pipe(ops.do_action(sent.append))
        gate = threading.Event()
        slow = Callback[Chunk](lambda _: gate.wait(), blocking=True, max_waiting=MAX_WAITING)
        delivery = deliver(stream, slow if kind == "blocking sink" else Queue[Chunk](max_waiting=MAX_WAITING))
        await check_pause(fake, delivery, gate, sent)

    fake.play(answer(endless()))
    asyncio.run(main())


@pytest.mark.parametrize("where", ["on the loop", "on a thread"])
@pytest.mark.parametrize("kind", [AsyncIOScheduler, AsyncIOThreadSafeScheduler])
def test_a_slow_sink_pauses_the_server_with_a_scheduler_too(
    fake: FakeOllama, client: Client, kind: type[AsyncIOScheduler], where: str
) -> None:
    async def main() -> None:
        scheduler = kind(asyncio.get_running_loop())
        sent: list[Chunk] = []
        stream = client.generate("Hi").pipe(ops.do_action(sent.append))
        gate = threading.Event()
        slow = Callback[Chunk](lambda _: gate.wait(), blocking=True, max_waiting=MAX_WAITING)
        if where == "on the loop":
            delivery = deliver(stream, slow, scheduler=scheduler)
        else:
            delivery = await asyncio.to_thread(lambda: deliver(stream, slow, scheduler=scheduler))
        await check_pause(fake, delivery, gate, sent)

    fake.play(answer(endless()))
    asyncio.run(main())


def test_a_slow_sink_receives_every_chunk_in_order(fake: FakeOllama, client: Client) -> None:
    async def main() -> None:
        plain, slow = Collector[Chunk](), Collector[Chunk]()
        slow.blocking = True
        slow.max_waiting = 2
        queue = Queue[Chunk](max_waiting=3)
        async with deliver(client.generate("Hi"), plain, slow, queue):
            read = [chunk async for chunk in queue]
        assert plain.items == slow.items == read
        assert plain.text == text

    text = "".join(f"{number} " for number in range(2000))
    fake.play(answer(*(f"{number} " for number in range(2000))))
    asyncio.run(main())
