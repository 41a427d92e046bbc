"""HTTPS, with a certificate the environment trusts, and with one it does not."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from ollama_rx import Client, UnreachableError
from tests.transport.raw_server import ANSWER, raw_server, says, says_until_left

AUTHORITY = trustme.CA()


def context_for(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - half of it is untyped
    return context


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_the_users_authority_is_accepted_and_its_connection_used_again() -> None:
    async def main(url: str) -> None:
        async with Client(url, model="m") as client:
            for _ in range(2):
                assert (await client.generate("x")).text == "hello"

    with raw_server(says(ANSWER, ANSWER), context=context_for("127.0.0.1")) as url:
        asyncio.run(main(url))


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_somebody_else_is_refused() -> None:
    server = raw_server(says_until_left(ANSWER), context=context_for("example.org"))
    with (
        server as url,
        Client(url, model="m") as client,
        pytest.raises(UnreachableError, match=r"(?i)certificate.*127\.0\.0\.1"),
    ):
        client.generate("x").run()


def test_an_authority_nobody_knows_is_refused() -> None:
    server = raw_server(says_until_left(ANSWER), context=context_for("127.0.0.1"))
    with (
        server as url,
        Client(url, model="m") as client,
        pytest.raises(UnreachableError, match=r"(?i)certificate verify failed"),
    ):
        client.generate("x").run()


def test_certificates_that_cannot_be_read_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(nonsense))
    with (
        raw_server() as url,
        Client(url.replace("http", "https"), model="m") as client,
        pytest.raises(UnreachableError),
    ):
        client.generate("x").run()
