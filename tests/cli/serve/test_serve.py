"""`ollama-rx serve`: where it listens, who is let in, and how it ends."""

import errno
import importlib
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from ollama_rx import Client
from ollama_rx.cli.ask.choose_voice import NoVoiceError, VoiceOptions
from ollama_rx.cli.serve import serve
from ollama_rx.testing import FakeOllama, answer, endless
from ollama_rx.web.page.conversation_store import ConversationStore
from tests.cli.used_port import run_and_use
from tests.speech.voices import Letters

CommandLine = Callable[..., Result]
Use = Callable[[httpx.Client, str], None]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_RX_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("OLLAMA_RX_TOKEN", raising=False)


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "conversations.sqlite3"


@pytest.fixture
def run(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Serve, use the page on another thread when it is open, and send a signal to this process."""

    def run(
        *words: str, use: Use, end: signal.Signals = signal.SIGTERM, host: str | None = fake.url
    ) -> Result:
        opened = Future[str]()

        def on_open(url: str) -> bool:
            opened.set_result(url)
            return True

        def use_page(url: str) -> None:
            base, _, token = url.partition("#token=")
            headers = {"authorization": f"Bearer {token}"} if token else {}
            with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
                use(client, url)

        monkeypatch.setattr(webbrowser, "open", on_open)
        given = () if host is None else ("--host", host)
        command = partial(command_line, "serve", "--open", "--port", "0", *given, *words)
        return run_and_use(command, opened, use_page, end=end)

    return run


def nothing(client: httpx.Client, url: str) -> None:
    """Do nothing with the page."""


def state(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/state").json()
    return found


def test_the_page_is_served_until_the_process_is_told_to_end(
    run: Callable[..., Result], fake: FakeOllama
) -> None:
    def use(client: httpx.Client, url: str) -> None:
        assert url.startswith("http://127.0.0.1:")
        assert "#" not in url
        found = state(client)
        assert (found["server"], found["reachable"]) == (fake.url, True)
        assert (found["voice"], found["voice_problem"]) == (False, "The voice is switched off (--no-voice).")
        assert found["default_model"] == "gemma"
        assert client.get("/api/state", headers={"host": "evil.example"}).status_code == 403

    result = run("--no-voice", "-m", "gemma", use=use)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("http://127.0.0.1:")
    assert len(result.stdout.splitlines()) == 1


def test_ctrl_c_ends_it_with_the_exit_code_of_an_interruption(run: Callable[..., Result]) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    result = run("--no-voice", use=nothing, end=signal.SIGINT)
    assert (result.exit_code, result.stderr) == (130, "")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_its_end_stops_the_models_and_saves_what_has_arrived(
    run: Callable[..., Result], fake: FakeOllama, store_path: Path
) -> None:
    fake.play(answer("Hello", endless(" more", every=0.005)))
    ended = threading.Event()
    readers: list[threading.Thread] = []

    def use(client: httpx.Client, url: str) -> None:
        id_ = client.post("/api/conversations", json={}).json()["id"]
        body = {"text": "secret prompt", "model": "m", "position": 0}
        assert client.post(f"/api/conversations/{id_}/answers", json=body).status_code == 202
        has_begun = threading.Event()

        def read() -> None:
            with httpx.stream("GET", f"{url}api/conversations/{id_}/events", trust_env=False) as response:
                for line in response.iter_lines():
                    has_begun.set()
                    if line == "event: done":
                        ended.set()

        readers.append(threading.Thread(target=read))
        readers[0].start()
        assert has_begun.wait(10)
        fake.wait_for_lines(3)

    result = run("--no-voice", use=use)
    readers[0].join()
    assert result.exit_code == 0
    assert ended.is_set()
    fake.wait_for_disconnect()
    store = ConversationStore(store_path)
    (summary,) = store.summaries()
    last = store.read(summary.id).messages[-1].message
    store.close()
    assert last.content.startswith("Hello")
    assert last.cut
    assert "secret" not in result.output


def test_answers_that_take_long_to_save_do_not_keep_it(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close(_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("ollama_rx.cli.serve.serve.Answers.close", close)
    monkeypatch.setattr("ollama_rx.web.page.chat_app.Answers.close", _close_at_once)
    assert run("--no-voice", use=nothing).exit_code == 0


async def _close_at_once(_: object) -> None:
    raise TimeoutError


def test_the_browser_is_opened_only_if_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for opens in (False, True):
        command = serve.ServeCommand(
            listen="127.0.0.1",
            port=0,
            model=None,
            host=None,
            token=None,
            allowed_hosts=(),
            opens_browser=opens,
            voice=False,
        )
        command._tell("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]
    assert capsys.readouterr().out == "http://127.0.0.1:1/\n" * 2


# tokens and addresses


@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_token_is_needed_where_one_is_given(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    words = ("--token", "a-b.c_d~1") if way == "option" else ()
    if way == "variable":
        monkeypatch.setenv("OLLAMA_RX_TOKEN", "a-b.c_d~1")

    def use(client: httpx.Client, url: str) -> None:
        assert url.endswith("/#token=a-b.c_d~1")
        assert client.get("/api/state").status_code == 200
        assert client.get("/api/state", headers={"authorization": ""}).status_code == 401

    assert run("--no-voice", *words, use=use).exit_code == 0


def test_an_address_that_others_reach_has_a_token_always(run: Callable[..., Result]) -> None:
    def use(client: httpx.Client, url: str) -> None:
        assert len(url.partition("#token=")[2]) >= 32
        port = client.base_url.port
        local = f"http://127.0.0.1:{port}/api/state"
        assert httpx.get(local, trust_env=False).status_code == 401
        token = {"authorization": str(client.headers["authorization"])}
        for host, status in {
            "10.0.0.1": 200,
            "[::1]": 200,
            "chat.example": 200,
            socket.gethostname(): 200,
            "evil.example": 403,
        }.items():
            response = httpx.get(local, headers={**token, "host": f"{host}:{port}"}, trust_env=False)
            assert response.status_code == status, host

    words = ("--listen", "0.0.0.0", "--allow-host", "chat.example")  # noqa: S104 - with a token
    result = run("--no-voice", *words, use=use)
    assert result.exit_code == 0
    assert f"http://{socket.gethostname()}:" in result.stdout


def test_ipv6_can_be_listened_on(run: Callable[..., Result]) -> None:
    def use(client: httpx.Client, url: str) -> None:
        assert url.startswith("http://[::1]:")
        assert state(client)["reachable"]

    assert run("--no-voice", "--listen", "::1", use=use).exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--token", "a b"), "Invalid value for --token: a token has letters, digits"),
        (("--model", " "), "Invalid value for --model"),
        (("--allow-host", "http://x"), "Invalid value for --allow-host: expected names"),
        (("--port", "70000"), "Invalid value for '--port'"),
    ],
)
def test_a_wrong_option_is_named(
    command_line: CommandLine, fake: FakeOllama, words: tuple[str, ...], message: str
) -> None:
    result = command_line("serve", "--no-voice", "--host", fake.url, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", "").split())


def test_a_port_in_use_is_named(command_line: CommandLine, fake: FakeOllama) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        result = command_line("serve", "--no-voice", "--host", fake.url, "--port", port)
    assert result.exit_code == 1
    assert result.stderr == (
        f"ollama-rx: port {port} of 127.0.0.1 is in use by another program; choose another one with --port\n"
    )


def test_an_address_that_is_not_this_machines_is_named(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(socket, "create_server", refuse)
    result = command_line("serve", "--no-voice", "--host", fake.url, "--listen", "localhost")
    assert result.exit_code == 1
    assert "cannot listen on localhost, port 8000: Cannot assign requested address" in result.stderr


def test_a_file_of_conversations_that_is_damaged_is_named(
    command_line: CommandLine, fake: FakeOllama, store_path: Path
) -> None:
    store_path.parent.mkdir()
    store_path.write_text("notes " * 1000)
    result = command_line("serve", "--no-voice", "--host", fake.url, "--port", "0")
    assert result.exit_code == 1
    assert "damaged" in result.stderr


# models and voices


def test_a_server_that_cannot_be_reached_is_shown_on_the_page(
    run: Callable[..., Result], unused_url: str
) -> None:
    def use(client: httpx.Client, url: str) -> None:
        found = state(client)
        assert (found["server"], found["reachable"]) == (unused_url, False)
        assert unused_url in found["problem"]
        assert url

    assert run("--no-voice", use=use, host=unused_url).exit_code == 0


@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_answers(
    run: Callable[..., Result], fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embedded_client(_: object) -> Client:
        return Client(fake.url)

    monkeypatch.setattr(serve, "embedded_client", embedded_client)

    def use(client: httpx.Client, url: str) -> None:
        assert url
        assert state(client)["server"] == "the embedded model"

    assert run("--no-voice", use=use, host=None).exit_code == 0


def test_the_voice_is_offered(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> Letters:
        return Letters()

    monkeypatch.setattr(VoiceOptions, "build", build)

    def use(client: httpx.Client, url: str) -> None:
        assert url
        assert (state(client)["voice"], state(client)["voice_problem"]) == (True, None)

    assert run(use=use).exit_code == 0


def test_a_voice_that_is_missing_is_a_problem_on_the_page(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object) -> None:
        raise NoVoiceError("hibari is missing")

    monkeypatch.setattr(VoiceOptions, "build", build)

    def use(client: httpx.Client, url: str) -> None:
        assert url
        assert (state(client)["voice"], state(client)["voice_problem"]) == (False, "hibari is missing")

    assert run(use=use).exit_code == 0


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "ollama_rx.cli.serve.serve")
    monkeypatch.delitem(sys.modules, "ollama_rx.cli.serve.port_server")
    with pytest.raises(SystemExit, match=r"pip install .*ollama-rx\[web\]"):
        importlib.import_module("ollama_rx.cli.serve.serve")
