"""What a server may be called."""

import pytest

from ollama_rx.web.allowed_hosts import LOCAL_HOSTS, AllowedHosts


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.1.2.3", "[::1]:8000", "[::1]", "localhost.:1"]
)
def test_this_machines_names_are_known(host: str) -> None:
    assert AllowedHosts(LOCAL_HOSTS).has(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.1", "localhost:x", "[::1]evil", "10.0.0.1", "a.localhost"]
)
def test_other_names_are_not_known(host: str) -> None:
    assert not AllowedHosts(LOCAL_HOSTS).has(host)


def test_all_names_below_one_can_be_allowed() -> None:
    allowed = AllowedHosts(["*.Chat.Example.", "10.0.0.0/8"])
    assert allowed.has("a.b.chat.example:1")
    assert allowed.has("10.1.2.3")
    assert not allowed.has("chat.example")
    assert not allowed.has("achat.example")


@pytest.mark.parametrize("wrong", ["*", "*.", "*.*.a", "a.*", "http://a.b", "a:80", "", "a b"])
def test_something_else_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts: expected names"):
        AllowedHosts([wrong])
