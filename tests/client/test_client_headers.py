"""The headers of requests: what they hold, where the key is sent, and what is never shown."""

import base64
import logging
import socket
from collections.abc import Callable

import httpx
import pytest

from ollama_rx import Client, StatusError, UnreachableError
from ollama_rx.testing import FakeOllama, answer, error_status
from tests.transport.raw_server import raw_server, read_request


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OLLAMA_API_KEY", " secret-key ")
    return "secret-key"


class RecordingTransport(httpx.AsyncBaseTransport):
    """A transport that keeps the requests and answers with a version."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"version": "1"})


def sent(host: str, headers: dict[str, str] | None = None) -> httpx.Request:
    transport = RecordingTransport()
    with Client(host, headers=headers, transport=transport) as client:
        assert client.version().run() == "1"
    return transport.requests[0]


def test_every_request_has_the_headers_of_the_caller_and_the_protocol() -> None:
    with FakeOllama() as fake, Client(fake.url, headers={"X-Own": "1", "User-Agent": "mine"}) as client:
        client.version().run()
        [request] = fake.requests
    assert request.headers["x-own"] == "1"
    assert request.headers["user-agent"] == "mine"
    assert request.headers["accept"] == "application/x-ndjson, application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == fake.url.removeprefix("http://")


def test_a_host_header_of_the_caller_is_the_only_one() -> None:
    received: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        received.append(read_request(connection))
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"version":"1"}')

    with raw_server(handle) as url, Client(url, headers={"Host": "virtual.example"}) as client:
        assert client.version().run() == "1"
    hosts = [line for line in received[0].lower().split(b"\r\n") if line.startswith(b"host:")]
    assert hosts == [b"host: virtual.example"]


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_headers_that_could_contradict_the_length_of_the_content_are_refused(name: str) -> None:
    with pytest.raises(
        ValueError,
        match=f"^headers: expected no header that describes the length of the body, got '{name.lower()}'$",
    ):
        Client(headers={name: "3"})


@pytest.mark.parametrize("host", ["https://ollama.com", "ollama.com", "https://OLLAMA.com/"])
def test_the_key_is_sent_to_ollama_com(host: str, key: str) -> None:
    assert sent(host).headers["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize(
    "host",
    [
        "http://ollama.com",
        "https://ollama.com.example.org",
        "https://example.org/ollama.com",
        "https://ollama.com@example.org",
        "https://www.example.org",
        "127.0.0.1",
    ],
)
def test_the_key_is_not_sent_to_any_other_host(host: str, key: str) -> None:
    assert key not in str(sent(host).headers.raw)


def test_an_authorization_header_of_the_caller_replaces_the_key(key: str) -> None:
    headers = sent("ollama.com", {"Authorization": "Bearer mine"}).headers
    assert headers.get_list("authorization") == ["Bearer mine"]
    assert key not in str(headers.raw)


def test_a_key_that_is_not_a_valid_header_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret\nkey")
    with pytest.raises(
        ValueError, match=r"^OLLAMA_API_KEY: expected characters that HTTP allows, got others$"
    ):
        Client("ollama.com")


@pytest.mark.usefixtures("key")
def test_a_user_and_a_password_in_the_host_win_over_the_key() -> None:
    assert sent("https://user:password@ollama.com").headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("host", ["http://u:p@h", "http://u@h", "http://:p@h", "https://u:p@ollama.com"])
@pytest.mark.usefixtures("key")
def test_an_authorization_header_of_the_caller_wins_over_a_user_and_a_password_in_the_host(host: str) -> None:
    assert sent(host, {"Authorization": "Bearer mine"}).headers.get_list("authorization") == ["Bearer mine"]


@pytest.mark.parametrize(
    ("user", "credentials"),
    [
        ("user", b"user:"),
        ("user:", b"user:"),
        (":word", b":word"),
        ("u%40x:p%3Aw%2F", b"u@x:p:w/"),
        ("u:%E9", b"u:\xe9"),  # not UTF-8
        ("ü:ß", "ü:ß".encode()),
    ],
)
def test_user_information_is_sent_byte_for_byte(user: str, credentials: bytes) -> None:
    expected = "Basic " + base64.b64encode(credentials).decode()
    assert sent(f"http://{user}@h").headers["authorization"] == expected


def test_the_zone_of_an_ipv6_address_stays_on_this_machine() -> None:
    request = sent("http://[fe80::1%25eth0]:8080/ollama")
    assert request.url.host == "fe80::1%eth0"
    assert request.headers["host"] == "[fe80::1]:8080"


def test_user_information_becomes_basic_authorization_and_is_never_shown() -> None:
    with FakeOllama(error_status(500), on={"/api/version": error_status(500)}) as fake:
        host = fake.url.replace("http://", "http://user:pass%40word@")
        with Client(host, model="m") as client:
            assert client.url.rstrip("/") == fake.url
            assert "word" not in repr(client)
            with pytest.raises(StatusError) as caught:
                client.generate("Hi").run()
        [request] = fake.requests
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"user:pass@word").decode()
    assert "word" not in repr(caught.value)
    with Client(host, model="m") as client, pytest.raises(UnreachableError) as gone:
        client.generate("Hi").run()
    assert "word" not in repr(gone.value)
    assert gone.value.url.rstrip("/") == fake.url


def _own_transport() -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(trust_env=False)


@pytest.mark.parametrize("transport", [lambda: None, _own_transport], ids=["ours", "httpx"])
def test_no_log_line_of_any_library_shows_a_password(
    transport: Callable[[], httpx.AsyncBaseTransport | None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeOllama(answer("Hi")) as fake:
        host = fake.url.replace("http://", "http://user:pass%40word@")
        with Client(host, model="m", transport=transport()) as client:
            assert client.generate("Hi").run().done
        with Client(host, model="m", transport=transport()) as client:
            fake.play(error_status(401))
            with pytest.raises(StatusError):
                client.generate("Hi").run()
    shown = " ".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    encoded = base64.b64encode(b"user:pass@word").decode()
    assert not any(secret in shown for secret in ("pass%40word", "pass@word", encoded))


@pytest.mark.parametrize("address", ["exa mple", "a..b", ".", "256.1.1.1", "x" * 64])
def test_an_invalid_host_is_refused_without_showing_its_user_information(address: str) -> None:
    with pytest.raises(ValueError, match=r"^host: expected an address, got ") as caught:
        Client(f"http://user:secret@{address}")
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"


def test_the_path_of_the_host_is_kept() -> None:
    assert sent("https://example.org/ollama/").url == "https://example.org/ollama/api/version"


def test_the_host_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama() as fake:
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        with Client() as client:
            assert client.version().run()
