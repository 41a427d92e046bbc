"""The response that sends a reader's events: without a server on a given clock, and with uvicorn."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject
from starlette.background import BackgroundTask
from starlette.types import Message, Receive, Scope, Send

from ollama_rx.web import Replay, client_connection
from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.event_stream import Dialect, EventStream
from tests.recording_sink import record_subscriptions
from tests.web.clocked_loop import run_on_clock, turns, until
from tests.web.in_loop_server import GET, GET_ONCE, LAST_CHUNK, lines_of, serving


def texts(events: Sequence[LoggedEvent]) -> bytes:
    return b"".join([b"%b;" % logged.json for logged in events])


class Exchange:
    """A request, and what was sent for it."""

    def __init__(self, response: EventStream, method: str = "GET", last_id: str | None = None) -> None:
        self.sent: list[Message] = []
        self.times: list[float] = []
        self._left = asyncio.Event()
        headers = [] if last_id is None else [(b"last-event-id", last_id.encode())]
        scope = {"type": "http", "method": method, "headers": headers}
        self.task = asyncio.create_task(response(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        self.times.append(asyncio.get_running_loop().time())

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:]]

    @property
    def is_complete(self) -> bool:
        return not self.sent[-1].get("more_body", False)

    async def leave(self) -> None:
        self._left.set()
        await self.task


def event_stream(
    stream: Observable[Any] | None,
    replay: Replay | None = None,
    heartbeat: float = 15.0,
    opening: bytes = b"",
    **options: Any,
) -> EventStream:
    return EventStream(stream, replay, heartbeat, dialect=lambda _: Dialect(opening, texts), **options)


def pushed() -> tuple[Subject[object], Observable[object], list[str]]:
    subject = Subject[object]()
    return subject, *record_subscriptions(subject)


def test_events_are_sent_as_they_are_made() -> None:
    async def main() -> None:
        subject, stream, _ = pushed()
        exchange = Exchange(event_stream(stream, opening=b"opening"))
        await turns()
        assert exchange.bodies == [b"opening"]
        subject.on_next("a")
        await turns()
        assert exchange.bodies == [b"opening", b'{"text":"a"};']
        subject.on_next("b")
        subject.on_next("c")
        await turns()
        assert exchange.bodies[2:] == [b'{"text":"b"};{"text":"c"};']
        assert not exchange.is_complete
        subject.on_completed()
        await exchange.task
        assert exchange.bodies[3:] == [b'{"reason":"completed"};', b""]
        assert exchange.is_complete
        assert exchange.status == 200

    run_on_clock(main())


def test_something_is_sent_at_once_so_that_the_browser_knows_that_it_is_connected() -> None:
    async def main() -> None:
        exchange = Exchange(event_stream(reactivex.never()))
        await turns()
        assert exchange.bodies == [b":\n\n"]
        await exchange.leave()

    run_on_clock(main())


def test_a_comment_is_sent_when_nothing_was_for_so_long_and_only_then() -> None:
    async def main() -> None:
        subject, stream, _ = pushed()
        exchange = Exchange(event_stream(stream, heartbeat=10))
        for moment in (6, 12):
            await until(moment)
            subject.on_next("a")
        await until(35)
        await exchange.leave()
        assert list(zip(exchange.times[2:], exchange.bodies[1:], strict=True)) == [
            (6, b'{"text":"a"};'),
            (12, b'{"text":"a"};'),
            (22, b":\n\n"),
            (32, b":\n\n"),
            (35, b""),
        ]

    run_on_clock(main())


def test_headers_keep_proxies_from_collecting_events() -> None:
    headers = event_stream(reactivex.never(), headers={"x-mine": "1"}).headers

    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-mine"] == "1"
    assert "content-length" not in headers


@pytest.mark.parametrize("events", [0, 1, 3])
def test_a_reader_that_leaves_stops_the_model_at_once(events: int) -> None:
    async def main() -> None:
        subject, stream, calls = pushed()
        exchange = Exchange(event_stream(stream))
        await turns()
        for number in range(events):
            subject.on_next(str(number))
        await exchange.leave()
        await turns()
        assert calls == ["subscribed", "disposed"]
        assert len(asyncio.all_tasks()) == 1

    run_on_clock(main())


def test_a_reader_that_is_cancelled_has_left_too() -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        exchange = Exchange(event_stream(stream))
        await turns()
        exchange.task.cancel()
        await turns()
        assert exchange.task.cancelled()
        assert calls == ["subscribed", "disposed"]

    run_on_clock(main())


def test_with_a_replay_the_model_is_stopped_after_the_grace_time_of_the_last_reader() -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        replay = Replay(grace=10)
        first = Exchange(event_stream(stream, replay))
        await turns()
        second = Exchange(event_stream(None, replay))
        await turns()
        await first.leave()
        await until(50)
        await second.leave()
        await until(59.9)
        assert calls == ["subscribed"]
        await until(60)
        assert calls == ["subscribed", "disposed"]

    run_on_clock(main())


def test_a_replay_that_has_started_is_not_asked_again() -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        replay = Replay()
        exchanges = [Exchange(event_stream(stream, replay)) for _ in range(3)]
        await turns()
        assert calls == ["subscribed"]
        for exchange in exchanges:
            await exchange.leave()

    run_on_clock(main())


def test_as_an_application_each_client_has_a_stream_of_its_own() -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        app = event_stream(stream)
        exchanges = [Exchange(app) for _ in range(2)]
        await turns()
        assert calls == ["subscribed", "subscribed"]
        for exchange in exchanges:
            await exchange.leave()

    run_on_clock(main())


def test_a_reader_resumes_with_the_header() -> None:
    async def main() -> None:
        subject, stream, _ = pushed()
        replay = Replay()
        replay.start(stream)
        subject.on_next("a")
        last_id = replay.last_id
        subject.on_next("b")
        replay.stop()
        resumed = Exchange(event_stream(None, replay), last_id=last_id)
        await resumed.task
        assert resumed.bodies[1:] == [b'{"text":"b"};{"reason":"stopped"};', b""]

        from_the_beginning = Exchange(event_stream(None, replay, resumes=False), last_id=last_id)
        await from_the_beginning.task
        assert from_the_beginning.bodies[1].startswith(b'{"text":"a"};')

    run_on_clock(main())


def test_a_reader_that_has_everything_is_told_that_nothing_follows() -> None:
    async def main() -> None:
        replay = Replay()
        replay.start(reactivex.empty())
        await turns()
        exchange = Exchange(event_stream(None, replay), last_id=replay.last_id)
        await exchange.task
        assert exchange.status == 204
        assert exchange.bodies == [b""]

    run_on_clock(main())


@pytest.mark.parametrize("replay", [None, Replay()])
def test_a_reader_that_comes_back_never_asks_the_model_again(replay: Replay | None) -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        exchange = Exchange(event_stream(stream, replay), last_id="other-7")
        await exchange.task
        assert exchange.status == 204
        assert calls == []

    run_on_clock(main())


def test_a_request_for_the_head_asks_nothing() -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        exchange = Exchange(event_stream(stream), method="HEAD")
        await exchange.task
        assert exchange.status == 200
        assert exchange.bodies == [b""]
        assert calls == []

    run_on_clock(main())


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_protocols_ask_nothing(kind: str) -> None:
    async def main() -> None:
        _, stream, calls = pushed()

        async def receive() -> Message:
            return {}

        async def send(_: Message) -> None:
            pass

        with pytest.raises(RuntimeError, match=f"HTTP requests only, not to {kind}"):
            await event_stream(stream)({"type": kind}, receive, send)
        assert calls == []

    run_on_clock(main())


def test_a_replay_of_another_loop_is_refused() -> None:
    async def start() -> Replay:
        replay = Replay()
        replay.start(reactivex.never())
        return replay

    async def join(replay: Replay) -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await Exchange(event_stream(None, replay)).task

    replay = run_on_clock(start())
    run_on_clock(join(replay))


def test_a_background_task_runs_after_the_end() -> None:
    async def main() -> None:
        done: list[str] = []
        response = event_stream(reactivex.empty())
        response.background = BackgroundTask(done.append, "ran")
        await Exchange(response).task
        assert done == ["ran"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, None, 1), ValueError, "expected an Observable, or a replay that has started, got neither"),
        (
            (None, Replay(), 1),
            ValueError,
            "expected an Observable, or a replay that has started, got neither",
        ),
        (("Hi", None, 1), TypeError, "stream: expected an Observable, got str"),
        ((reactivex.never(), "r", 1), TypeError, "replay: expected a Replay, got str"),
        ((reactivex.never(), None, 0), ValueError, "heartbeat: expected"),
        ((reactivex.never(), None, None), TypeError, "heartbeat: expected"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        event_stream(*arguments)


# With uvicorn


def test_a_response_over_http_1_1() -> None:
    async def main() -> None:
        async with serving(event_stream(reactivex.of("a"))) as server:
            client = await server.connect()
            lines = lines_of(await client.until(LAST_CHUNK))
            assert lines[0] == "HTTP/1.1 200 OK"
            assert "transfer-encoding: chunked" in lines
            assert lines[-1] == '{"text":"a"};{"reason":"completed"};'
            client.writer.write(GET)  # the connection goes on
            assert await client.until(LAST_CHUNK)

    asyncio.run(main())


def test_a_response_over_http_1_0_ends_with_its_connection() -> None:
    async def main() -> None:
        async with serving(event_stream(reactivex.of("a"))) as server:
            client = await server.connect(b"GET / HTTP/1.0\r\n\r\n")
            response = await client.rest()
            assert b'{"text":"a"};' in response
            assert b"connection: close" in response

    asyncio.run(main())


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_the_head_over_a_socket(http: str) -> None:
    async def main() -> None:
        _, stream, calls = pushed()
        async with serving(event_stream(stream), http=http) as server:
            request = b"HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            response = await (await server.connect(request)).rest()
            assert response.startswith(b"HTTP/1.1 200 OK\r\n")
            assert response.endswith(b"\r\n\r\n")
            assert calls == []

    asyncio.run(main())


def test_a_client_that_leaves_in_the_middle_of_an_event_stops_the_model() -> None:
    async def main() -> None:
        subject, stream, _ = pushed()
        stopped = asyncio.Event()
        watched = stream.pipe(ops.finally_action(stopped.set))
        async with serving(event_stream(watched)) as server:
            client = await server.connect()
            await client.until(b":\n\n")
            subject.on_next("x" * 100_000)
            await client.until(b"xxx")  # half of it
            client.writer.transport.abort()
            await stopped.wait()

    asyncio.run(main())


def test_readers_do_not_keep_a_server_that_shuts_down() -> None:
    async def main() -> None:
        replay = Replay(max_bytes=10**9, max_events=10**6, grace=None)
        replay.start(reactivex.never())
        async with serving(event_stream(None, replay)) as server:
            clients = [await server.connect() for _ in range(5)]
            for client in clients:
                await client.until(b":\n\n")
            await server.shut_down()
            for client in clients:
                assert (await client.rest()).endswith(LAST_CHUNK)
        assert not replay.is_over

    asyncio.run(main())


def connect_and_never_read(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(GET)
    return connection


def long_answer() -> Replay:
    """Return a replay with more than the buffers of a connection hold: 26 MB."""
    replay = Replay(max_bytes=10**8, grace=None)
    replay.start(reactivex.of(*[f"{number}-{'x' * 65_536}" for number in range(400)]))
    return replay


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_a_client_that_never_reads_keeps_neither_the_others_nor_the_server(http: str) -> None:
    async def main() -> None:
        async with serving(event_stream(None, long_answer()), http=http) as server:
            with connect_and_never_read(server.port):
                response = await (await server.connect(GET_ONCE)).rest()
                assert response.count(b'"text":') == 400
                assert response.endswith(LAST_CHUNK)
                await server.shut_down()

    asyncio.run(main())


def test_a_client_that_never_reads_is_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        response, dropped = event_stream(None, long_answer()), asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await response(scope, receive, send)
            dropped.set()

        async with serving(app) as server:
            with connect_and_never_read(server.port):
                await dropped.wait()

    monkeypatch.setattr(client_connection, "STALLED_SECONDS", 0.05)
    asyncio.run(main())
    assert "a client has taken nothing for 0.05 s" in caplog.text


def test_a_stream_of_another_thread_reaches_the_client() -> None:
    async def main() -> None:
        subject, stream, _ = pushed()
        async with serving(event_stream(stream)) as server:
            client = await server.connect()
            await client.until(b":\n\n")

            def push() -> None:
                for number in range(100):
                    subject.on_next(f"{number}")
                subject.on_completed()

            thread = threading.Thread(target=push)
            thread.start()
            response = await client.until(LAST_CHUNK)
            thread.join()
            assert response.count(b'"text"') == 100

    asyncio.run(main())
