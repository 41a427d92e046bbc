"""`ollama-rx worker`: what it says, where it works, and how it ends."""

import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx import Client, Timeouts
from ollama_rx.bus import Worker
from ollama_rx.bus.runs.run_event import EventKind
from ollama_rx.cli.serve import worker as worker_module
from ollama_rx.testing import FakeOllama, Gate, answer
from tests.bus.nats_process import NatsProcess, free_port
from tests.bus.worker.asker import Asker, with_asker

CommandLine = Callable[..., Result]
Work = Callable[[Asker], Awaitable[None]]
NAMESPACE = "ollama_rx"


def send(number: signal.Signals) -> None:
    """Send a signal to this process, unless the command has ended and nothing handles it any more."""
    if callable(signal.getsignal(signal.SIGTERM)):
        os.kill(os.getpid(), number)


@pytest.fixture
def run(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a worker, and beside it the work of a test, which ends it by signals."""

    def run(*words: str, bus: str, work: Work) -> Result:
        ready, done = Future[None](), Future[None]()
        readiness = worker_module._readiness

        def noted(worker: Worker, shown_hosts: str) -> str:
            ready.set_result(None)
            return readiness(worker, shown_hosts)

        def ask() -> None:
            try:
                ready.result()
                with_asker(bus, NAMESPACE, work)
                done.set_result(None)
            except BaseException as error:  # noqa: BLE001 - raised again below
                done.set_exception(error)
                send(signal.SIGTERM)
                send(signal.SIGTERM)

        monkeypatch.setattr(worker_module, "_readiness", noted)
        asking = threading.Thread(target=ask)
        asking.start()
        result = command_line("worker", "--bus", bus, *words)
        if not ready.done():
            ready.set_exception(RuntimeError(result.output))
        asking.join()
        done.result()
        return result

    return run


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a server of the test's own, because the command has no option for a namespace."""
    server = NatsProcess(tmp_path / "nats").start()
    yield server.url
    server.kill()


def test_prompts_are_answered_until_a_signal_comes(
    run: Callable[..., Result], fake: FakeOllama, bus: str
) -> None:
    fake.play(answer("Hello"))

    async def work(asker: Asker) -> None:
        async with asker.ask(run="answer-1") as asked:
            await asked.until_over()
            assert asked.texts() == ["Hello", ""]
            await asker.until_queue_is_empty()
        send(signal.SIGTERM)

    result = run("--host", fake.url, bus=bus, work=work)
    assert result.exit_code == 0, result.output
    name = socket.gethostname()
    assert result.stdout == f"worker {name} at {bus}, beside {fake.url}, with the models echo:latest\n"
    line, *_ = result.stderr.splitlines()  # the signal may find the worker tidying up, which is said too
    assert line.endswith("run answer-1 for echo: answered")


def test_a_signal_lets_it_finish_what_it_has_begun(
    run: Callable[..., Result], fake: FakeOllama, bus: str
) -> None:
    gate = Gate()
    fake.play(answer("a", gate, "b"))

    async def work(asker: Asker) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(EventKind.LINES)
            send(signal.SIGINT)
            await asker.until_no_worker_asks()
            gate.open()
            await asked.until_over()
            assert asked.texts() == ["a", "b", ""]

    result = run("--host", fake.url, "--parallel", "2", bus=bus, work=work)
    assert result.exit_code == 0
    assert "finishing what was begun" in result.stderr


@pytest.mark.parametrize(("second", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_stops_it_at_once(
    run: Callable[..., Result], fake: FakeOllama, bus: str, second: signal.Signals, code: int
) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    fake.play(answer("a", Gate()))

    async def work(asker: Asker) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(EventKind.LINES)
            send(signal.SIGTERM)
            await asker.until_no_worker_asks()
            send(second)
            await fake.aio.wait_for_disconnect()

    assert run("--host", fake.url, "--parallel", "2", bus=bus, work=work).exit_code == code
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_closed_terminal_stops_it_at_once(run: Callable[..., Result], fake: FakeOllama, bus: str) -> None:
    fake.play(answer("a", Gate()))

    async def work(asker: Asker) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(EventKind.LINES)
            send(signal.SIGHUP)
            await fake.aio.wait_for_disconnect()

    assert run("--host", fake.url, bus=bus, work=work).exit_code == 129
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_a_worker_that_is_to_outlive_its_terminal_does(
    run: Callable[..., Result], fake: FakeOllama, bus: str
) -> None:
    async def work(asker: Asker) -> None:
        send(signal.SIGHUP)
        async with asker.ask() as asked:
            await asked.until_over()
        send(signal.SIGTERM)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
    try:
        assert run("--host", fake.url, bus=bus, work=work).exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_that_is_logged_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with worker_module._log_on_terminal() as log:
        log.warning("a model %s", "\x1b]0;title\x07")
    assert capsys.readouterr().err.endswith(r" a model \x1b]0;title\x07" + "\n")


def test_several_hosts_can_answer(run: Callable[..., Result], fake: FakeOllama, bus: str) -> None:
    fake.play(answer("Hello"))

    async def work(asker: Asker) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
        send(signal.SIGTERM)

    with FakeOllama(answer("Hello")) as other:
        result = run("--host", fake.url, "--host", other.url, bus=bus, work=work)
    assert f"beside {fake.url}, {other.url}, with" in result.stdout


@pytest.mark.parametrize("hosts", [["http://one"], ["http://one", "http://two"]])
def test_the_limits_of_clients_on_the_bus_count_and_not_those_for_waiting_at_a_terminal(
    hosts: list[str],
) -> None:
    command = worker_module.WorkerCommand(hosts=hosts, bus=None, parallel=1, with_server=False)
    client = command._named_client()
    assert client is not None
    for session in client._route.sessions():
        assert session.timeouts == Timeouts(first_chunk=3600, idle=600)


def test_a_host_that_does_not_answer_yet_is_waited_for(
    run: Callable[..., Result], unused_url: str, bus: str
) -> None:
    async def work(_: Asker) -> None:
        send(signal.SIGTERM)

    result = run("--host", unused_url, bus=bus, work=work)
    assert result.exit_code == 0
    assert result.stdout.endswith(f"beside {unused_url}, with no models yet\n")
    assert f"cannot reach {unused_url}" in result.stderr


def no_server(_: str | None, **__: object) -> None:
    """Find no server on this machine."""


def test_without_a_host_the_embedded_model_answers(
    run: Callable[..., Result], bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(_: Asker) -> None:
        send(signal.SIGTERM)

    with FakeOllama() as model:
        monkeypatch.setattr(worker_module, "server_client", no_server)
        monkeypatch.setattr(worker_module, "embedded_client", lambda: Client(model.url))
        result = run(bus=bus, work=work)
    assert "beside the embedded model, with the models echo:latest" in result.stdout


def test_a_server_of_its_own_is_started(
    run: Callable[..., Result], fake: FakeOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_RX_DATA", str(tmp_path))
    url = f"nats://127.0.0.1:{free_port()}"

    async def work(_: Asker) -> None:
        send(signal.SIGTERM)

    result = run("--host", fake.url, "--with-server", bus=url, work=work)
    assert result.exit_code == 0
    assert f" at {url}, beside" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bus", "http://127.0.0.1"], "Invalid value for --bus: expected "),
        (["--bus", "nats://bus.example", "--with-server"], "Invalid value for --bus: with --with-server"),
        (["--bus", "nats://127.0.0.1,nats://b", "--with-server"], "Invalid value for --bus: with --with-"),
        (["--bus", "tls://127.0.0.1", "--with-server"], "Invalid value for --bus: with --with-server"),
        (["--bus", "nats://ada:word@127.0.0.1", "--with-server"], "has no users; leave the login out"),
        (["--host", "nats://bus.example"], "Invalid value for --host: a worker needs a server of Ollama"),
        (["--host", "http://a", "--host", "http://a"], "Invalid value for --host: expected each host once"),
        (["--parallel", "0"], "Invalid value for '--parallel'"),
    ],
)
def test_wrong_options_are_usage_errors(command_line: CommandLine, words: list[str], message: str) -> None:
    result = command_line("worker", "--host", "http://127.0.0.1:9", *words)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("more", [[], ["--with-server"]])
@pytest.mark.parametrize(
    "bus", ["nats://ada:sec/ret@bus", "nats://localhost:sec/ret@bus", "nats://ada:secret"]
)
def test_no_part_of_a_wrong_address_of_the_bus_is_shown(
    command_line: CommandLine, bus: str, more: list[str]
) -> None:
    result = command_line("worker", "--host", "http://127.0.0.1:9", "--bus", bus, *more)
    assert result.exit_code in {1, 2}
    assert "sec" not in result.output
    assert "ada" not in result.output


def test_a_server_of_its_own_is_where_the_environment_says(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", "nats://bus.example")
    result = command_line("worker", "--host", "http://127.0.0.1:9", "--with-server")
    assert result.exit_code == 2
    assert "Invalid value for NATS_URL: with --with-server" in result.stderr


def test_the_bus_is_not_a_host(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "nats://bus.example")
    result = command_line("worker")
    assert result.exit_code == 2
    assert "OLLAMA_HOST: a worker needs a server of Ollama" in result.stderr


def test_a_bus_that_is_not_there_is_an_error(command_line: CommandLine, fake: FakeOllama) -> None:
    url = f"nats://127.0.0.1:{free_port()}"
    result = command_line("worker", "--host", fake.url, "--bus", url)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"ollama-rx: cannot reach {url} ")
    assert "embedded" not in result.stderr


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ollama_rx.bus", None)
    with pytest.raises(SystemExit, match=r"ollama-rx: .*ollama_rx\.bus"):
        importlib.reload(worker_module)
    monkeypatch.undo()
    importlib.reload(worker_module)
