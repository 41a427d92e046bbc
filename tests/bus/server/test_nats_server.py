"""A server for one machine: its files, its end, and what is said if it cannot start."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from nats.js.errors import NotFoundError

from ollama_rx.bus.server import nats_server
from ollama_rx.bus.server.nats_server import NatsServer, NatsServerError
from tests.bus.nats_process import free_port, listens, nats_server_program
from tests.contracts.conftest import eventually


@pytest.fixture(autouse=True, scope="module")
def _needs_nats_server() -> None:
    nats_server_program()


async def _stored(url: str, text: bytes | None) -> bytes | None:
    connection = await nats.connect(url, max_reconnect_attempts=0)
    jetstream = connection.jetstream()
    try:
        if text is not None:
            await jetstream.add_stream(name="kept", subjects=["kept"])
            await jetstream.publish("kept", text)
        return (await jetstream.get_last_msg("kept", "kept")).data
    except NotFoundError:
        return None
    finally:
        await connection.close()


def store(url: str, text: bytes) -> None:
    assert asyncio.run(_stored(url, text)) == text


def stored(url: str) -> bytes | None:
    return asyncio.run(_stored(url, None))


def test_what_it_stores_is_there_again_the_next_time(tmp_path: Path) -> None:
    server = NatsServer(port=free_port(), folder=tmp_path)
    assert server.url.startswith("nats://127.0.0.1:")
    with server:
        store(server.url, b"text")
    with server, NatsServer(port=free_port(), folder=tmp_path / "other") as other:
        assert stored(server.url) == b"text"
        assert stored(other.url) is None
    assert not listens(server.url)
    assert "Server Exiting" in server.log_file.read_text()
    config = (tmp_path / "nats.conf").read_text()
    assert "sync_interval: always" in config
    assert "logfile_size_limit: 4MB" in config


def test_its_folder_is_in_the_users_folder_for_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = tmp_path / 'a "strange" $HOME\'s földer'
    monkeypatch.setenv("OLLAMA_RX_DATA", str(chosen))
    with NatsServer(port=free_port()) as server:
        store(server.url, b"text")
    assert (chosen / "nats" / "streams" / "jetstream").is_dir()
    assert server.log_file == chosen / "nats" / "nats.log"
    assert (chosen / "nats").stat().st_mode & 0o077 == 0


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError(path)

    monkeypatch.setenv("OLLAMA_RX_DATA", "~/x")
    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(NatsServerError, match="set OLLAMA_RX_DATA"):
        NatsServer(port=free_port()).start()


def test_starting_or_stopping_twice_is_harmless(tmp_path: Path) -> None:
    server = NatsServer(port=free_port(), folder=tmp_path).start()
    server.start()
    server.stop()
    server.stop()


def test_a_server_that_was_killed_comes_back(tmp_path: Path) -> None:
    with NatsServer(port=free_port(), folder=tmp_path) as server:
        store(server.url, b"text")
        pid = tmp_path / "nats.pid"
        killed = int(pid.read_text())
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: pid.exists() and pid.read_text() not in {"", str(killed)}, 20)
        assert eventually(lambda: listens(server.url), 20)
        assert stored(server.url) == b"text"


# Starts a server, says so, and takes no notice of Ctrl-C.
PARENT = """
import signal, sys
from ollama_rx.bus.server.nats_server import NatsServer
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
with NatsServer(port=int(sys.argv[1]), folder=sys.argv[2]):
    print("ready", flush=True)
    for line in sys.stdin:
        pass
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def parent(port: int, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that has started a server on `port` with its files in `tmp_path`."""
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", PARENT, str(port), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_it_ends_with_a_process_that_is_killed_and_the_next_one_goes_on(
    parent: "subprocess.Popen[str]", port: int, tmp_path: Path
) -> None:
    store(f"nats://127.0.0.1:{port}", b"text")
    parent.kill()
    with NatsServer(port=port, folder=tmp_path) as server:  # waits for the end of the old one
        assert stored(server.url) == b"text"
    assert not listens(server.url)


def test_ctrl_c_does_not_reach_it(parent: "subprocess.Popen[str]", port: int) -> None:
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "interrupted\n"
    assert stored(f"nats://127.0.0.1:{port}") is None


def test_two_servers_do_not_use_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_server, "_LOCK_SECONDS", 0)
    with (
        NatsServer(port=free_port(), folder=tmp_path),
        pytest.raises(NatsServerError, match="start this worker without --with-server"),
    ):
        NatsServer(port=free_port(), folder=tmp_path).start()


def test_a_nats_server_that_is_there_already_can_be_used(nats_url: str, tmp_path: Path) -> None:
    port = int(nats_url.rpartition(":")[2])
    with pytest.raises(
        NatsServerError, match=f"a NATS server listens on port {port} already; leave out --with"
    ):
        NatsServer(port=port, folder=tmp_path).start()


def test_a_port_of_another_program_is_said_to_be_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_server, "_ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            while True:
                try:
                    connection, _ = web.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        for other in (silent, web):
            port = other.getsockname()[1]
            problem = f"another program listens on port {port} already; choose another port with --bus"
            with pytest.raises(NatsServerError, match=problem):
                NatsServer(port=port, folder=tmp_path).start()
        web.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "streams").write_text("a file where a folder should be")
    with pytest.raises(NatsServerError, match=r"does not start \(.*not a directory\); see .*nats.log"):
        NatsServer(port=free_port(), folder=tmp_path).start()
    (tmp_path / "file").touch()
    with pytest.raises(NatsServerError, match=r"cannot start the NATS server: .*Not a directory"):
        NatsServer(port=free_port(), folder=tmp_path / "file" / "folder").start()


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_server, "_START_SECONDS", 0)
    monkeypatch.setattr(nats_server, "_find_program", lambda: "/bin/cat")
    with pytest.raises(NatsServerError, match="does not start"):
        NatsServer(port=free_port(), folder=tmp_path).start()


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", str(tmp_path).format)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NatsServerError, match=r'not installed: pip install "ollama-rx\[bus-server\]"'):
        NatsServer(port=free_port(), folder=tmp_path).start()
    own = tmp_path / "nats-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert nats_server._find_program() == str(own)


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="port: expected a whole number from 1 to 65535"):
        NatsServer(port=port)
