"""`ollama-rx record` writes what passes, and says what is wrong before it writes anything."""

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pytest
from reactivex import operators as rx
from typer.testing import Result

from ollama_rx import CassetteError, Client
from ollama_rx import operators as op
from ollama_rx.testing import FakeOllama, Gate, answer, cut, error_status, replay
from ollama_rx.testing.cassettes.cassette_file import read_cassette
from tests.cli.cassettes.asking import asking
from tests.cli.conftest import CommandLine


def test_what_a_command_is_answered_is_recorded(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    fake.play(answer("Hel", "lo"))
    result = command_line("record", cassette, "--host", fake.url, "--", *asking(answer_file, code=7))
    assert (result.exit_code, result.stdout) == (7, "")
    assert result.stderr == f"ollama-rx: {cassette} has 1 exchange\n"
    assert answer_file.read_bytes().count(b"\n") == 3
    with Client(transport=replay(cassette)) as client:
        assert client.generate("Hi").pipe(op.text(), rx.to_list()).run() == ["Hel", "lo"]


def test_a_command_that_asks_nothing_leaves_an_empty_cassette(
    command_line: CommandLine, fake: FakeOllama, cassette: Path
) -> None:
    result = command_line("record", cassette, "--host", fake.url, "--", "true")
    told, _, count = result.stderr.partition("\n")
    assert (result.exit_code, count) == (0, f"ollama-rx: {cassette} has 0 exchanges\n")
    assert told.startswith("ollama-rx: nothing was asked at http://127.0.0.1:")
    assert read_cassette(cassette).exchanges == []


def test_keys_are_passed_on_and_never_recorded(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    command_line("record", cassette, "--host", fake.url, "--", *asking(answer_file, "with a key"))
    assert fake.requests[-1].headers["authorization"] == "Bearer Sesame"
    assert fake.requests[-1].query == "key=Sesame"
    assert "with a key" in cassette.read_text()
    assert "Sesame" not in cassette.read_text()


def test_the_login_of_an_address_is_sent_if_the_client_has_none(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    host = fake.url.replace("://", "://ada:s@")
    command_line("record", cassette, "--host", host, "--", *asking(answer_file))
    assert fake.requests[-1].headers["authorization"] == "Basic YWRhOnM="
    assert "ada" not in cassette.read_text()


def test_the_key_of_a_client_goes_before_the_login_of_an_address(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    host = fake.url.replace("://", "://ada:s@")
    command_line("record", cassette, "--host", host, "--", *asking(answer_file, "with a key"))
    assert fake.requests[-1].headers["authorization"] == "Bearer Sesame"


def test_texts_can_be_left_out(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    words = ("record", cassette, "--host", fake.url, "--without-texts", "--", *asking(answer_file, "Sesame"))
    assert command_line(*words).exit_code == 0
    assert b"Sesame" in answer_file.read_bytes()
    assert "Sesame" not in cassette.read_text()


def test_a_stream_that_breaks_breaks_for_the_command_and_in_the_cassette(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    fake.play(answer("Hel", cut()))
    command_line("record", cassette, "--host", fake.url, "--", *asking(answer_file))
    assert answer_file.read_bytes().endswith(b"cut")
    (exchange,) = read_cassette(cassette).exchanges
    assert (exchange.end, len(exchange.lines)) == ("broken", 1)


def test_a_server_that_does_not_tell_its_version_can_be_recorded(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    fake.play(error_status(404), path="/api/version")
    assert command_line("record", cassette, "--host", fake.url, "--", *asking(answer_file)).exit_code == 0
    assert len(read_cassette(cassette).exchanges) == 1


def test_without_a_command_it_records_until_ctrl_c(
    run_until: Callable[..., Result], fake: FakeOllama, cassette: Path
) -> None:
    fake.play(answer("Hel", Gate()))
    broken = threading.Event()

    def read(response: httpx.Response) -> None:
        try:
            for _ in response.iter_lines():
                pass
        except httpx.HTTPError:
            broken.set()

    readers: list[threading.Thread] = []

    def use(url: str) -> None:
        client = httpx.Client(base_url=url, trust_env=False)
        assert client.get("/api/version").json()["version"]
        request = client.build_request("POST", "/api/generate", json={"model": "m", "prompt": "Hi"})
        response = client.send(request, stream=True)
        readers.append(threading.Thread(target=read, args=(response,)))
        readers[0].start()
        fake.wait_for_lines(1, request=3)

    result = run_until("record", str(cassette), "--host", fake.url, use=use, end=signal.SIGINT)
    readers[0].join()
    assert broken.is_set()
    fake.wait_for_disconnect()
    assert result.exit_code == 130
    assert result.stdout.startswith("http://127.0.0.1:")
    url = result.stdout.strip()
    assert result.stderr == (
        f"{cassette} records any Ollama client that has OLLAMA_HOST={url}; Ctrl-C ends it\n"
        f"ollama-rx: {cassette} has 2 exchanges\n"
    )
    assert [exchange.end for exchange in read_cassette(cassette).exchanges] == ["complete", "left"]


def test_sigterm_ends_it_without_an_error(
    run_until: Callable[..., Result], fake: FakeOllama, cassette: Path
) -> None:
    def use(url: str) -> None:
        httpx.get(f"{url}/api/tags", headers={"host": "evil.example"}, trust_env=False)

    result = run_until("record", str(cassette), "--host", fake.url, use=use, end=signal.SIGTERM)
    assert result.exit_code == 0
    assert result.stderr.endswith(f"\nollama-rx: {cassette} has 0 exchanges\n")


def test_a_file_that_exists_is_kept(command_line: CommandLine, fake: FakeOllama, cassette: Path) -> None:
    cassette.write_text("mine")
    result = command_line("record", cassette, "--host", fake.url, "--", "true")
    assert (result.exit_code, cassette.read_text()) == (1, "mine")
    expected = f"ollama-rx: cassette {cassette}: it exists already; delete it, or give another name\n"
    assert result.stderr == expected


def test_a_server_that_is_not_there_is_an_error_before_anything_is_written(
    command_line: CommandLine, unused_url: str, cassette: Path
) -> None:
    result = command_line("record", cassette, "--host", unused_url, "--", "true")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"ollama-rx: cannot reach {unused_url} (Connection refused); is `ollama")
    assert not cassette.exists()


def test_a_command_that_does_not_exist_is_a_usage_error(
    command_line: CommandLine, fake: FakeOllama, cassette: Path
) -> None:
    result = command_line("record", cassette, "--host", fake.url, "--", "no-such-command")
    assert result.exit_code == 2
    assert "Invalid value for COMMAND: there is no command 'no-such-command'" in result.stderr
    assert not cassette.exists()


def test_a_command_that_cannot_be_run_is_an_error(
    command_line: CommandLine, fake: FakeOllama, cassette: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o700)
    result = command_line("record", cassette, "--host", fake.url, "--", program)
    assert result.exit_code == 1
    assert f"ollama-rx: {program}: No such file or directory\n" in result.stderr


def test_a_port_in_use_is_an_error_before_anything_is_written(
    command_line: CommandLine, fake: FakeOllama, cassette: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = command_line("record", cassette, "--host", fake.url, "--port", port, "--", "true")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"ollama-rx: port {port} of 127.0.0.1 is in use by another program; ")
    assert not cassette.exists()


def test_a_disk_that_is_full_is_told_and_answered(
    command_line: CommandLine,
    fake: FakeOllama,
    cassette: Path,
    answer_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_writer: object, _request: object, _at: str) -> int:
        raise CassetteError(cassette, "it cannot be written: No space left on device")

    monkeypatch.setattr("ollama_rx.testing.cassettes.cassette_file.CassetteWriter.begin", full)
    result = command_line("record", cassette, "--host", fake.url, "--", *asking(answer_file))
    words = f"cassette {cassette}: it cannot be written: No space left on device"
    assert result.stderr.startswith(f"ollama-rx: {words}\n")
    status, _, body = answer_file.read_bytes().partition(b" ")
    assert (status, orjson.loads(body)) == (b"507", {"error": words})
