"""Message brokers as processes, for the example with FastStream."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.bus.nats_process import free_port

_START_SECONDS = 60.0  # RabbitMQ takes some seconds, the others a tenth of one


@contextmanager
def broker_process(kind: str, folder: Path) -> Generator[str]:
    """Run a broker and yield its URL; skip the test if it is not installed."""
    port = free_port()
    program, arguments, environment, login = _command(kind, port, folder)
    found = shutil.which(program, path=f"/usr/lib/rabbitmq/bin:{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"needs {program} (on Debian: apt-get install {program})")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a broker of this test
            [found, *arguments],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=os.environ | environment,
            start_new_session=True,
        )
    try:
        _wait_until_it_listens(process, port, folder / "log")
        yield f"{kind}://{login}127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)  # RabbitMQ's is a shell script
        process.wait()
        if "ERL_EPMD_PORT" in environment:  # its daemon, which outlives it
            subprocess.run(["epmd", "-kill"], env=os.environ | environment, check=False, capture_output=True)  # noqa: S607


def _command(kind: str, port: int, folder: Path) -> tuple[str, list[str], dict[str, str], str]:
    if kind == "redis":
        return "redis-server", ["--port", str(port), "--bind", "127.0.0.1", "--save", ""], {}, ""
    if kind == "mqtt":
        return "mosquitto", ["-p", str(port)], {}, ""
    return (
        "rabbitmq-server",
        [],
        {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # so that it can be ended at once
            "RABBITMQ_NODENAME": f"test{secrets.token_hex(4)}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": os.devnull,
        },
        "guest:guest@",
    )


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    waiting = threading.Event()
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            waiting.wait(0.02)
        else:
            return
    pytest.fail(f"the broker does not listen: {log.read_text(errors='replace')}")
