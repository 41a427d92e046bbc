"""HTTPS with a certificate that the environment trusts, and with one that it does not trust."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from reactivex import Observable

from ollama_rx import Client, Progress, UnreachableError
from tests.transport.raw_server import ANSWER, raw_server, read_request, replies_until_closed, replies_with

AUTHORITY = trustme.CA()


def context_for(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - partly untyped
    return context


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_the_users_authority_is_accepted_and_the_connection_reused() -> None:
    async def main(url: str) -> None:
        async with Client(url, model="m") as client:
            for _ in range(2):
                assert (await client.generate("x")).text == "hello"

    with raw_server(replies_with(ANSWER, ANSWER), context=context_for("127.0.0.1")) as url:
        asyncio.run(main(url))


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_refused() -> None:
    server = raw_server(replies_until_closed(ANSWER), context=context_for("example.org"))
    with (
        server as url,
        Client(url, model="m") as client,
        pytest.raises(UnreachableError, match=r"(?i)certificate.*127\.0\.0\.1"),
    ):
        client.generate("x").run()


def test_an_unknown_authority_is_refused() -> None:
    server = raw_server(replies_until_closed(ANSWER), context=context_for("127.0.0.1"))
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


def _run_in_thread(stream: Observable[Progress]) -> Progress:
    return stream.run()


def _run_on_loop(stream: Observable[Progress]) -> Progress:
    async def main() -> Progress:
        return await stream

    return asyncio.run(main())


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("run", [_run_in_thread, _run_on_loop])
def test_a_file_is_uploaded_over_tls(run: Callable[[Observable[Progress]], Progress], tmp_path: Path) -> None:
    received: list[bytes] = []

    def store(connection: socket.socket) -> None:
        received.append(read_request(connection).partition(b"\r\n\r\n")[2])
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    content = os.urandom(3_000_000)
    (tmp_path / "model.gguf").write_bytes(content)
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    server = raw_server(replies_with(missing), store, context=context_for("127.0.0.1"))
    with server as url, Client(url) as client:
        assert run(client.create_blob(tmp_path / "model.gguf")).done
    assert received == [content]
