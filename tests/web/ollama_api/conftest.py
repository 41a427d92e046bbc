"""The API on a real port, with a scripted server behind it."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from ollama_rx.testing import FakeOllama
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.web import ollama_api
from tests.web.serving import served


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def url(fake: FakeOllama) -> Iterator[str]:
    with served(ollama_api(HttpTransport(), url=fake.url)) as url:
        yield url


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def unused_url() -> Iterator[str]:
    """Return a URL where nothing listens; the port stays reserved during the test."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
