"""The doctor finds the proxy through which the server would be asked."""

import pytest

from ollama_rx.cli.doctor.check_proxy import check
from ollama_rx.cli.doctor.finding import Target

GPU = Target(host="http://gpu.example", named="http://gpu.example")


@pytest.fixture(autouse=True)
def _proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://ada:secret@proxy.example:3128")


def test_a_proxy_is_shown_without_its_password() -> None:
    (proxy,) = check(GPU)
    assert proxy.status == "ok"
    assert proxy.text == "http://proxy.example:3128 of HTTP_PROXY is used for gpu.example"
    assert proxy.fields == {"proxy": "http://proxy.example:3128"}


def test_this_machine_is_reached_directly() -> None:
    (proxy,) = check(Target())
    assert (proxy.status, proxy.text) == ("ok", "none: 127.0.0.1 is this machine")


def test_exceptions_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", ".example, gpu.example")
    (proxy,) = check(GPU)
    assert (proxy.status, proxy.text) == ("ok", "none for gpu.example")


def test_a_proxy_that_cannot_be_used_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://ada:secret@proxy.example")
    (proxy,) = check(GPU)
    assert proxy.status == "problem"
    assert proxy.text.startswith("HTTP_PROXY: expected ")
    assert "secret" not in repr(proxy)


def test_an_address_that_cannot_be_read_is_told_elsewhere() -> None:
    assert list(check(Target(host="http://a?b", named="http://a?b"))) == []


def test_a_bus_is_reached_directly() -> None:
    (proxy,) = check(Target(named="nats://bus.example"))
    assert (proxy.status, proxy.text) == ("ok", "none: a bus is reached directly")
