"""Contract 7: how a stream can end, and the event that each ending becomes."""

import pytest

from ollama_rx import (
    BadLineError,
    BusyError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    LineTooLongError,
    ModelNotFoundError,
    RateLimitedError,
    ServerError,
    StatusError,
    Timeouts,
    TotalTimeout,
    UnauthorizedError,
)
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
from tests.contracts.conftest import Connect, Door

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
        pytest.param(error_status(500), StatusError, False, id="500"),
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
