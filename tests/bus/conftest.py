"""Servers for the tests of the bus."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

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


StartServer = Callable[[str], NatsProcess]


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Yield what starts a server of the test's own, with more lines of its configuration."""
    servers: list[NatsProcess] = []

    def start(settings: str) -> NatsProcess:
        servers.append(NatsProcess(tmp_path_factory.mktemp("nats"), settings=settings))
        return servers[-1].start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def no_nats_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what the environment says of NATS."""
    for name in ("URL", "USER", "PASSWORD", "TOKEN", "CREDS", "CA", "CERT", "KEY"):
        monkeypatch.delenv(f"NATS_{name}", raising=False)


class Certificates(NamedTuple):
    """Files with certificates and keys: "ca", "server", "client", and "stranger", of another CA."""

    folder: Path

    def __call__(self, name: str) -> Path:
        return self.folder / f"{name}.pem"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates of a server and its clients."""
    files = Certificates(tmp_path_factory.mktemp("certificates"))
    ours, others = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(files("ca"))
    for name, issued in {
        "server": ours.issue_cert("127.0.0.1"),
        "client": ours.issue_cert("ada@bus.example"),
        "stranger": others.issue_cert("eve@bus.example"),
    }.items():
        issued.private_key_and_cert_chain_pem.write_to_path(files(name))
    return files


def tls_settings(certificates: Certificates, *, verify: bool) -> str:
    """Return lines for the configuration of a server with TLS, which may ask for a client's certificate."""
    server, ca = certificates("server"), certificates("ca")
    asks = str(verify).lower()
    return f'tls {{ cert_file: "{server}", key_file: "{server}", ca_file: "{ca}", verify: {asks} }}'
