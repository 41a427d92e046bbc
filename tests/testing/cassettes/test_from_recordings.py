"""Recordings of a real server can be converted, and are played as they were received.

The recordings are not part of the project; OLLAMA_RX_RECORDINGS names the folder that holds them.
"""

import asyncio
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from reactivex import operators as rx

from ollama_rx import Chunk, Client, StreamError
from ollama_rx.testing import FakeOllama, recording, replay
from ollama_rx.testing.cassettes.cassette_file import read_cassette
from ollama_rx.testing.cassettes.recorded_exchange import RecordedLine
from tests.testing.cassettes.from_recordings import RecordedResponse, responses_in, write_cassette
from tests.testing.cassettes.virtual_loop import VirtualLoop

FOLDER = os.environ.get("OLLAMA_RX_RECORDINGS")
RESPONSES = responses_in(Path(FOLDER) / "ollama-0.24.0") if FOLDER else []
ANSWERS = [
    response
    for response in RESPONSES
    if response.request.path in {"/api/chat", "/api/generate"}
    and response.header("Content-Type") == "application/x-ndjson"
]

needs_recordings = pytest.mark.skipif(FOLDER is None, reason="OLLAMA_RX_RECORDINGS is not set")


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert FOLDER
    path = tmp_path_factory.mktemp("cassettes") / "ollama.cassette"
    write_cassette(Path(FOLDER) / "ollama-0.24.0", path)
    return path


async def ask(response: RecordedResponse, url: str, transport: httpx.AsyncBaseTransport | None) -> Any:
    """Send a recorded request again; return what matters of the response."""
    async with httpx.AsyncClient(base_url=url, transport=transport) as client:
        request, sent = response.meta["request"], response.sent
        played = await client.request(request["method"], request["path"], content=sent)
    return played.status_code, played.headers.get("content-type"), played.content


@needs_recordings
def test_all_recordings_are_played_byte_for_byte_in_process(cassette: Path) -> None:
    async def main() -> None:
        for response in RESPONSES:
            played = await ask(response, "http://host", replay(cassette, None))
            assert played == (response.status, response.header("Content-Type"), response.body), response.name

    asyncio.run(main())
    assert len(RESPONSES) > 50


@needs_recordings
def test_all_recordings_are_played_byte_for_byte_through_a_server(cassette: Path) -> None:
    async def main() -> None:
        with FakeOllama(cassette=cassette, speed=None) as fake:
            for response in RESPONSES:
                played = await ask(response, fake.url, None)
                expected = (response.status, response.header("Content-Type"), response.body)
                assert played == expected, response.name

    asyncio.run(main())


def chunks(client: Client, response: RecordedResponse) -> list[Chunk | str]:
    """Ask what a recorded request asks; return the chunks, and the error that ends them."""
    fields = dict(response.meta["request"]["body"])
    if response.request.path == "/api/chat":
        stream = client.chat(fields.pop("messages"), **fields)
    else:
        stream = client.generate(fields.pop("prompt"), **fields)
    received: list[Chunk | str] = []
    try:
        stream.pipe(rx.do_action(received.append)).run()
    except StreamError as error:
        received.append(str(error))
    return received


@needs_recordings
@pytest.mark.parametrize("response", ANSWERS, ids=lambda response: response.name)
def test_the_chunks_of_an_answer_are_those_of_the_recorded_body(
    cassette: Path, response: RecordedResponse
) -> None:
    with FakeOllama(recording(response.body)) as fake:
        expected = chunks(Client(fake.url), response)
    assert len(expected) > 0
    assert chunks(Client(transport=replay(cassette, None)), response) == expected
    with FakeOllama(cassette=cassette, speed=None) as fake:
        assert chunks(Client(fake.url), response) == expected


@needs_recordings
@pytest.mark.parametrize("response", ANSWERS, ids=lambda response: response.name)
def test_an_answer_at_20_times_its_speed_keeps_its_times(cassette: Path, response: RecordedResponse) -> None:
    async def main() -> list[RecordedLine]:
        played: list[RecordedLine] = []
        request = httpx.Request("POST", f"http://host{response.request.path}", content=response.sent)
        answer = await replay(cassette, speed=20).handle_async_request(request)
        async for line in answer.aiter_raw():
            played.append(RecordedLine(asyncio.get_running_loop().time() * 1000, line))  # noqa: PERF401
        return played

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        played = runner.run(main())
    recorded = response.exchange().lines
    assert [line.content for line in played] == [line.content for line in recorded]
    assert [line.ms * 20 for line in played] == pytest.approx([line.ms for line in recorded], abs=0.01)
    reads = [seconds * 1000 for seconds, _ in response.meta["reads"]]
    assert {line.ms for line in recorded} <= set(reads)


@needs_recordings
def test_a_server_at_20_times_the_speed_sends_no_line_before_its_time(cassette: Path) -> None:
    response = max(ANSWERS, key=lambda answer: answer.exchange().end_ms)
    times: list[float] = []
    with FakeOllama(cassette=cassette, speed=20) as fake:
        begin = time.monotonic()

        def note(lines: bytes) -> None:
            times.extend([time.monotonic() - begin] * lines.count(b"\n"))

        Client(fake.url).forward(response.request.path, response.sent).pipe(rx.do_action(note)).run()
    recorded = [line.ms / 1000 for line in response.exchange().lines]
    assert recorded[-1] > 2
    assert [took * 20 >= due for took, due in zip(times, recorded, strict=True)] == [True] * len(recorded)


@needs_recordings
def test_what_was_converted_can_be_read_and_written_again(cassette: Path) -> None:
    converted = [response.exchange() for response in RESPONSES]
    rounded = [
        replace(
            exchange,
            head_ms=round(exchange.head_ms, 3),
            lines=[replace(line, ms=round(line.ms, 3)) for line in exchange.lines],
            end_ms=round(exchange.end_ms, 3),
        )
        for exchange in converted
    ]
    assert read_cassette(cassette).exchanges == rounded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one recorded response, in two reads."""
    meta = {
        "request": {"method": "POST", "path": "/api/generate", "body": {"model": "m", "prompt": "Hi"}},
        "status": "HTTP/1.1 200 OK",
        "headers": ["Content-Type: application/x-ndjson", "Date: Thu, 26 Nov 2026 11:29:26 GMT"],
        "complete": False,
        "http_chunks": [3, 3],
        "reads": [[0.5, 48], [0.75, 13]],
    }
    (tmp_path / "a.meta.json").write_text(json.dumps(meta))
    (tmp_path / "a.ndjson").write_bytes(b"{}\n{}\n")
    return tmp_path


def test_a_line_has_the_time_of_the_read_that_brought_its_end(folder: Path) -> None:
    (response,) = responses_in(folder)
    exchange = response.exchange()
    assert [line.ms for line in exchange.lines] == [500, 750]
    assert (exchange.head_ms, exchange.end_ms, exchange.end) == (500, 750, "broken")
    assert response.at == "2026-11-26T11:29:26Z"
