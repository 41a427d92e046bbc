"""`replay` and `FakeOllama(cassette=...)` give what was recorded, when it was recorded."""

import asyncio
import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import orjson
import pytest
from reactivex import operators as rx

from ollama_rx import (
    CassetteError,
    Client,
    IncompleteStreamError,
    ModelNotFoundError,
    StatusError,
    UnreachableError,
)
from ollama_rx import operators as op
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    answer,
    cut,
    error_status,
    record,
    replay,
    text_reply,
)
from ollama_rx.testing.cassettes.cassette_file import CassetteWriter
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange, RecordedLine, RecordedRequest
from tests.testing.cassettes.virtual_loop import VirtualLoop

NDJSON = "application/x-ndjson"
Player = Callable[[Path, float | None], Any]


@contextmanager
def in_process(path: Path, speed: float | None) -> Generator[Client]:
    with Client(transport=replay(path, speed), model="m") as client:
        yield client


@contextmanager
def through_a_server(path: Path, speed: float | None) -> Generator[Client]:
    with FakeOllama(cassette=path, speed=speed) as fake, Client(fake.url, model="m") as client:
        yield client


@pytest.fixture(params=[in_process, through_a_server])
def play(request: pytest.FixtureRequest) -> Player:
    """Play a cassette in each of the two ways."""
    player: Player = request.param
    return player


def closed_url() -> str:
    """Return an address where nobody listens."""
    with FakeOllama() as fake:
        return fake.url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.cassette"


def write(path: Path, *exchanges: RecordedExchange) -> None:
    writer = CassetteWriter(path, texts=True)
    for exchange in exchanges:
        writer.write(exchange, "2026-11-27T00:00:00Z")
    writer.close()


def answered(prompt: str, *texts: str, every: float = 0.0) -> RecordedExchange:
    lines = [
        RecordedLine(ms=(number + 1) * every, content=b'{"response":"%b","done":false}\n' % text.encode())
        for number, text in enumerate(texts)
    ]
    end = (len(texts) + 1) * every
    return RecordedExchange(
        RecordedRequest("POST", "/api/generate", {"model": "m", "prompt": prompt, "stream": True}),
        status=200,
        content_type=NDJSON,
        lines=[*lines, RecordedLine(end, b'{"response":"","done":true}\n')],
        end="complete",
        end_ms=end,
    )


def text_of(client: Client, prompt: str) -> str:
    return "".join(client.generate(prompt).pipe(op.text(), rx.to_list()).run())


def test_an_answer_is_the_recorded_one_chunk_for_chunk(path: Path, play: Player) -> None:
    with (
        FakeOllama(answer("Hel", "lo \N{GRINNING FACE}", context=[1, 2])) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        recorded = client.generate("Hi").pipe(rx.to_list()).run()
    with play(path, None) as client:
        assert client.generate("Hi").pipe(rx.to_list()).run() == recorded


@pytest.mark.parametrize(("speed", "every", "least"), [(1, 100, 0.3), (10, 1000, 0.3), (0.5, 50, 0.3)])
def test_lines_come_at_their_times_divided_by_the_speed(
    path: Path, play: Player, speed: float, every: float, least: float
) -> None:
    write(path, answered("Hi", "a", "b", every=every))
    with play(path, speed) as client:
        begin = time.monotonic()
        assert text_of(client, "Hi") == "ab"
        assert time.monotonic() - begin >= least


@pytest.mark.parametrize("speed", [10_000, 100_000])
def test_a_speed_is_a_factor(path: Path, play: Player, speed: float) -> None:
    an_hour = 3_600_000
    write(path, answered("Hi", "a", every=an_hour))
    with play(path, speed) as client:
        assert text_of(client, "Hi") == "a"


def test_without_a_speed_nobody_waits(path: Path, play: Player) -> None:
    an_hour = 3_600_000
    write(path, answered("Hi", "a", "b", every=an_hour))
    with play(path, None) as client:
        assert text_of(client, "Hi") == "ab"


def test_requests_get_the_responses_of_equal_ones(path: Path, play: Player) -> None:
    write(path, answered("one", "1"), answered("two", "2"), answered("one", "3"))
    with play(path, None) as client:
        assert [text_of(client, prompt) for prompt in ("two", "one", "one", "one")] == ["2", "1", "3", "3"]


def test_equal_requests_in_another_order_get_the_same_responses(path: Path, play: Player) -> None:
    write(path, answered("one", "1"), answered("two", "2"), answered("two", "3"), answered("one", "4"))
    with play(path, None) as client:
        assert [text_of(client, prompt) for prompt in ("two", "two", "one", "one")] == ["2", "3", "1", "4"]


async def play_two(path: Path, speed: float | None, *prompts: str) -> list[tuple[float, str]]:
    """Ask for two answers at once; return the times and texts of their lines as they arrive."""
    transport = replay(path, speed)
    played: list[tuple[float, str]] = []

    def note(line: str) -> None:
        played.append((asyncio.get_running_loop().time(), orjson.loads(line)["response"]))

    async def ask(prompt: str) -> None:
        body = orjson.dumps({"model": "m", "prompt": prompt})
        request = httpx.Request("POST", "http://host/api/generate", content=body)
        async for line in (await transport.handle_async_request(request)).aiter_lines():
            note(line)

    await asyncio.gather(*map(ask, prompts))
    return played


def test_two_streams_at_once_have_their_own_times(path: Path) -> None:
    write(path, answered("slow", "a", "b", every=60_000), answered("fast", "c", "d", every=45_000))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        played = runner.run(play_two(path, 1, "slow", "fast"))
    assert [text for _, text in played] == ["c", "a", "d", "b", "", ""]
    assert [seconds for seconds, _ in played] == pytest.approx([45, 60, 90, 120, 135, 180])


def test_at_once_two_streams_take_turns(path: Path) -> None:
    write(path, answered("Hi", *"abcd"), answered("Ho", *"efgh"))
    played = asyncio.run(play_two(path, None, "Hi", "Ho"))
    assert "".join(text for _, text in played) == "aebfcgdh"


def test_a_replay_can_be_cancelled_while_it_waits(path: Path, play: Player) -> None:
    an_hour = 3_600_000
    exchange = answered("Hi", "a", "b")
    exchange.lines[1:] = [RecordedLine(an_hour, line.content) for line in exchange.lines[1:]]
    write(path, exchange)
    with play(path, 1) as client:
        arrived, left = Event(), Event()

        def note(_: str) -> None:
            arrived.set()

        stream = client.generate("Hi").pipe(op.text(), rx.finally_action(left.set))
        subscription = stream.subscribe(note)
        assert arrived.wait(20)
        subscription.dispose()
        assert left.wait(20)


def test_a_request_can_be_cancelled_before_its_response(path: Path) -> None:
    exchange = answered("Hi", every=3_600_000)
    exchange.head_ms = exchange.end_ms
    write(path, exchange)

    async def main() -> None:
        request = httpx.Request("POST", "http://h/api/generate", json={"model": "m", "prompt": "Hi"})
        waiting = asyncio.ensure_future(replay(path).handle_async_request(request))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())


def test_a_stream_that_broke_breaks_in_the_same_place(path: Path, play: Player) -> None:
    with (
        FakeOllama(answer("Hel", cut())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
        pytest.raises(IncompleteStreamError),
    ):
        client.generate("Hi").run()
    with play(path, None) as client, pytest.raises(IncompleteStreamError) as raised:
        client.generate("Hi").run()
    assert raised.value.partial == "Hel"


@pytest.mark.parametrize(
    "error", ["ReadError", "ConnectError", "RemoteProtocolError", "no such class", "Client"]
)
def test_every_error_is_one_of_the_transport(path: Path, error: str) -> None:
    exchange = answered("Hi", "Hel")
    exchange.lines.pop()
    exchange.end, exchange.error, exchange.reason = "broken", error, "it broke"
    write(path, exchange)
    with in_process(path, None) as client, pytest.raises((IncompleteStreamError, UnreachableError)):
        client.generate("Hi").run()


def test_a_server_that_was_not_there_is_not_there_again(path: Path) -> None:
    with Client(closed_url(), model="m", transport=record(path)) as client, pytest.raises(UnreachableError):
        client.generate("Hi").run()
    with in_process(path, None) as client, pytest.raises(UnreachableError):
        client.generate("Hi").run()
    with through_a_server(path, 20) as client, pytest.raises(IncompleteStreamError):
        client.generate("Hi").run()


def test_what_its_reader_did_not_wait_for_is_an_error_that_says_so(path: Path) -> None:
    with (
        FakeOllama(answer("Hel", Gate())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        subscription = client.generate("Hi").subscribe()
        fake.wait_for_lines(1)
        subscription.dispose()
        fake.wait_for_disconnect()
    with in_process(path, None) as client, pytest.raises(IncompleteStreamError) as raised:
        client.generate("Hi").run()
    assert "its reader had left, or the recorder was killed" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error_status(404), ModelNotFoundError),
        (text_reply("<html>", status=502), StatusError),
        (text_reply("", status=500), StatusError),
    ],
)
def test_a_refusal_is_the_same_refusal(path: Path, play: Player, reply: Any, kind: type[StatusError]) -> None:
    errors: list[str] = []
    with FakeOllama(reply) as fake, Client(fake.url, model="m", transport=record(path)) as client:
        with pytest.raises(kind) as raised:
            client.generate("Hi").run()
        errors.append(str(raised.value))
    with play(path, None) as client, pytest.raises(kind) as raised:
        client.generate("Hi").run()
    assert [str(raised.value)] == errors


def test_all_that_a_client_asks_can_be_recorded_and_played(path: Path, play: Player) -> None:
    def ask(client: Client) -> list[object]:
        return [
            client.version().run(),
            client.models().run(),
            client.show("m").run(),
            client.embed("Hi").run(),
            client.running().run(),
            client.chat([{"role": "user", "content": "Hi"}]).pipe(rx.to_list()).run(),
            client.pull("m").pipe(rx.to_list()).run(),
            client.delete("m").pipe(rx.to_list()).run(),
        ]

    with FakeOllama() as fake, Client(fake.url, model="m", transport=record(path)) as client:
        recorded = ask(client)
    with play(path, None) as client:
        assert ask(client) == recorded


def test_prompts_without_texts_match_prompts_of_their_shape(path: Path, play: Player) -> None:
    with (
        FakeOllama() as fake,
        Client(fake.url, model="m", transport=record(path, texts=False)) as client,
    ):
        text_of(client, "two words")
    with play(path, None) as client:
        assert text_of(client, "six lines").strip() == "xxx xxxxx"


def test_uploads_are_known_by_their_path(path: Path, play: Player, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"weights")
    with FakeOllama() as fake, Client(fake.url, transport=record(path)) as client:
        recorded = client.create_blob(file).run()
    with play(path, None) as client:
        assert client.create_blob(file).run() == recorded


def test_the_model_of_a_cassette_is_the_default(path: Path) -> None:
    write(path, answered("Hi", "Hello"))
    assert text_of(Client(transport=replay(path)), "Hi") == "Hello"


@pytest.mark.parametrize("player", [in_process, through_a_server])
@pytest.mark.parametrize("speed", [0, -1, math.nan, math.inf, True, "fast"])
def test_a_wrong_speed_is_refused(path: Path, player: Player, speed: Any) -> None:
    write(path)
    with pytest.raises((TypeError, ValueError), match="speed: expected"), player(path, speed):
        pass


def test_a_script_comes_before_the_cassette(path: Path) -> None:
    write(path, answered("Hi", "recorded"))
    with FakeOllama(answer("scripted"), cassette=path) as fake:
        assert text_of(Client(fake.url, model="m"), "Hi") == "scripted"


def test_a_request_that_is_not_in_the_cassette_is_an_error_that_says_so(path: Path) -> None:
    write(path, answered("Hi", "Hello"))
    with (
        in_process(path, None) as client,
        pytest.raises(CassetteError, match="prompt 'Hi' where this has 'Ho'"),
    ):
        text_of(client, "Ho")
    with through_a_server(path, None) as client, pytest.raises(StatusError) as raised:
        text_of(client, "Ho")
    assert raised.value.status == 501
    assert "prompt 'Hi' where this has 'Ho'" in raised.value.reason
