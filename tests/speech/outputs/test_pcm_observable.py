"""Subscribers receive the samples from now on, until the end of the delivery."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from reactivex import operators as rx_operators

from ollama_rx import SinkError, deliver, iterate
from ollama_rx.sinks import Callback, Collector
from ollama_rx.speech import PcmObservable


class Log:
    """Subscribes, and keeps what comes."""

    def __init__(self, output: PcmObservable) -> None:
        self.events: list[bytes | str] = []
        self.subscription = output.pcm.subscribe(
            self.events.append, lambda error: self.events.append(repr(error)), lambda: self.events.append("|")
        )


def speak(output: PcmObservable, *blocks: bytes) -> None:
    output.start(24_000)
    for block in blocks:
        output.write(block)
    output.drain()
    output.close()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_each_subscriber_receives_the_blocks_of_one_delivery() -> None:
    output = PcmObservable()
    early = Log(output)
    output.start(24_000)
    output.write(b"ab")
    late = Log(output)
    output.write(b"cd")
    output.close()
    following = Log(output)
    speak(output, b"ef")
    assert early.events == [b"ab", b"cd", "|"]
    assert late.events == [b"cd", "|"]
    assert following.events == [b"ef", "|"]


def test_a_disposed_subscription_receives_nothing_more() -> None:
    output = PcmObservable()
    first, second = Log(output), Log(output)
    output.write(b"ab")
    first.subscription.dispose()
    speak(output, b"cd")
    assert first.events == [b"ab"]
    assert second.events == [b"ab", b"cd", "|"]


def test_a_subscriber_may_dispose_itself_and_subscribe_again_in_a_callback() -> None:
    output = PcmObservable()
    first: list[bytes] = []
    again: list[Log] = []
    taken = output.pcm.pipe(rx_operators.take(1))
    taken.subscribe(first.append, on_completed=lambda: again.append(Log(output)))
    speak(output, b"ab", b"cd")
    assert first == [b"ab"]
    assert again[0].events == [b"cd", "|"]


def test_without_a_subscriber_the_blocks_are_lost() -> None:
    output = PcmObservable()
    speak(output, b"ab")
    assert Log(output).events == []


def test_what_a_subscriber_raises_fails_the_output() -> None:
    output = PcmObservable()
    output.pcm.subscribe({b"ab"}.remove)
    output.write(b"ab")
    with pytest.raises(KeyError):
        output.write(b"cd")


def test_subscriptions_complete_in_the_order_in_which_they_were_made() -> None:
    output = PcmObservable()
    order: list[int] = []
    output.pcm.subscribe(on_completed=lambda: order.append(1))
    output.pcm.subscribe(on_completed=lambda: order.append(2))
    output.close()
    assert order == [1, 2]


def test_all_subscriptions_complete_also_if_a_subscriber_raises_then() -> None:
    output = PcmObservable()
    first = Log(output)
    output.pcm.subscribe(on_completed=[].pop)
    last = Log(output)
    with pytest.raises(IndexError):
        output.close()
    assert first.events == last.events == ["|"]


def test_a_delivery_in_threads_receives_the_blocks() -> None:
    output = PcmObservable()
    plain, blocking = Collector[bytes](), list[bytes]()
    with deliver(output.pcm, plain, Callback(blocking.append, blocking=True)):
        in_thread(lambda: speak(output, b"ab", b"cd")).join(5)
    assert plain.items == blocking == [b"ab", b"cd"]


def test_a_delivery_in_asyncio_awaits_a_coroutine_function_and_makes_the_voice_wait() -> None:
    blocks = [bytes([number, 0]) for number in range(200)]
    sent: list[bytes] = []

    async def send(pcm: bytes) -> None:
        await asyncio.sleep(0)
        sent.append(pcm)

    async def main() -> None:
        output = PcmObservable()
        delivery = deliver(output.pcm, Callback(send))
        voice = in_thread(lambda: speak(output, *blocks))
        await delivery
        voice.join(5)

    asyncio.run(main())
    assert sent == blocks


def test_a_sink_that_fails_leaves_the_voice_alone() -> None:
    output = PcmObservable()
    log = Log(output)
    delivery = deliver(output.pcm, Callback({b"ab"}.remove))
    speak(output, b"ab", b"cd", b"ef")
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert log.events == [b"ab", b"cd", b"ef", "|"]


def test_a_loop_in_a_thread_receives_the_blocks_and_makes_the_voice_wait() -> None:
    output = PcmObservable()
    blocks = [bytes([number, 0]) for number in range(200)]
    items = iter(iterate(output.pcm, max_waiting=2))
    voice = in_thread(lambda: speak(output, *blocks))
    assert list(items) == blocks
    voice.join(5)


def test_a_loop_in_asyncio_receives_the_blocks_of_one_delivery_after_the_other() -> None:
    output = PcmObservable()

    async def main() -> list[list[bytes]]:
        received: list[list[bytes]] = []
        for block in (b"ab", b"cd"):
            items = aiter(iterate(output.pcm))
            voice = in_thread(lambda block=block: speak(output, block, block))  # type: ignore[misc]
            received.append([pcm async for pcm in items])
            voice.join(5)
        return received

    assert asyncio.run(main()) == [[b"ab"] * 2, [b"cd"] * 2]


def test_leaving_a_loop_lets_a_voice_go_on_that_waits_for_it() -> None:
    output = PcmObservable()
    items = iter(iterate(output.pcm, max_waiting=1))
    voice = in_thread(lambda: speak(output, *[b"ab"] * 100))
    assert next(items) == b"ab"
    items.close()
    voice.join(5)
    assert not voice.is_alive()


def test_the_length_of_a_block_can_be_chosen() -> None:
    assert PcmObservable().block == 0.04
    assert PcmObservable(block=0.1).block == 0.1
    with pytest.raises(ValueError, match=r"^block: expected a number of seconds above 0, got -1$"):
        PcmObservable(block=-1)
