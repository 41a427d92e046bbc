"""Contract 7: how a stream can end, and the event that each ending becomes."""

import asyncio
import gc
import threading
from typing import Any

import pytest
from reactivex import operators as ops

from ollama_rx import (
    BadLineError,
    BusyError,
    ClientClosedError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    LineTooLongError,
    ModelNotFoundError,
    RateLimitedError,
    ServerError,
    Stats,
    StatusError,
    Timeouts,
    TotalTimeout,
    UnauthorizedError,
)
from ollama_rx import operators as op
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    answer,
    byte_by_byte,
    cut,
    endless,
    error_status,
    line,
    loaded,
    midstream_error,
    progress,
    text_reply,
)
from tests.contracts.conftest import Connect, Door, Seen, eventually, over_http

NEVER = Gate()


@pytest.mark.parametrize(
    ("reply", "kind", "partial"),
    [
        pytest.param(answer("Hel", midstream_error("out of memory")), ServerError, "Hel", id="error line"),
        pytest.param(answer(midstream_error("no luck")), ServerError, "", id="error line first"),
        pytest.param(answer("Hel", ending="none"), IncompleteStreamError, "Hel", id="clean end, no done"),
        pytest.param(answer("Hel", cut()), IncompleteStreamError, "Hel", id="cut"),
        pytest.param(answer("Hel", cut(reset=True)), IncompleteStreamError, "", id="reset"),
        pytest.param(answer("Hel", line("<html>")), BadLineError, "Hel", id="not JSON"),
        pytest.param(answer("Hel", line("[1]")), BadLineError, "Hel", id="not an object"),
    ],
)
def test_a_broken_stream_is_an_error_with_the_text_that_had_arrived(
    reply: Reply, kind: type[IncompleteStreamError], partial: str, connect: Connect, door: Door
) -> None:
    with FakeOllama(reply) as fake:
        seen = door.subscribe(connect(fake.url).generate("x")).wait()
        (error,) = seen.errors
        assert isinstance(error, kind)
        assert error.partial == seen.text
        assert error.partial.startswith(partial)
        assert not seen.completed


@pytest.mark.parametrize(
    ("reply", "kind", "retryable"),
    [
        pytest.param(error_status(404), ModelNotFoundError, False, id="404"),
        pytest.param(error_status(401), UnauthorizedError, False, id="401"),
        pytest.param(error_status(429), RateLimitedError, True, id="429"),
        pytest.param(error_status(503), BusyError, True, id="503"),
        pytest.param(error_status(500), StatusError, True, id="the model's process died"),
        pytest.param(error_status(500, "invalid schema"), StatusError, False, id="500"),
        pytest.param(text_reply("<html>Bad gateway</html>", status=502), StatusError, True, id="HTML"),
        pytest.param(text_reply("", status=403), StatusError, False, id="empty 403"),
    ],
)
def test_an_http_error_has_its_class(
    reply: Reply, kind: type[StatusError], retryable: object, connect: Connect, door: Door
) -> None:
    with FakeOllama(reply) as fake:
        (error,) = door.subscribe(connect(fake.url).generate("x")).wait().errors
        assert type(error) is kind
        assert error.retryable is retryable


@pytest.mark.parametrize(
    ("reply", "timeouts", "kind", "partial"),
    [
        pytest.param(answer(NEVER), Timeouts(first_chunk=0.1), FirstChunkTimeout, "", id="first chunk"),
        pytest.param(answer("Hel", NEVER), Timeouts(idle=0.1), IdleTimeout, "Hel", id="idle"),
        pytest.param(answer(endless(every=0.01)), Timeouts(total=0.2), TotalTimeout, "and", id="total"),
    ],
)
def test_each_limit_has_its_error_and_closes_the_request(  # noqa: PLR0917 - parameters and fixtures
    reply: Reply, timeouts: Timeouts, kind: type[IdleTimeout], partial: str, connect: Connect, door: Door
) -> None:
    with FakeOllama(reply) as fake:
        (error,) = door.subscribe(connect(fake.url, timeouts=timeouts).generate("x")).wait().errors
        assert type(error) is kind
        assert error.partial.startswith(partial)
        fake.wait_for_disconnect()


def test_a_steady_stream_outlives_its_limits_for_silence(connect: Connect, door: Door) -> None:
    with FakeOllama(answer(*["x"] * 40, every=0.02)) as fake:
        client = connect(fake.url, timeouts=Timeouts(first_chunk=0.4, idle=0.4))
        assert door.subscribe(client.generate("x")).wait().text == "x" * 40


@over_http
def test_between_two_steps_the_longer_of_first_chunk_and_idle_is_the_limit(
    connect: Connect, door: Door
) -> None:
    with FakeOllama(on={"/api/pull": progress("verifying sha256 digest", every=0.3)}) as fake:
        client = connect(fake.url, timeouts=Timeouts(first_chunk=None, idle=0.05))
        assert [step.status for step in door.subscribe(client.pull("m")).wait().items][-1] == "success"
    with FakeOllama(on={"/api/pull": progress("verifying sha256 digest", every=5)}) as fake:
        client = connect(fake.url, timeouts=Timeouts(first_chunk=0.2, idle=0.05))
        (error,) = door.subscribe(client.pull("m")).wait().errors
        assert isinstance(error, IdleTimeout)
        assert error.seconds == 0.2
        fake.wait_for_disconnect()


def test_a_line_above_the_limit_is_an_error(connect: Connect, door: Door) -> None:
    with FakeOllama(answer("x" * 2000)) as fake:
        (error,) = door.subscribe(connect(fake.url, max_line_bytes=1000).generate("x")).wait().errors
        assert isinstance(error, LineTooLongError)
        assert error.limit == 1000


def test_a_last_line_of_megabytes_arrives_whole(connect: Connect, door: Door) -> None:
    context = list(range(700_000))
    with FakeOllama(answer("Hi", context=context)) as fake:
        seen = door.subscribe(connect(fake.url).generate("x")).wait()
        assert seen.items[-1].context == tuple(context)


def test_a_last_chunk_may_hold_text_or_only_a_done_reason(connect: Connect, door: Door) -> None:
    with FakeOllama(answer("Hel", final="lo"), answer("Hi", ending="reason_only")) as fake:
        client = connect(fake.url)
        assert door.subscribe(client.generate("x")).wait().text == "Hello"
        assert door.subscribe(client.generate("x")).wait().completed == 1


def test_load_emits_one_chunk(connect: Connect, door: Door) -> None:
    with FakeOllama(loaded()) as fake:
        (chunk,) = door.subscribe(connect(fake.url).load()).wait().items
        assert chunk.done_reason == "load"


def test_a_stream_in_single_bytes_is_the_same(connect: Connect, door: Door) -> None:
    with FakeOllama(answer("Grüße 👩‍👩‍👧 日本").sent(byte_by_byte)) as fake:
        assert door.subscribe(connect(fake.url).generate("x")).wait().text == "Grüße 👩‍👩‍👧 日本"


def test_only_the_beginning_of_an_endless_error_is_read(connect: Connect, door: Door) -> None:
    with FakeOllama(text_reply("no! " * 1_000_000, status=500)) as fake:
        (error,) = door.subscribe(connect(fake.url).generate("x")).wait().errors
        assert isinstance(error, StatusError)
        assert len(error.reason) < 500_000


# Contract 9: closing the client


def test_closing_the_client_ends_the_streams_that_run(connect: Connect, door: Door) -> None:
    with FakeOllama(answer("Hel", NEVER)) as fake:
        client = connect(fake.url)
        seen = door.subscribe(client.generate("x"))
        assert seen.started.wait(5)
        client.close()
        (error,) = seen.wait().errors
        assert isinstance(error, ClientClosedError)
        assert error.partial == "Hel"
        assert not error.retryable
        assert eventually(lambda: fake.exchanges[0].disconnected)


def test_closing_the_client_ends_the_stream_of_a_callback_that_blocks(connect: Connect, door: Door) -> None:
    release = threading.Event()
    with FakeOllama(answer("Hel", "lo", NEVER)) as fake:
        client = connect(fake.url)
        seen = door.subscribe(client.generate("x"), hook=lambda _: release.wait(10))
        assert seen.started.wait(5)
        client.close()
        assert eventually(lambda: fake.exchanges[0].disconnected)
        release.set()
        (error,) = seen.wait().errors
        assert isinstance(error, ClientClosedError)


def test_a_client_may_be_closed_inside_a_callback(connect: Connect, door: Door) -> None:
    with FakeOllama(answer("Hel", "lo", NEVER)) as fake:
        client = connect(fake.url)
        seen = door.subscribe(client.generate("x"), hook=lambda _: client.close()).wait()
        assert [type(error) for error in seen.errors] == [ClientClosedError]
        assert len(seen.items) == 1


def test_a_closed_client_refuses_new_streams(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url)
        client.close()
        (error,) = door.subscribe(client.generate("x")).wait().errors
        assert isinstance(error, ClientClosedError)
        with pytest.raises(ClientClosedError, match="the client is closed"):
            client.version().run()
        assert fake.exchanges == ()


def test_leaving_async_with_ends_the_streams_that_run(connect: Connect) -> None:
    seen = Seen()

    async def main(url: str) -> None:
        arrived = asyncio.Event()
        seen.hook = lambda _: arrived.set()
        async with connect(url) as client:
            client.generate("x").subscribe(seen.on_next, seen.on_error)
            await arrived.wait()

    with FakeOllama(answer("Hel", NEVER)) as fake:
        asyncio.run(main(fake.url))
        assert [type(error) for error in seen.errors] == [ClientClosedError]
        assert eventually(lambda: fake.exchanges[0].disconnected)


# Contract 11: what an operator tells comes before the end


def test_stats_are_told_before_the_end_that_comes_from_stop_at(connect: Connect, door: Door) -> None:
    told: list[object] = []
    with FakeOllama() as fake:
        stream = connect(fake.url).generate("a b STOP c")
        seen = Seen(hook=told.append)
        ends: list[bool] = []

        def completed() -> None:
            ends.append(bool(told) and isinstance(told[-1], Stats))
            seen.on_completed()

        door.call(
            lambda: stream.pipe(op.gather_stats(told.append), op.text(), op.stop_at("STOP")).subscribe(
                seen.on_next, seen.on_error, completed
            )
        )
        seen.wait()
        assert ends == [True]


# Contract 6: exceptions that are not errors


class Interrupted(BaseException):
    """Neither an `Exception` nor known to asyncio."""


@pytest.mark.parametrize("failure", [SystemExit(3), asyncio.CancelledError(), Interrupted()])
@pytest.mark.parametrize("where", ["on_next", "map", "gather_stats"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_no_subscriber_is_left_waiting(where: str, failure: BaseException, connect: Connect) -> None:
    def fail(_: object) -> None:
        raise failure

    errors: list[BaseException] = []
    over = threading.Event()

    def on_error(error: Exception) -> None:
        errors.append(error)
        over.set()

    with FakeOllama() as fake:
        stream = connect(fake.url).generate("a b")
        if where == "on_next":
            stream.pipe(op.text()).subscribe(fail, on_error)
        elif where == "map":
            texts: Any = stream.pipe(op.text())
            texts.pipe(ops.do_action(fail), op.accumulate_text()).subscribe(on_error=on_error)
        else:
            stream.pipe(op.gather_stats(fail), op.text()).subscribe(on_error=on_error)
        assert over.wait(5)
        assert errors == [failure]
        assert len(fake.exchanges) == 1


def test_a_loop_that_ends_ends_its_streams_with_an_error_that_is_not_retried(connect: Connect) -> None:
    seen = Seen()

    async def main(url: str) -> None:
        stream = connect(url).generate("x").pipe(op.retry_unstarted(wait=0))
        stream.subscribe(seen.on_next, seen.on_error)
        await asyncio.to_thread(eventually, lambda: bool(fake.exchanges))

    with FakeOllama(answer(NEVER)) as fake:
        asyncio.run(main(fake.url))
        (error,) = seen.errors
        assert isinstance(error, IncompleteStreamError)
        assert not error.retryable
        assert len(fake.exchanges) == 1


def test_system_exit_of_a_callback_ends_the_users_loop(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(_: object) -> None:
        raise SystemExit(3)

    async def main(url: str) -> None:
        connect(url).generate("a").subscribe(leave, errors.append)
        await asyncio.Event().wait()

    errors: list[Exception] = []
    with FakeOllama() as fake:
        with pytest.raises(SystemExit):
            asyncio.run(main(fake.url))
        gc.collect()
        assert [repr(error) for error in errors] == ["SystemExit(3)"]
        assert not caplog.records
        assert len(fake.exchanges) == 1
