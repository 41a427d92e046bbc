"""The command line logs in at a bus, and never shows with what."""

import pytest

from ollama_rx import Client
from ollama_rx.bus import Credentials, Worker
from ollama_rx.testing import FakeOllama
from tests.bus.conftest import (
    Certificates,
    StartServer,
    certificates,
    no_nats_environment,
    start_server,
    tls_settings,
)
from tests.cli.conftest import CommandLine

__all__ = ["certificates", "no_nats_environment", "start_server"]  # fixtures

pytestmark = pytest.mark.usefixtures("no_nats_environment")

LOGIN = 'authorization { user: "ada", password: "right-secret" }\n'


def test_a_login_and_a_ca_in_the_environment_are_used(
    command_line: CommandLine,
    fake: FakeOllama,
    start_server: StartServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start_server(LOGIN + tls_settings(certificates, verify=False))
    bus = f"tls://127.0.0.1:{server.port}"
    ours = Credentials(user="ada", password="right-secret", ca=certificates("ca"))  # noqa: S106 - of this test
    monkeypatch.setenv("NATS_USER", "ada")
    monkeypatch.setenv("NATS_PASSWORD", "right-secret")
    monkeypatch.setenv("NATS_CA", str(certificates("ca")))
    with Client(fake.url) as hosts, Worker(hosts, bus, credentials=ours):
        result = command_line("run", "Hi", "--host", bus)
    assert (result.exit_code, result.stdout) == (0, "Hi\n")


@pytest.mark.parametrize("words", [("run", "Hi"), ("models",), ("worker", "--host", "http://127.0.0.1:9")])
def test_a_wrong_login_is_told_without_it(
    command_line: CommandLine, start_server: StartServer, words: tuple[str, ...]
) -> None:
    server = start_server(LOGIN)
    option = "--bus" if words[0] == "worker" else "--host"
    result = command_line(*words, option, f"nats://ada:wrong-secret@127.0.0.1:{server.port}")
    assert result.exit_code == 1
    assert f"cannot log in at {server.url} (Authorization Violation); check the user" in result.stderr
    assert "secret" not in result.output
    assert "ada" not in result.output
