"""Which proxy the environment names for a server, and what is said about one that cannot be used."""

import base64
import logging
import os
import re
import socket
import sys

import httpx
import pytest

from ollama_rx import Client, UnreachableError
from ollama_rx.testing import FakeOllama
from ollama_rx.transport.proxy import find_proxy, is_excluded, is_loopback, proxy_transport
from tests.transport.raw_server import ANSWER, raw_server, read_request

PROXY = "http://proxy.example:3128"
SERVER = "http://ollama.example:11434"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy") or name in {"REQUEST_METHOD", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)


@pytest.fixture
def without_socksio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)


# which proxy


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "http://ollama.example", None),
        ({"HTTP_PROXY": PROXY}, "http://ollama.example", (PROXY, "HTTP_PROXY")),
        ({"http_proxy": PROXY}, "http://ollama.example", (PROXY, "http_proxy")),
        ({"http_proxy": PROXY, "HTTP_PROXY": "http://other"}, "http://a.example", (PROXY, "http_proxy")),
        ({"http_proxy": "", "HTTP_PROXY": PROXY}, "http://ollama.example", None),
        ({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, "http://ollama.example", None),  # a CGI script
        ({"HTTP_PROXY": PROXY}, "https://ollama.example", None),
        ({"HTTPS_PROXY": PROXY}, "https://ollama.example", (PROXY, "HTTPS_PROXY")),
        ({"ALL_PROXY": PROXY}, "https://ollama.example", (PROXY, "ALL_PROXY")),
        ({"all_proxy": PROXY}, "https://ollama.example", (PROXY, "all_proxy")),
        ({"ALL_PROXY": "http://other", "HTTP_PROXY": PROXY}, "http://a.example", (PROXY, "HTTP_PROXY")),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "ollama.example"}, "http://ollama.example", None),
        ({"ALL_PROXY": PROXY, "no_proxy": "ollama.example"}, "http://ollama.example", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "other.example"}, "http://ollama.example", (PROXY, "HTTP_PROXY")),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3:11434", None),
        ({"ALL_PROXY": PROXY}, "http://localhost:11434", None),
        ({"ALL_PROXY": PROXY}, "http://127.0.0.2:11434", None),
        ({"ALL_PROXY": PROXY}, "http://[::1]:11434", None),
    ],
)
def test_the_environment_names_the_proxy_but_never_for_loopback(
    environment: dict[str, str],
    url: str,
    expected: tuple[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(httpx.URL(url)) == expected


def test_the_exceptions_in_the_settings_of_the_system_count_if_no_proxy_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def bypass(host: str) -> bool:
        asked.append(host)
        return True

    monkeypatch.setattr("urllib.request.getproxies", lambda: {"http": PROXY})
    monkeypatch.setattr("urllib.request.proxy_bypass", bypass)
    assert find_proxy(httpx.URL(SERVER)) is None
    assert asked == ["ollama.example:11434"]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.1", True),
        ("[::1]", True),
        ("[::ffff:127.0.0.1]", True),
        ("[::2]", False),
        ("127.0.0.1.example", False),
        ("localhost.example", False),
        ("my.localhost", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_loopback(httpx.URL(f"http://{host}:11434")) is loopback


# NO_PROXY


@pytest.mark.parametrize(
    ("rules", "excluded", "included"),
    [
        ("", "", "http://a.example"),
        ("*", "http://a.example http://10.0.0.1 http://[::2]", ""),
        ("b.example, *", "http://a.example", ""),
        ("a.example", "http://a.example http://x.a.example http://A.EXAMPLE", "http://ba.example"),
        (" A.Example ,", "http://a.example", "http://b.example"),
        (".a.example", "http://x.a.example http://x.y.a.example", "http://a.example http://ba.example"),
        ("*.a.example", "http://x.a.example", "http://a.example http://ba.example"),
        ("*a.example", "", "http://a.example http://x.a.example http://ba.example"),
        ("example", "http://a.example http://example", "http://myexample"),
        ("a.example:11434", "http://a.example:11434 http://x.a.example:11434", "http://a.example"),
        ("a.example:80", "http://a.example http://a.example:80", "https://a.example http://a.example:81"),
        ("a.example:443", "https://a.example", "http://a.example"),
        (".a.example:80", "http://x.a.example", "http://a.example http://x.a.example:81"),
        ("b.example,c.example", "http://b.example http://c.example", "http://a.example"),
        ("bücher.example", "http://bücher.example http://xn--bcher-kva.example", "http://buecher.example"),
        ("xn--bcher-kva.example", "http://bücher.example http://x.bücher.example", ""),
        ("192.168.1.1", "http://192.168.1.1 http://192.168.1.1:81", "http://192.168.1.10"),
        ("192.168.1.1:81", "http://192.168.1.1:81", "http://192.168.1.1"),
        ("10.0.0.0/8", "http://10.0.0.1 http://10.255.255.255:81", "http://11.0.0.1 http://10.example"),
        ("10.0.0.7/30", "http://10.0.0.4 http://10.0.0.7", "http://10.0.0.8"),  # bits of the host may be set
        ("10.0.0.0/8", "http://[::ffff:10.0.0.1]", "http://[::10.0.0.1]"),
        ("2001:db8::1", "http://[2001:db8::1] http://[2001:db8:0::1]:81", "http://[2001:db8::2]"),
        ("[2001:db8::1]", "http://[2001:db8::1]:81", "http://[2001:db8::2]"),
        ("[2001:db8::1]:81", "http://[2001:db8::1]:81", "http://[2001:db8::1]"),
        ("2002:db8:a::45/64", "http://[2002:db8:a::123]", "http://[2002:db8:b::123] http://10.0.0.1"),
        ("fe80::1", "http://[fe80::1%25eth0]", "http://[fe80::2%25eth0]"),
        ("a.example", "", "http://[fe80::1%25.a.example]"),  # the end of an address is not a domain
        ("1.1", "", "http://10.0.1.1"),
        ("0.0.0.0/99 10.0.0.0/8", "", "http://10.0.0.1"),
        ("a/b, :80, ., *., ..", "", "http://a http://b.example"),
        (f"{'x' * 64}.example", "", "http://a.example"),
    ],
)
def test_no_proxy_follows_the_rules_of_go(rules: str, excluded: str, included: str) -> None:
    assert [url for url in excluded.split() if not is_excluded(httpx.URL(url), rules)] == []
    assert [url for url in included.split() if is_excluded(httpx.URL(url), rules)] == []


# proxies that cannot be used


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://user:secret@proxy.example:99999", "http://proxy.example:99999"),
        ("user:secret@proxy.example:99999", "http://proxy.example:99999"),
        ("http://proxy.example:0", "http://proxy.example:0"),
        ("http://user:secret@proxy.example:port", "http://proxy.example:port"),
        ("ftp://user:secret@proxy.example", "ftp://proxy.example"),
        ("socks4://user:secret@proxy.example", "socks4://proxy.example"),
        ("http://", "http://"),
        ("http://user:secret@", "http://"),
        ("http://[::1", "http://[::1"),
        ("http://user:12/secret@proxy.example", "http://proxy.example"),
        ("http://user:12#secret@proxy.example", "http://proxy.example"),
        ("http://user:12?secret@proxy.example", "http://proxy.example"),
        ("http://user:secret@proxy.example/path", "http://proxy.example/path"),
        ("http://user:secret@proxy\n.example", "http://proxy\n.example"),
        ("user:secret@proxy://x", "proxy://x"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_with_the_variable_and_without_the_password(
    variable: str, value: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    expected = f"{variable}: expected the URL of a proxy, such as http://proxy.example:3128, got {shown!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$") as caught:
        Client(SERVER)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.usefixtures("without_socksio")
def test_a_socks_proxy_without_its_package_says_what_to_install(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:secret@proxy.example:1080")
    expected = (
        f'ALL_PROXY: expected http:// or https://, got {scheme}://; for that, pip install "httpx[socks]"'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$") as caught:
        Client(SERVER)
    assert "secret" not in str(caught.value.__cause__)


def test_certificates_that_cannot_be_read_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(
        ValueError, match=r"^SSL_CERT_FILE: expected a file of certificates, got '/nowhere.pem'$"
    ):
        Client(SERVER)


@pytest.mark.parametrize("transport", [httpx.MockTransport(lambda _: httpx.Response(200))])
def test_a_transport_of_the_caller_needs_no_proxy(
    transport: httpx.AsyncBaseTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://")
    assert Client(SERVER, transport=transport).url == SERVER


def test_a_server_on_this_machine_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://")
    with FakeOllama() as fake, Client(fake.url) as client:
        assert client.version().run()


# requests through a proxy


def test_a_proxy_receives_the_whole_url_and_its_password_which_no_log_line_shows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    received: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        received.append(read_request(connection))
        connection.sendall(ANSWER)

    with raw_server(handle) as proxy:
        monkeypatch.setenv("http_proxy", proxy.replace("http://", "http://user:pass%40word@"))
        with Client(SERVER, model="m") as client:
            assert client.generate("x").run().text == "hello"
    assert received[0].startswith(b"POST http://ollama.example:11434/api/generate HTTP/1.1\r\n")
    encoded = base64.b64encode(b"user:pass@word").decode()
    assert f"Proxy-Authorization: Basic {encoded}\r\n".lower() in received[0].decode().lower()
    shown = " ".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert not any(secret in shown for secret in ("pass%40word", "pass@word", encoded))


@pytest.mark.parametrize("server", [SERVER, "https://ollama.example"])
def test_a_proxy_that_cannot_be_reached_is_named_without_its_password(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as bound:  # nothing listens there
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("all_proxy", f"http://user:secret@{address}")
        with Client(server) as client, pytest.raises(UnreachableError) as caught:
            client.version().run()
    reason = f"All connection attempts failed, through the proxy http://{address} of all_proxy"
    assert str(caught.value).startswith(f"cannot reach {server} ({reason}); ")


def test_a_proxy_that_refuses_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with raw_server(refuse) as proxy:
        monkeypatch.setenv("https_proxy", proxy.replace("http://", "http://user:secret@"))
        with Client("https://ollama.example") as client, pytest.raises(UnreachableError) as caught:
            client.version().run()
    reason = f"407 Proxy Authentication Required, through the proxy {proxy} of https_proxy"
    assert str(caught.value).startswith(f"cannot reach https://ollama.example ({reason}); ")


def test_a_proxy_may_be_named_without_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    transport = proxy_transport(httpx.URL(SERVER))
    assert transport is not None
    assert transport._shown == f"the proxy {PROXY} of HTTP_PROXY"
