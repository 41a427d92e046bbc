"""The weights can be pulled like any model of Ollama."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pytest

from ollama_rx.embedded import embedded, pulling
from ollama_rx.embedded.transport import EmbeddedTransport
from ollama_rx.errors import EmbeddedModelError
from tests.embedded.asking import URL

DIGEST = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
Report = Callable[[int, int], None]


def fetch_from(monkeypatch: pytest.MonkeyPatch, fetch: Callable[[Report], Path]) -> None:
    monkeypatch.setattr(pulling, "fetch_weights", fetch)
    monkeypatch.setattr("ollama_rx.embedded.engine.find_spec", str)
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)


def fetched(report: Report) -> Path:
    report(0, 20)
    report(20, 20)
    return Path("there.gguf")


def pull(**fields: object) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=embedded(), base_url=URL) as client:
            return await client.post("/api/pull", json=fields)

    return asyncio.run(send())


def lines(reply: httpx.Response) -> list[object]:
    return [orjson.loads(line) for line in reply.content.splitlines()]


@pytest.mark.parametrize("name", [{}, {"model": "smollm2:135m-instruct-q4_1"}])
def test_a_pull_reports_its_progress_as_ollama_does(
    name: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_from(monkeypatch, fetched)
    step = {"status": "pulling b179c9523d0e", "digest": DIGEST, "total": 20}
    assert lines(pull(**name)) == [
        {"status": "pulling manifest"},
        step,
        step | {"completed": 20},
        {"status": "verifying sha256 digest"},
        {"status": "writing manifest"},
        {"status": "success"},
    ]


def test_without_streaming_only_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_from(monkeypatch, fetched)
    reply = pull(stream=False)
    assert (reply.status_code, reply.content) == (200, b'{"status":"success"}')


def test_another_model_cannot_be_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_from(monkeypatch, fetched)
    error = {"error": "pull model manifest: file does not exist"}
    assert lines(pull(model="llama3.2")) == [{"status": "pulling manifest"}, error]
    reply = pull(model="llama3.2", stream=False)
    assert (reply.status_code, reply.json()) == (500, error)


def test_a_download_that_fails_is_an_error_in_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Report) -> Path:
        raise EmbeddedModelError("no network")

    fetch_from(monkeypatch, fail)
    assert lines(pull())[1:] == [{"error": "no network"}]


def test_leaving_ends_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[BaseException] = []

    def endless(report: Report) -> Path:
        try:
            while True:
                report(1, 20)
        except BaseException as error:
            ended.append(error)
            raise

    async def leave() -> None:
        transport = embedded()
        assert isinstance(transport, EmbeddedTransport)
        async with (
            httpx.AsyncClient(transport=transport, base_url=URL) as client,
            client.stream("POST", "/api/pull", json={}) as reply,
        ):
            async for _ in reply.aiter_lines():
                break

    fetch_from(monkeypatch, endless)
    asyncio.run(leave())
    assert [type(error).__name__ for error in ended] == ["GaveUpError"]


def test_weights_of_the_users_own_are_there_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Report) -> Path:
        pytest.fail("nothing to fetch")

    fetch_from(monkeypatch, never)
    (tmp_path / "own.gguf").touch()

    async def send() -> list[object]:
        transport = embedded(tmp_path / "own.gguf")
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            return lines(await client.post("/api/pull", json={"name": "own"}))

    assert asyncio.run(send())[-1] == {"status": "success"}
