"""Servers for the tests of the bus."""

import secrets
from collections.abc import Iterator

import pytest

from tests.bus.nats_process import NatsProcess


@pytest.fixture(scope="session")
def _shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    server = NatsProcess(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def nats_url(_shared_server: NatsProcess) -> str:
    """Return the URL of a server that all tests of this process share; each uses its own namespace."""
    return _shared_server.url


@pytest.fixture
def namespace() -> str:
    """Return a namespace that no other test uses."""
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
def nats_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    """Yield a server of the test's own, running, which it may kill and start again."""
    server = NatsProcess(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.kill()
