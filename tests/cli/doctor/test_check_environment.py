"""The doctor lists the variables that matter, without secrets."""

import os

import pytest

from ollama_rx.cli.doctor.check_environment import check
from ollama_rx.cli.doctor.finding import Target
from ollama_rx.cli.doctor.without_login import without_login


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERM", raising=False)


def shown(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, str]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return {finding.name: finding.text for finding in check(Target())}


def test_nothing_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, LANG="C") == {"variables": "no relevant one is set"}
    assert "LANG" in os.environ


def test_variables_are_shown_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(
        monkeypatch,
        OLLAMA_HOST="http://ada:secret@gpu:11434",
        https_proxy="ada:secret@proxy:3128",
        NATS_URL="nats://secret@bus",
        NO_COLOR="",
        OLLAMA_RX_DATA="/data",
    ) == {
        "OLLAMA_HOST": "http://gpu:11434",
        "https_proxy": "proxy:3128",
        "NATS_URL": "nats://bus",
        "NO_COLOR": "empty",
        "OLLAMA_RX_DATA": "/data",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("OLLAMA_API_KEY", "OPENAI_API_KEY", "OLLAMA_RX_TOKEN", "OLLAMA_RX_SPEECH_KEY"),
        *("NATS_PASSWORD", "NATS_TOKEN"),
    ],
)
def test_of_a_secret_only_is_told_that_it_is_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert shown(monkeypatch, **{name: "abc"}) == {name: "set (not shown)"}


def test_files_of_secrets_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, NATS_KEY="/a/key.pem") == {"NATS_KEY": "/a/key.pem"}


@pytest.mark.parametrize(
    ("address", "rest"),
    [
        ("http://h", "http://h"),
        ("nats://a:b@h1,nats://c:d@h2", "nats://h2"),
        ("a:b://c@h", "a:b://h"),
        ("a:b@c://h", "c://h"),
        ("http://a:b@c:d@h", "http://h"),
        ("a:b@c:d@h", "h"),
        ("", ""),
    ],
)
def test_what_may_be_a_password_is_left_out(address: str, rest: str) -> None:
    assert without_login(address) == rest
