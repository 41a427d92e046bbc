"""How a call begins, pauses and ends when threads, loops and pauses interfere."""

import asyncio
import gc
import gzip
import itertools
import socket
import sys
import threading
from types import FrameType
from typing import Any, cast

import pytest
from reactivex import operators as ops
from reactivex.abc import DisposableBase

from ollama_rx import (
    Client,
    ClientClosedError,
    IncompleteStreamError,
    LineTooLongError,
    Stats,
    StatusError,
    UnreachableError,
)
from ollama_rx import operators as op
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.testing import FakeOllama, Gate, Reply, all_at_once, answer, endless, midstream_error
from ollama_rx.transport import call as call_module
from ollama_rx.transport.call import _LINGER, Call
from ollama_rx.transport.http_transport import HttpTransport
from tests.transport.raw_server import (
    ANSWER,
    DONE,
    OK,
    raw_server,
    read_request,
    replies_until_closed,
    replies_with,
)

TEXT = [*[" One", " two", " three", "."] * 30, " ", "STOP", " never", " seen."]


def test_a_scheduler_that_is_paused_before_the_answer_arrives_makes_the_server_wait() -> None:
    async def main(fake: FakeOllama) -> None:
        scheduler = PausableScheduler(asyncio.get_running_loop())
        scheduler.pause()
        arrived = asyncio.Event()
        async with Client(fake.url, model="m") as client:
            stream = client.generate("x").subscribe(lambda _: arrived.set(), scheduler=scheduler)
            await asyncio.to_thread(fake.wait_for_pause)
            assert not arrived.is_set()
            scheduler.resume()
            await asyncio.wait_for(arrived.wait(), 10)
            stream.dispose()
            await asyncio.to_thread(fake.wait_for_disconnect)

    with FakeOllama(answer(endless("word " * 50)), send_buffer_bytes=4096) as fake:
        asyncio.run(main(fake))


def test_items_stay_in_order_when_a_subscriber_pauses_inside_an_item() -> None:
    async def main(fake: FakeOllama) -> list[str]:
        scheduler = PausableScheduler(asyncio.get_running_loop())
        over = asyncio.Event()
        items: list[str] = []

        def take(item: str) -> None:
            items.append(item)
            scheduler.pause()
            if len(items) % 3:
                scheduler.resume()
            else:
                asyncio.get_running_loop().call_later(0.001, scheduler.resume)

        async with Client(fake.url, model="m") as client:
            stream = client.generate("x").pipe(op.text())
            stream.subscribe(take, on_completed=over.set, scheduler=scheduler)
            await asyncio.wait_for(over.wait(), 10)
        return items

    texts = [str(n) for n in range(50)]
    with FakeOllama(answer(*texts)) as fake:
        assert asyncio.run(main(fake)) == texts


def test_an_end_in_the_same_read_as_the_item_that_pauses_is_emitted_after_the_pause() -> None:
    async def main(url: str) -> list[object]:
        scheduler = PausableScheduler(asyncio.get_running_loop())
        paused, over = asyncio.Event(), asyncio.Event()
        seen: list[object] = []

        def take(item: str) -> None:
            seen.append(item)
            scheduler.pause()
            paused.set()

        def fail(error: Exception) -> None:
            seen.append(type(error))
            over.set()

        async with Client(url, model="m") as client:
            client.generate("x").pipe(op.text()).subscribe(take, fail, scheduler=scheduler)
            await asyncio.wait_for(paused.wait(), 10)
            assert seen == ["hello"]
            scheduler.resume()
            await asyncio.wait_for(over.wait(), 10)
        return seen

    line = b'{"response":"hello","done":false}\n'
    whole = OK + b"Content-Length: %d\r\n\r\n" % len(line) + line  # one segment, so one read
    with raw_server(replies_with(whole)) as url:
        assert asyncio.run(main(url)) == ["hello", IncompleteStreamError]


@pytest.mark.parametrize("reply", [answer(*TEXT), answer(*TEXT).sent(all_at_once)], ids=["singly", "at once"])
def test_pauses_and_ends_within_a_read_lose_nothing_however_large_the_read_is(reply: Reply) -> None:
    async def main(url: str) -> tuple[list[str], list[Stats]]:
        scheduler = PausableScheduler(asyncio.get_running_loop())
        over = asyncio.Event()
        stats: list[Stats] = []
        sentences: list[str] = []

        def take(sentence: str) -> None:
            sentences.append(sentence)
            scheduler.pause()
            asyncio.get_running_loop().call_later(0.001, scheduler.resume)

        async with Client(url, model="m") as client:
            client.generate("x").pipe(
                op.gather_stats(stats.append), op.text(), op.stop_at("STOP"), op.split_sentences()
            ).subscribe(take, on_completed=over.set, scheduler=scheduler)
            await asyncio.wait_for(over.wait(), 10)
        return sentences, stats

    with FakeOllama(reply) as fake:
        sentences, stats = asyncio.run(main(fake.url))
    assert sentences == ["One two three."] * 30
    assert (stats[0].chunks, stats[0].characters, stats[0].ended_by) == (122, 455, "disposed")


def test_a_loop_that_ends_before_the_head_arrives_ends_the_stream() -> None:
    errors: list[Exception] = []

    async def subscribe_and_return(fake: FakeOllama, client: Client) -> None:
        client.generate("Hi").subscribe(on_error=errors.append)
        await asyncio.to_thread(fake.wait_for_request)

    gate = Gate()
    with FakeOllama(lambda _: answer(gate, "x")) as fake, Client(fake.url, model="m") as client:
        asyncio.run(subscribe_and_return(fake, client))
        gate.open()
        gc.collect()
        fake.wait_for_connections(0)
    assert [type(error) for error in errors] == [IncompleteStreamError]


def test_a_call_that_is_stopped_while_it_begins_sends_nothing() -> None:
    with FakeOllama() as fake:
        client = Client(fake.url, model="m")
        stopped: list[bool] = []
        begin = Call[Any].begin

        def stop_first(call: Call[Any], loop: asyncio.AbstractEventLoop) -> asyncio.Future[bool]:
            call._subscription.dispose()
            done = begin(call, loop)
            call.stop()
            stopped.append(done.done())
            return done

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Call, "begin", stop_first)
            over = threading.Event()
            client.generate("x").subscribe(on_completed=over.set)
            for thread in threading.enumerate():
                if thread.name == "ollama-rx":
                    thread.join(10)
        assert stopped == [True]
        assert not fake.requests
        client.close()


def test_a_stream_that_is_disposed_where_it_was_subscribed_to_sends_nothing() -> None:
    async def main(client: Client) -> None:
        await client.version()  # leaves an idle connection, on which a request could be sent at once
        client.generate("x").subscribe().dispose()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        asyncio.run(main(client))
        assert [request.path for request in fake.requests] == ["/api/version"]


def test_a_signal_handler_may_close_the_client_at_any_line_of_opening_a_stream() -> None:
    """At each line of the module, in turn, a handler closes the client, until the first item comes first."""

    async def is_closed_at(line: int, fake: FakeOllama) -> bool:
        client = Client(fake.url, model="m")
        over = asyncio.Event()
        errors: list[Exception] = []
        lines = itertools.count()

        def trace(frame: FrameType, event: str, _: object) -> Any:
            if frame.f_code.co_filename != call_module.__file__:
                return None
            if event == "line" and next(lines) == line:
                client.close()
            return trace

        def end(error: Exception) -> None:
            errors.append(error)
            over.set()

        before = sys.gettrace()  # that of a coverage tool
        sys.settrace(trace)
        try:
            subscription = client.generate("x").subscribe(lambda _: over.set(), end)
            await asyncio.wait_for(over.wait(), 5)
        finally:
            sys.settrace(before)
        subscription.dispose()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)
        await fake.aio.wait_for_connections(0)
        assert len(errors) <= 1, line
        assert all(isinstance(error, ClientClosedError) for error in errors), line
        return bool(errors)

    with FakeOllama(answer("a", Gate())) as fake:
        line = 0
        while asyncio.run(is_closed_at(line, fake)):
            line += 1
        assert line > 20


@pytest.mark.usefixtures("no_descriptors")
def test_without_descriptors_for_a_loop_the_stream_ends_with_an_error() -> None:
    with pytest.raises(UnreachableError, match="Too many open files"):
        Client("http://127.0.0.1:9", model="m").generate("x").run()


def test_a_whole_reply_above_the_limit_is_an_error() -> None:
    reply = OK + b"Content-Length: 100\r\n\r\n" + b"x" * 100
    with (
        raw_server(replies_with(reply)) as url,
        Client(url, model="m", max_line_bytes=1) as client,
        pytest.raises(LineTooLongError),
    ):
        client.version().run()


def test_an_exception_in_on_completed_is_reported_to_the_loop() -> None:
    contexts: list[dict[str, Any]] = []

    async def main(url: str) -> None:
        reported = asyncio.Event()

        def report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            contexts.append(context)
            reported.set()

        asyncio.get_running_loop().set_exception_handler(report)

        def fail() -> None:
            raise KeyError("end")

        async with Client(url, model="m") as client:
            client.generate("x").subscribe(on_completed=fail)
            await asyncio.wait_for(reported.wait(), 10)

    with raw_server(replies_with(ANSWER)) as url:
        asyncio.run(main(url))
    assert isinstance(contexts[0]["exception"], KeyError)


def test_a_compressed_answer_is_decompressed() -> None:
    packed = gzip.compress(b'{"response":"Hi","done":true}\n')
    reply = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    with raw_server(replies_with(reply)) as url, Client(url, model="m") as client:
        assert client.generate("x").run().text == "Hi"


def test_an_error_response_that_arrives_before_the_request_is_sent_is_raised() -> None:
    answered = threading.Event()

    def refuse(connection: Any) -> None:
        connection.recv(1000)
        connection.sendall(b'HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\n{"error":"too much"}')
        answered.wait(10)

    with raw_server(refuse) as url, Client(url, model="m") as client:
        with pytest.raises(StatusError, match="too much"):
            client.generate("x", images=[b"x" * 8_000_000]).run()
        answered.set()


def test_items_before_a_broken_chunk_of_the_same_read_are_emitted() -> None:
    line = b'{"response":"Hel","done":false}\n'
    broken = OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\nzz\r\n" % (len(line), line)
    seen: list[str] = []
    with (
        raw_server(replies_until_closed(broken)) as url,
        Client(url, model="m") as client,
        pytest.raises(IncompleteStreamError) as caught,
    ):
        client.generate("x").pipe(op.text(), ops.do_action(seen.append)).run()
    assert (seen, caught.value.partial) == (["Hel"], "Hel")


def test_an_answer_whose_body_has_ended_leaves_no_timer() -> None:
    lingering: list[asyncio.TimerHandle] = []

    async def main(url: str) -> None:
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def record(delay: float, *rest: Any) -> asyncio.TimerHandle:
            handle = call_later(delay, *rest)
            if delay == _LINGER:
                lingering.append(handle)
            return handle

        loop.call_later = record  # type: ignore[assignment, method-assign]
        async with Client(url, model="m") as client:
            await client.generate("x")

    with raw_server(replies_with(ANSWER)) as url:
        asyncio.run(main(url))
    assert [handle.cancelled() for handle in lingering] == [True]


def test_bytes_after_the_last_chunk_are_ignored_and_the_connection_is_reused() -> None:
    complete = threading.Event()

    def answer_twice(connection: socket.socket) -> None:
        assert read_request(connection)
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % (len(DONE) + 2) + DONE)
        complete.wait(10)
        connection.sendall(b"\n\n")
        assert read_request(connection)
        connection.sendall(ANSWER)

    async def main(url: str) -> list[str]:
        async with Client(url, model="m") as client:
            texts = [(await client.generate("x")).text]
            complete.set()
            transport = cast(HttpTransport, client._session.transport)
            [pool] = transport._pools._pools.values()
            async with asyncio.timeout(10):
                while not any(pool._idle.values()):  # noqa: ASYNC110 - the pool has no event for this
                    await asyncio.sleep(0.001)
            return [*texts, (await client.generate("x")).text]

    with raw_server(answer_twice) as url:
        assert asyncio.run(main(url)) == ["hello", "hello"]


def test_an_error_in_the_read_after_a_dispose_from_another_thread_is_not_reported() -> None:
    reported: list[dict[str, Any]] = []

    async def main(fake: FakeOllama, gates: list[Gate]) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        seen: list[object] = []
        both_begun = asyncio.Event()
        streams: list[DisposableBase] = []

        def take(item: object) -> None:
            seen.append(item)
            if len(seen) == len(gates):
                both_begun.set()

        def dispose_both(error: Exception) -> None:
            seen.append(error)
            for stream in streams:
                thread = threading.Thread(target=stream.dispose)
                thread.start()
                thread.join()

        async with Client(fake.url, model="m") as client:
            streams += [client.generate("x").subscribe(take, dispose_both) for _ in gates]
            await both_begun.wait()
            for gate in gates:
                gate.open()
            fake.wait_for_answer(2)  # blocks the loop, so that it finds both errors in one turn
            await asyncio.sleep(0)
            await fake.aio.wait_for_connections()
        assert len(seen) == len(gates) + 1

    gates = [Gate(), Gate()]
    replies = [answer("a", gate, midstream_error("boom")) for gate in gates]
    with FakeOllama(*replies) as fake:
        asyncio.run(main(fake, gates))
    assert not reported
