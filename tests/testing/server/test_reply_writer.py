"""Every fault that a client can meet is written to the socket exactly as scripted."""

import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest

from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    answer,
    byte_by_byte,
    crlf,
    cut,
    endless,
    error_status,
    json_reply,
    lines_per_write,
    loaded,
    midstream_error,
    pause,
    raw_reply,
    text_reply,
    without_last_newline,
)

ASK = {"model": "m", "prompt": "Hi"}
CUT = "peer closed connection without sending complete message body"


def ask(reply: Reply, path: str = "/api/generate") -> httpx.Response:
    with FakeOllama(reply) as fake:
        return httpx.post(fake.url + path, json=ASK)


def texts(response: httpx.Response) -> list[str]:
    lines: list[dict[str, str]] = [json.loads(line) for line in response.content.splitlines() if line]
    return [line["response"] for line in lines]


def raw_answer(fake: FakeOllama) -> bytes:
    """Send a request on a bare socket and return every byte of the response."""
    host, port = fake.url.removeprefix("http://").split(":")
    body = json.dumps(ASK).encode()
    with socket.create_connection((host, int(port)), timeout=10) as client:
        head = f"POST /api/generate HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        return b"".join(iter(lambda: client.recv(65536), b""))


@contextmanager
def streaming(fake: FakeOllama) -> Generator[httpx.Response]:
    with (
        httpx.Client(timeout=10) as client,
        client.stream("POST", f"{fake.url}/api/generate", json=ASK) as it,
    ):
        yield it


def test_each_line_is_one_http_chunk() -> None:
    with FakeOllama(answer("a", "b")) as fake:
        received = raw_answer(fake)
    head, body = received.split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding: chunked" in head
    sizes_and_lines = body.split(b"\r\n")
    assert sizes_and_lines[-3:] == [b"0", b"", b""]
    assert [int(size, 16) for size in sizes_and_lines[:6:2]] == [len(line) for line in sizes_and_lines[1:6:2]]


def test_rechunkings_are_applied_one_after_another() -> None:
    response = ask(answer("é", "b").sent(crlf, without_last_newline, byte_by_byte))
    assert response.content.count(b"\r\n") == 2
    assert response.content.endswith(b"}")
    assert texts(response) == ["é", "b", ""]


def test_http_framing_can_be_split_too() -> None:
    assert texts(ask(answer("a", "b").sent(socket_bytes=3))) == ["a", "b", ""]


def test_a_body_can_have_a_content_length() -> None:
    response = ask(answer("a").sent(framing="length"))
    assert int(response.headers["content-length"]) == len(response.content)
    assert texts(response) == ["a", ""]


def test_a_body_can_end_with_the_connection() -> None:
    response = ask(answer("a").sent(framing="close"))
    assert response.headers["connection"] == "close"
    assert not {"content-length", "transfer-encoding"} & set(response.headers)
    assert texts(response) == ["a", ""]


def test_connections_are_kept_alive_by_default() -> None:
    with FakeOllama(answer("a")) as fake, httpx.Client() as client:
        for _ in range(2):
            client.post(f"{fake.url}/api/generate", json=ASK)
        fake.play(answer("a").sent(keep_alive=False))
        closed = client.post(f"{fake.url}/api/generate", json=ASK)
        client.post(f"{fake.url}/api/generate", json=ASK)
    assert closed.headers["connection"] == "close"
    assert [request.connection for request in fake.requests] == [1, 1, 1, 2]
    assert fake.connections_accepted == 2


def test_informational_responses_come_before_the_real_one() -> None:
    with FakeOllama(answer("a").sent(informational=(103, 100))) as fake:
        received = raw_answer(fake)
    firsts = [part.split(b"\r\n")[0] for part in received.split(b"\r\n\r\n")]
    assert firsts[:3] == [b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 100 Continue", b"HTTP/1.1 200 OK"]


def test_headers_are_held_back_until_the_first_byte() -> None:
    gate = Gate()
    with FakeOllama(answer(gate, "a")) as fake, httpx.Client(timeout=httpx.Timeout(10, read=0.1)) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"{fake.url}/api/generate", json=ASK)
        assert fake.wait_for_disconnect().bytes_written == 0


def test_headers_can_be_sent_first() -> None:
    gate = Gate()
    with FakeOllama(answer(gate, "a").sent(headers_first=True)) as fake, streaming(fake) as response:
        assert response.status_code == 200
        gate.open()
        response.read()
        assert texts(response) == ["a", ""]


def test_a_pause_delays_the_line_after_it() -> None:
    with FakeOllama(answer("a", pause(60), "b")) as fake, streaming(fake) as response:
        chunks = response.iter_raw()
        assert json.loads(next(chunks))["response"] == "a"
        assert fake.exchanges[0].lines_written == 1


def test_an_open_gate_holds_nothing_back() -> None:
    gate = Gate()
    gate.open()
    assert texts(ask(answer(gate, "a"))) == ["a", ""]


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_cut_ends_the_connection_without_the_end_of_the_body(framing: str) -> None:
    reply = answer("a", cut(), "never").sent(framing="length" if framing == "length" else "chunked")
    with FakeOllama(reply) as fake, streaming(fake) as response:
        with pytest.raises(httpx.RemoteProtocolError, match=CUT):
            response.read()
        fake.wait_for_connections(0)
    assert fake.exchanges[0].lines_written == 1
    assert not fake.exchanges[0].disconnected


def test_a_cut_before_any_byte_sends_the_headers_only() -> None:
    with FakeOllama(answer(cut())) as fake, streaming(fake) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match=CUT):
            response.read()


def test_a_cut_with_reset_resets_the_connection() -> None:
    gate = Gate()
    with FakeOllama(answer("a", gate, cut(reset=True))) as fake, streaming(fake) as response:
        chunks = response.iter_raw()
        next(chunks)
        gate.open()
        with pytest.raises(httpx.ReadError, match="reset"):
            next(chunks)


def test_a_complete_body_can_lack_the_last_line() -> None:
    assert texts(ask(answer("a", ending="none"))) == ["a"]


def test_a_midstream_error_is_the_last_line() -> None:
    last = ask(answer("a", midstream_error("boom"), "never")).content.split(b"\n")[1:]
    assert last == [b'{"error":"boom"}', b""]


def test_a_midstream_error_can_lack_its_newline() -> None:
    response = ask(answer(midstream_error("busy", newline=False, shape="remote", status=429)))
    assert response.status_code == 200
    assert response.content == b'{"StatusCode":429,"Status":"429 Too Many Requests","error":"busy"}'


def test_a_midstream_error_for_a_missing_sign_in_carries_the_url() -> None:
    value = ask(answer(midstream_error(shape="signin"))).json()
    assert value["error"] == "unauthorized"
    assert value["signin_url"].startswith("https://ollama.com/connect")


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (error_status(400), 400, {"error": "invalid model name"}),
        (error_status(404), 404, {"error": "model 'm' not found"}),
        (error_status(404, "no {model} here"), 404, {"error": "no {model} here"}),
        (error_status(418), 418, {"error": "error"}),
        (
            error_status(401, signin_url="https://x.test/"),
            401,
            {"error": "unauthorized", "signin_url": "https://x.test/"},
        ),
    ],
)
def test_an_error_status_has_a_json_body(reply: Reply, status: int, body: object) -> None:
    response = ask(reply)
    assert response.status_code == status
    assert response.json() == body
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_an_error_status_can_have_headers() -> None:
    assert ask(error_status(429, headers={"Retry-After": "3"})).headers["retry-after"] == "3"


@pytest.mark.parametrize("status", [200, 399, 600])
def test_an_error_status_must_be_an_error(status: int) -> None:
    with pytest.raises(ValueError, match=r"^status: expected a whole number from 400 to 599, got "):
        error_status(status)


def test_error_bodies_can_be_html_or_empty() -> None:
    page = ask(text_reply("<html>Bad gateway</html>", status=502, content_type="text/html"))
    assert (page.status_code, page.text) == (502, "<html>Bad gateway</html>")
    assert page.headers["content-type"] == "text/html"
    empty = ask(text_reply("", status=403))
    assert (empty.status_code, empty.content) == (403, b"")
    assert "content-type" not in empty.headers


def test_an_unknown_status_can_be_sent() -> None:
    assert ask(json_reply({}, status=599)).reason_phrase == "Unknown"


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_loading_is_one_json_document_without_a_newline(reason: str) -> None:
    response = ask(loaded("load" if reason == "load" else "unload"))
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert not response.content.endswith(b"\n")
    value = response.json()
    assert (value["response"], value["done"], value["done_reason"]) == ("", True, reason)


def test_the_last_line_can_have_megabytes() -> None:
    last = ask(answer(context=range(1_000_000))).content
    assert len(last) > 6_000_000
    assert json.loads(last)["context"][-1] == 999_999


def test_an_endless_answer_continues_until_the_client_disconnects() -> None:
    with FakeOllama(answer(endless("more "))) as fake:
        with streaming(fake) as response:
            lines = response.iter_lines()  # httpx closes the response with the last reference to this
            assert next(lines)
            fake.wait_for_lines(20)
        exchange = fake.wait_for_disconnect()
    assert exchange.disconnected_at is not None
    assert exchange.disconnected_at > exchange.request.at


def test_a_paced_endless_answer_keeps_its_pace() -> None:
    with FakeOllama(answer(endless("tick ", every=0.01))) as fake, streaming(fake) as response:
        lines = response.iter_lines()
        created = [json.loads(next(lines))["created_at"] for _ in range(4)]
    assert all(earlier < later for earlier, later in pairwise(created))


def test_several_lines_can_be_sent_in_one_write() -> None:
    with FakeOllama(answer("a", "b").sent(lines_per_write(2))) as fake:
        body = raw_answer(fake).split(b"\r\n\r\n", 1)[1]
    assert [part.count(b"\n{") for part in body.split(b"\r\n")[1:4:2]] == [1, 0]


def test_a_raw_reply_can_be_any_bytes_even_without_http() -> None:
    with FakeOllama(raw_reply(b"HTTP/1.1 2", pause(0.01), b"00 OK\r\n\r\nbody")) as fake:
        assert raw_answer(fake) == b"HTTP/1.1 200 OK\r\n\r\nbody"
        assert httpx.post(f"{fake.url}/api/chat", json=ASK).text == "body"
        fake.play(raw_reply(b"SSH-2.0\r\n"))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{fake.url}/api/chat", json=ASK)
        fake.play(raw_reply())
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            httpx.post(f"{fake.url}/api/chat", json=ASK)


def test_a_server_can_close_idle_connections_and_busy_ones() -> None:
    with FakeOllama(answer("a"), answer("a", pause(60))) as fake, httpx.Client(timeout=10) as client:
        client.post(f"{fake.url}/api/generate", json=ASK)
        fake.hang_up()
        assert fake.connections_open == 0
        with client.stream("POST", f"{fake.url}/api/generate", json=ASK) as response:
            fake.hang_up()
            with pytest.raises(httpx.TransportError):
                response.read()
    assert not fake.exchanges[1].disconnected
    fake.hang_up()  # nothing is open any more


@pytest.mark.parametrize("size", [0, -1])
def test_socket_writes_must_have_a_positive_size(size: int) -> None:
    with pytest.raises(ValueError, match=r"^socket_bytes: expected a whole number of at least 1, got "):
        answer().sent(socket_bytes=size)
