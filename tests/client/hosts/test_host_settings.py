"""Hosts as the caller describes them."""

from typing import Any

import pytest

from ollama_rx import Client, Host


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": 5}, "url: expected text, got int"),
        ({"url": "ftp://a"}, "host: expected http:// or https://"),
        ({"url": "a", "weight": 0}, "weight: expected a number above 0, got 0"),
        ({"url": "a", "max_streams": 0}, "max_streams: expected a whole number of at least 1, got 0"),
        ({"url": "a", "headers": 5}, "headers: expected a mapping, got int"),
    ],
)
def test_a_wrong_host_is_refused_when_it_is_built(given: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        Host(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hosts": []}, "hosts: expected at least one host"),
        ({"hosts": "a"}, "hosts: expected a list of addresses or Hosts, got str"),
        ({"hosts": ["a", 5]}, "hosts: expected addresses or Hosts in the list, got int"),
        ({"hosts": ["a", "http://u:secret@A:11434"]}, "hosts: expected each host once, got 'http://a:11434'"),
        ({"hosts": ["a"], "host": "b"}, "hosts: expected no other host beside it"),
        ({"hosts": ["a", "b"], "headers": {"Authorization": "x"}}, "headers: expected no authorization"),
        ({"hosts": ["a", "b"], "headers": {5: "x"}}, "headers: expected text as the name of a header"),
    ],
)
def test_wrong_hosts_are_refused_when_the_client_is_built(given: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        Client(**given)


def test_a_password_is_shown_nowhere() -> None:
    host = Host("http://user:secret@a", headers={"authorization": "secret"})
    client = Client(hosts=[host, "b"])
    assert "secret" not in f"{host} {client} {client.url} {client.hosts}"
    assert repr(client) == "<Client for http://a, http://b:11434>"
