"""`record` writes what is said, and no secret."""

import asyncio
import errno
import os
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import orjson
import pytest
from reactivex import operators as rx

from ollama_rx import CassetteError, Client, IncompleteStreamError, StatusError, UnreachableError
from ollama_rx import operators as op
from ollama_rx.embedded import EmbeddedTransport
from ollama_rx.testing import FakeOllama, Gate, answer, cut, progress, raw, record, replay, text_reply
from ollama_rx.testing.cassettes.cassette_file import read_cassette
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange
from ollama_rx.testing.server.write_boundaries import byte_by_byte


def closed_url() -> str:
    """Return an address where nobody listens."""
    with FakeOllama() as fake:
        return fake.url


def full(_file: int, _data: object) -> int:
    """Write to a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.cassette"


def entries(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def only_exchange(path: Path) -> RecordedExchange:
    (exchange,) = read_cassette(path).exchanges
    return exchange


def test_an_answer_is_written_line_by_line_with_its_times(path: Path) -> None:
    with (
        FakeOllama(answer("Hel", "lo", every=0.03)) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        assert "".join(client.generate("Hi").pipe(op.text(), rx.to_list()).run()) == "Hello"
    header, request, head, *lines, end = entries(path)
    assert header == {"cassette": 1, "texts": True}
    assert (request["exchange"], request["request"]) == (1, "POST /api/generate")
    assert request["body"] == {"model": "m", "prompt": "Hi", "stream": True}
    assert (head["status"], head["content_type"]) == (200, "application/x-ndjson")
    assert [orjson.loads(line["line"])["response"] for line in lines] == ["Hel", "lo", ""]
    times = [head["ms"], *(line["ms"] for line in lines), end["ms"]]
    assert times == sorted(times)
    assert times[-2] - times[1] >= 30
    assert end["end"] == "complete"


def test_a_line_in_pieces_is_one_line(path: Path) -> None:
    reply = answer("H\N{LATIN SMALL LETTER E WITH ACUTE}", raw(b'{"response":"\xff"}\n'))
    with (
        FakeOllama(reply.sent(byte_by_byte)) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        received = b"".join(client.forward("/api/generate", b'{"prompt":"Hi"}').pipe(rx.to_list()).run())
    lines = [line.content for line in only_exchange(path).lines]
    assert b"".join(lines) == received
    assert all(line.endswith(b"\n") for line in lines)
    assert lines[1] == b'{"response":"\xff"}\n'


def test_neither_headers_nor_the_address_of_the_server_are_recorded(path: Path) -> None:
    with FakeOllama() as fake:
        url = fake.url.replace("://", "://ada:hunter2@")
        headers = {"authorization": "Bearer sk-secret", "cookie": "id=sk-secret"}
        with Client(url, model="m", transport=record(path), headers=headers) as client:
            client.generate("Hi").run()
            client.version().run()
        assert fake.requests[0].headers["authorization"] == "Bearer sk-secret"
        port = fake.url.rpartition(":")[2]
    content = path.read_text()
    assert not any(secret in content for secret in ("secret", "hunter2", "ada", "127.0.0.1", port))


def test_neither_a_query_nor_a_password_is_recorded(path: Path) -> None:
    sent: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.query.decode() + request.content.decode())
        return httpx.Response(200, json={})

    async def main() -> None:
        transport = record(path, httpx.MockTransport(handle))
        async with httpx.AsyncClient(transport=transport) as client:
            await client.post("http://h/api/push?key=Sesame", json={"model": "m", "password": "Sesame"})

    asyncio.run(main())
    assert sent[0].count("Sesame") == 2
    assert "Sesame" not in path.read_text()


def test_a_cassette_that_cannot_be_written_any_more_ends_the_stream(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    with (
        FakeOllama(answer("Hel", gate, "lo")) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        ended: list[Exception] = []
        is_over = Event()
        stream = client.generate("Hi").pipe(rx.finally_action(is_over.set))
        stream.subscribe(on_error=ended.append)
        fake.wait_for_lines(1)
        monkeypatch.setattr("os.write", full)
        gate.open()
        assert is_over.wait(20)
        fake.wait_for_connections(0)
    assert isinstance(ended[0], CassetteError)
    assert "No space left on device" in str(ended[0])


def test_a_request_whose_response_cannot_be_recorded_is_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    with (
        FakeOllama(answer(gate, "Hel", Gate())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        is_over = Event()
        client.generate("Hi").subscribe(on_error=lambda _: is_over.set())
        fake.wait_for_request()
        monkeypatch.setattr("os.write", full)
        gate.open()
        assert is_over.wait(20)
        fake.wait_for_disconnect()


@pytest.mark.parametrize("space", ["", " "])
def test_the_key_in_an_address_to_sign_in_is_not_recorded(path: Path, space: str) -> None:
    url = "https://ollama.com/connect?name=ada&key=c2VjcmV0"
    body = f'{{"error":"unauthorized","signin_url"{space}:{space}"{url}"}}'
    reply = text_reply(body, status=401, content_type="application/json")
    with (
        FakeOllama(reply) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
        pytest.raises(StatusError),
    ):
        client.generate("Hi").run()
    (line,) = only_exchange(path).lines
    assert orjson.loads(line.content) == {
        "error": "unauthorized",
        "signin_url": "https://ollama.com/connect",
    }


def test_only_its_owner_can_read_it(path: Path) -> None:
    record(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("texts", [True, False])
def test_texts_are_left_out_on_request(path: Path, *, texts: bool) -> None:
    with (
        FakeOllama(answer("Your word", " is Sesame42", context=[7, 8])) as fake,
        Client(fake.url, model="llama3.2", transport=record(path, texts=texts)) as client,
    ):
        client.generate("Sesame42?", system="Say Sesame42", context=[42, 43]).run()
    content = path.read_text()
    assert ("Sesame42" in content) is texts
    if not texts:
        exchange = only_exchange(path)
        assert exchange.request.body == {
            "model": "llama3.2",
            "prompt": "xxxxxxxx?",
            "system": "xxx xxxxxxxx",
            "context": [0, 0],
            "stream": True,
        }
        assert orjson.loads(exchange.lines[0].content)["response"] == "xxxx xxxx"
        assert orjson.loads(exchange.lines[-1].content)["context"] == [0, 0]


def test_a_page_of_html_without_its_texts(path: Path) -> None:
    with (
        FakeOllama(text_reply("<p>Sesame</p>", status=502)) as fake,
        Client(fake.url, model="m", transport=record(path, texts=False)) as client,
        pytest.raises(StatusError),
    ):
        client.generate("Hi").run()
    assert [line.content for line in only_exchange(path).lines] == [b"<x>xxxxxx</x>"]


def test_a_stream_that_breaks_is_recorded_with_its_error(path: Path) -> None:
    with (
        FakeOllama(answer("Hel", cut())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
        pytest.raises(IncompleteStreamError),
    ):
        client.generate("Hi").run()
    exchange = only_exchange(path)
    assert (exchange.end, exchange.error, len(exchange.lines)) == ("broken", "RemoteProtocolError", 1)


def test_half_a_line_at_a_break_is_kept(path: Path) -> None:
    with (
        FakeOllama(answer("Hel", raw(b'{"respon'), cut())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
        pytest.raises(IncompleteStreamError),
    ):
        client.generate("Hi").run()
    assert only_exchange(path).lines[-1].content == b'{"respon'


def test_a_server_that_cannot_be_reached_is_recorded(path: Path) -> None:
    with Client(closed_url(), model="m", transport=record(path)) as client, pytest.raises(UnreachableError):
        client.generate("Hi").run()
    exchange = only_exchange(path)
    assert (exchange.status, exchange.end, exchange.error) == (None, "broken", "ConnectError")


def test_a_reader_that_leaves_ends_the_recording(path: Path) -> None:
    with (
        FakeOllama(answer("Hel", Gate())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        subscription = client.generate("Hi").subscribe()
        fake.wait_for_lines(1)
        subscription.dispose()
        fake.wait_for_disconnect()
    assert only_exchange(path).end == "left"


def test_a_reader_that_leaves_before_the_answer_begins_ends_the_recording(path: Path) -> None:
    with (
        FakeOllama(answer(Gate(), "Hel")) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        subscription = client.generate("Hi").subscribe()
        fake.wait_for_request()
        subscription.dispose()
        fake.wait_for_disconnect()
    exchange = only_exchange(path)
    assert (exchange.status, exchange.end) == (None, "left")


def test_a_pull_ends_with_its_last_line(path: Path) -> None:
    pulled = {"/api/pull": progress("pulling manifest", "success")}
    with FakeOllama(on=pulled) as fake, Client(fake.url, transport=record(path)) as client:
        client.pull("m").run()
    assert only_exchange(path).end == "complete"


def test_exchanges_at_the_same_time_are_kept_apart(path: Path) -> None:
    with (
        FakeOllama() as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        threads = [Thread(target=client.generate(f"word{n} again").run) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    exchanges = read_cassette(path).exchanges
    assert len(exchanges) == 8
    for exchange in exchanges:
        body = exchange.request.body
        assert isinstance(body, dict)
        texts = [orjson.loads(line.content)["response"] for line in exchange.lines]
        assert "".join(texts).strip() == body["prompt"]


def test_an_uploaded_file_is_not_recorded(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"weights")
    with FakeOllama() as fake, Client(fake.url, transport=record(path)) as client:
        client.create_blob(file).run()
        assert list(fake.blobs.values()) == [b"weights"]
    assert "weights" not in path.read_text()
    assert [exchange.request.method for exchange in read_cassette(path).exchanges] == ["HEAD", "POST"]


def test_a_file_that_exists_is_never_overwritten(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(CassetteError, match="exists already; delete it, or give another name"):
        record(path)
    assert path.read_text() == "mine"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"no/a\.cassette: it cannot be written: No such file"):
        record(tmp_path / "no" / "a.cassette")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "path: expected a path, got int"),
        (("a", "transport"), "transport: expected an httpx.AsyncBaseTransport, got str"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        record(*arguments)
    assert not Path("a").exists()


def test_texts_must_be_a_flag(path: Path) -> None:
    with pytest.raises(TypeError, match="texts: expected"):
        record(path, texts="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert not path.exists()


def test_any_transport_of_httpx_can_be_recorded(path: Path) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"version": "1.2.3"})

    with Client(transport=record(path, httpx.MockTransport(handle))) as client:
        assert client.version().run() == "1.2.3"
    assert only_exchange(path).lines[0].content == b'{"version":"1.2.3"}'


@pytest.mark.parametrize("texts", [True, False])
@pytest.mark.parametrize("depth", [250, 254, 500, 1000, 100_000])
def test_json_of_any_depth_can_be_recorded_and_played(path: Path, depth: int, *, texts: bool) -> None:
    nested = b"[" * depth + b"]" * depth

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=nested)

    async def ask(transport: httpx.AsyncBaseTransport) -> bytes:
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.post("http://h/api/chat", content=b'{"a":%b}' % nested)).content

    asyncio.run(ask(record(path, httpx.MockTransport(handle), texts=texts)))
    assert asyncio.run(ask(replay(path))) == nested


def test_the_model_of_the_transport_stays_the_default(path: Path) -> None:
    transport = record(path, EmbeddedTransport(None, any_name=True, show_progress=False))
    assert transport.default_model is not None
    transport.close()


def test_it_can_be_closed_on_an_event_loop(path: Path) -> None:
    async def main() -> None:
        async with Client(transport=record(path)):
            pass

    asyncio.run(main())
    assert entries(path) == [{"cassette": 1, "texts": True}]


@pytest.mark.parametrize("line", [b'["done"]', b'{"done":tru', b'{"done":"yes"}'])
def test_only_the_last_line_ends_an_answer(path: Path, line: bytes) -> None:
    with (
        FakeOllama(answer("Hel", raw(line + b"\n"), Gate())) as fake,
        Client(fake.url, model="m", transport=record(path)) as client,
    ):
        arrived = Event()
        reading = client.forward("/api/generate", b"{}").subscribe(
            lambda lines: arrived.set() if line in lines else None
        )
        assert arrived.wait(20)
        reading.dispose()
        fake.wait_for_disconnect()
    assert only_exchange(path).end == "left"


def test_closing_a_body_that_was_read_changes_nothing(path: Path) -> None:
    async def main() -> None:
        with FakeOllama() as fake:
            transport = record(path)
            response = await transport.handle_async_request(httpx.Request("GET", f"{fake.url}/api/version"))
            assert await response.aread()
            await response.aclose()
            await transport.aclose()

    asyncio.run(main())
    assert [entry["end"] for entry in entries(path) if "end" in entry] == ["complete"]
