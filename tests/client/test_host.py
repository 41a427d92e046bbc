"""OLLAMA_HOST is parsed as Ollama itself parses it."""

import logging
import re

import pytest

from ollama_rx.client.host import base_url

ANY = "0.0.0.0"  # noqa: S104 - what people set for a server, never bound here


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        ("http://x", "http://x:80"),
        ("https://x", "https://x:443"),
        ("https://x:8443", "https://x:8443"),
        ("ollama.com", "https://ollama.com:443"),
        ("OLLAMA.com", "https://ollama.com:443"),
        ("ollama.com:80", "http://ollama.com:80"),
        ("http://ollama.com", "http://ollama.com:80"),
        ("https://x/ollama", "https://x:443/ollama"),
        ("https://x/ollama/", "https://x:443/ollama"),
        ("https://x//a//b/", "https://x:443/a/b"),
        ("https://x/a%23b%3Fc%40d", "https://x:443/a%23b%3Fc%40d"),
        ("x/", "http://x:11434"),
        ("::1", "http://[::1]:11434"),
        ("fe80::0001", "http://[fe80::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:1337", "http://[::1]:1337"),
        ("http://[::1]:1337/x", "http://[::1]:1337/x"),
        ("fe80::1%eth0", "http://[fe80::1%eth0]:11434"),
        ("[fe80::1%25eth0]:1337", "http://[fe80::1%eth0]:1337"),
        ("[fe80::1%25]", "http://[fe80::1%25]:11434"),  # the zone with the number 25
        (" 1.2.3.4 ", "http://1.2.3.4:11434"),
        ('"1.2.3.4"', "http://1.2.3.4:11434"),
        ("' 1.2.3.4:1 '", "http://1.2.3.4:1"),
        (":0", "http://127.0.0.1:0"),
        ("HTTP://x", "http://x:80"),
        (ANY, "http://127.0.0.1:11434"),
        (f"{ANY}:1234", "http://127.0.0.1:1234"),
        (f"http://{ANY}", "http://127.0.0.1:80"),
        ("::", "http://[::1]:11434"),
        ("[::]", "http://[::1]:11434"),
        ("[::]:1234", "http://[::1]:1234"),
        ("[0:0:0:0:0:0:0:0]:1234", "http://[::1]:1234"),
        ("http://u:p@h:1", "http://u:p@h:1"),
        ("u@h", "http://u@h:11434"),
        ("https://u:p%40%2F@h", "https://u:p%40%2F@h:443"),
        ("https://u@x:p w@h", "https://u%40x:p%20w@h:443"),
        ("https://u:%E9@h", "https://u:%E9@h:443"),  # not UTF-8
        ("http://:p@h", "http://:p@h:80"),
    ],
)
def test_a_host_in_any_form_becomes_a_base_url(host: str, expected: str) -> None:
    assert base_url(host) == expected


@pytest.mark.parametrize("host", [":66000", ":-1", ":abc", "[::1]:x", "http://127.0.0.1:²"])
def test_an_invalid_port_is_replaced_by_the_default_with_a_warning(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "ollama_rx.client.host"):
        url = base_url(host)
    assert url.endswith(":80" if "http" in host else ":11434")
    assert "host: expected a port, got " in caplog.text


@pytest.mark.parametrize("host", ["ftp://x", "unix:///run/ollama.sock", "ws://u:secret@x", "u:secret@x://y"])
def test_other_schemes_are_refused_without_showing_secrets(host: str) -> None:
    with pytest.raises(ValueError, match=r"^host: expected http:// or https://, got ") as caught:
        base_url(host)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["1:2:3", "http://u:secret@a:b:c", "::g", "[name]:80"])
def test_an_invalid_ipv6_address_is_refused_without_showing_secrets(host: str) -> None:
    with pytest.raises(
        ValueError, match=r"^host: expected an IPv6 address, or \[address\]:port, got "
    ) as caught:
        base_url(host)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (
            "http://h/a#secret",
            "no query and no fragment, got ? or #; in a password or a path, write %3F or %23",
        ),
        ("h?key=secret", "no query and no fragment, got ? or #; in a password or a path, write %3F or %23"),
        (
            "http://u:se?cret@h",
            "no query and no fragment, got ? or #; in a password or a path, write %3F or %23",
        ),
        (
            "http://u:se#cret@h",
            "no query and no fragment, got ? or #; in a password or a path, write %3F or %23",
        ),
        ("http://u:se/cret@h", "no @ in the path, got one; write %40 there, or %2F for a / in a password"),
        ("http://u:se\x00cret@h", "printable characters, got others; write those percent-encoded"),
        ("http://u:se\udcffcret@h", "printable characters, got others; write those percent-encoded"),
    ],
)
def test_what_http_would_drop_is_refused_without_showing_secrets(
    host: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match=f"^host: expected {re.escape(message)}$"):
        base_url(host)
    assert caplog.text == ""


def test_a_name_with_characters_that_names_never_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^host: expected an address, got 'exa mple'$"):
        base_url("http://user:secret@exa mple")


def test_the_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "https://elsewhere")
    assert base_url("x") == "http://x:11434"
    assert base_url() == "https://elsewhere:443"


def test_the_default_is_the_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert base_url() == "http://127.0.0.1:11434"
