"""The fake server stores blobs, and checks their digests."""

import hashlib
from collections.abc import Generator

import httpx
import pytest

from ollama_rx.testing import FakeOllama, error_status

DIGEST = f"sha256:{hashlib.sha256(b'ab').hexdigest()}"


@pytest.fixture
def fake() -> Generator[FakeOllama]:
    with FakeOllama() as fake:
        yield fake


def test_a_blob_is_there_once_it_is_uploaded(fake: FakeOllama) -> None:
    url = f"{fake.url}/api/blobs/{DIGEST}"
    assert httpx.head(url).status_code == 404
    assert httpx.post(url, content=iter([b"a", b"b"])).status_code == 201
    assert httpx.head(url).status_code == 200
    assert httpx.post(url, content=b"ab").status_code == 200
    assert fake.blobs == {DIGEST: b"ab"}


def test_a_blob_with_another_digest_is_refused(fake: FakeOllama) -> None:
    refused = httpx.post(f"{fake.url}/api/blobs/{DIGEST}", content=b"other")
    assert refused.status_code == 400
    assert refused.json()["error"].startswith(f"digest mismatch, expected '{DIGEST}', got 'sha256:")
    assert not fake.blobs


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_blobs_can_only_be_uploaded_and_looked_for(fake: FakeOllama, method: str) -> None:
    assert httpx.request(method, f"{fake.url}/api/blobs/{DIGEST}").status_code == 405


def test_one_script_answers_for_all_blobs() -> None:
    with FakeOllama(on={"/api/blobs": [error_status(404), error_status(413, "too large")]}) as fake:
        url = f"{fake.url}/api/blobs/{DIGEST}"
        assert [httpx.head(url).status_code, httpx.post(url, content=b"ab").status_code] == [404, 413]
