"""Everything works on a bus with TLS whose users may do no more than they must."""

import logging
import re
from pathlib import Path

import pytest
from reactivex import operators as ops

from ollama_rx import Client, StatusError, UnauthorizedError
from ollama_rx import operators as op
from ollama_rx.bus import Credentials, Worker, jetstream
from ollama_rx.testing import FakeOllama, answer, endless
from tests.bus.conftest import Certificates, StartServer, tls_settings
from tests.bus.nats_accounts import NatsAccounts
from tests.contracts.conftest import eventually

pytestmark = pytest.mark.usefixtures("no_thread_left", "no_nats_environment")

# What each needs on the server, for the namespace "ollama_rx"; docs/bus.md shows the same.
PERMISSIONS = """
authorization {
  users: [
    {
      user: client, password: "client-secret"
      permissions: {
        publish: [
          "ollama_rx.prompt.*.*", "ollama_rx.events.*", "ollama_rx.control.*", "ollama_rx.worker.*"
          "$JS.API.DIRECT.GET.KV_ollama_rx_workers", "$JS.API.DIRECT.GET.ollama_rx_events.>"
          "$JS.API.CONSUMER.*.ollama_rx_events.>", "$JS.API.CONSUMER.MSG.NEXT.ollama_rx_events.>"
          "$JS.API.DIRECT.GET.ollama_rx_prompts", "$JS.API.STREAM.MSG.DELETE.ollama_rx_prompts"
          "$JS.API.STREAM.*.OBJ_ollama_rx_large", "$JS.API.STREAM.MSG.GET.OBJ_ollama_rx_large"
          "$O.ollama_rx_large.>"
        ]
        subscribe: ["_INBOX.>", "ollama_rx.readers.*"]
        allow_responses: true
      }
    }
    {
      user: worker, password: "worker-secret"
      permissions: {
        publish: [
          "ollama_rx.events.*", "ollama_rx.control.*", "ollama_rx.readers.*", "$JS.ACK.ollama_rx_prompts.>"
          "$JS.API.>", "$KV.ollama_rx_workers.>", "$O.ollama_rx_large.>"
        ]
        subscribe: ["_INBOX.>", "ollama_rx.control.*", "ollama_rx.worker.*"]
        allow_responses: true
      }
    }
  ]
}
"""


def test_users_need_no_more_permissions_than_the_page_shows(
    start_server: StartServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("NATS_CA", str(certificates("ca")))
    server = start_server(PERMISSIONS + tls_settings(certificates, verify=False))
    bus = f"tls://client:client-secret@127.0.0.1:{server.port}"
    ours = Credentials(user="worker", password="worker-secret")
    with (
        FakeOllama(answer("Hello", " you"), answer(endless()), answer("long")) as fake,
        Client(fake.url) as hosts,
        Worker(hosts, f"tls://127.0.0.1:{server.port}", credentials=ours),
        Client(transport=jetstream(bus), model="echo") as client,
    ):
        assert client.url == f"tls://127.0.0.1:{server.port}"
        assert [model.name for model in client.models().run()] == ["echo:latest"]
        assert client.show().run().capabilities
        chat = (
            client.with_run("answer-1")
            .chat([{"role": "user", "content": "Hi"}])
            .pipe(op.text(), ops.to_list())
        )
        assert "".join(chat.run()) == "Hello you"
        again = client.attach("answer-1").pipe(op.text(), ops.to_list())
        assert "".join(again.run()) == "Hello you"
        with pytest.raises(StatusError, match="nothing is known of the run"):
            client.attach("answer-2").run()
        client.generate("Hi").pipe(ops.take(3)).run()  # it is stopped after three
        fake.wait_for_disconnect()
        large = client.generate("x" * 3_000_000).pipe(op.text(), ops.to_list())
        assert "".join(large.run()) == "long"
        assert client.unload().run().done
    assert re.findall("user.*Violation.*", server.log) == []
    assert "secret" not in caplog.text
    assert "Violation" not in caplog.text


def test_a_credentials_file_is_enough(start_server: StartServer, tmp_path: Path) -> None:
    accounts = NatsAccounts()
    server = start_server(accounts.settings)
    creds = tmp_path / "user.creds"
    creds.write_text(accounts.creds_of("ada"), encoding="utf-8")
    ours = Credentials(creds=creds)
    with (
        FakeOllama(answer("Hello")) as fake,
        Client(fake.url) as hosts,
        Worker(hosts, server.url, credentials=ours),
        Client(transport=jetstream(server.url, credentials=ours), model="echo") as client,
    ):
        assert client.generate("Hi").pipe(ops.to_list()).run()[0].text == "Hello"


def test_a_wrong_login_is_told_to_clients_and_workers_and_shown_by_none(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = start_server('authorization { user: "ada", password: "secret" }')
    bus = f"nats://ada:not-this@127.0.0.1:{server.port}"
    problem = f"cannot log in at {server.url} .Authorization Violation.; check the user and password"
    with Client(transport=jetstream(bus), model="echo") as client:
        for stream in (client.generate("Hi"), client.models(), client.version()):
            with pytest.raises(UnauthorizedError, match=problem) as caught:
                stream.run()
            assert not caught.value.retryable
    with FakeOllama() as fake, Client(fake.url) as hosts:
        worker = Worker(hosts, bus)
        with pytest.raises(UnauthorizedError, match=problem), worker:
            pass
    shown = f"{caplog.text} {client!r} {worker!r} {client.url}"
    assert "not-this" not in shown


def test_a_login_that_is_no_longer_accepted_is_renewed_from_its_file(
    start_server: StartServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    accounts = NatsAccounts()
    server = start_server(accounts.settings)
    creds = tmp_path / "user.creds"
    creds.write_text(accounts.creds_of("ada"), encoding="utf-8")
    ours = Credentials(creds=creds)
    with (
        FakeOllama() as fake,
        Client(fake.url) as hosts,
        Worker(hosts, server.url, credentials=ours),
        Client(transport=jetstream(server.url, credentials=ours), model="echo") as client,
    ):
        accounts.revoke_users()
        creds.write_text(accounts.creds_of("ada"), encoding="utf-8")
        server.settings = accounts.settings
        server.reload()
        assert eventually(lambda: "is back" in caplog.text, 20)
        assert "".join(client.generate("Hi").pipe(op.text(), ops.to_list()).run()) == "Hi"


def test_a_client_waits_for_a_server_whose_login_is_changed_and_back(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server('authorization { user: "ada", password: "secret" }')
    bus = f"nats://ada:secret@127.0.0.1:{server.port}"

    def warnings() -> set[str]:
        records = [record for record in caplog.records if record.levelno == logging.WARNING]
        return {record.getMessage().partition(" (")[0] for record in records}

    with (
        FakeOllama() as fake,
        Client(fake.url) as hosts,
        Worker(hosts, bus),
        Client(transport=jetstream(bus), model="echo") as client,
    ):
        assert client.generate("one").pipe(op.text(), ops.to_list()).run()
        server.kill()
        server.settings = 'authorization { user: "ada", password: "another" }'
        server.start()
        assert eventually(lambda: bool(warnings()))
        server.kill()
        server.settings = 'authorization { user: "ada", password: "secret" }'
        server.start()
        assert "".join(client.generate("two").pipe(op.text(), ops.to_list()).run()) == "two"
    assert warnings() == {f"HTTP 401: cannot log in at {server.url}"}
