"""The official client for Python uses the embedded model as it uses Ollama."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import ollama
import pytest

from ollama_rx.embedded import handlers
from ollama_rx.embedded.weights import Report
from tests.embedded.port.conftest import Port

pytestmark = pytest.mark.embedded
NAME = "smollm2:135m-instruct-q4_1"
WHOLE_NAME = f"registry.ollama.ai/library/{NAME}"
FEW = {"num_predict": 5, "seed": 1}
ENDLESS = {"temperature": 0, "repeat_penalty": 1}  # counts until the context is full
COUNT = "1, 2, 3, 4,"
HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def client(port: Port) -> Iterator[ollama.Client]:
    with closing(ollama.Client(port.url, trust_env=False)) as made:
        yield made


@asynccontextmanager
async def connected(port: Port) -> AsyncGenerator[ollama.AsyncClient]:
    made = ollama.AsyncClient(port.url, trust_env=False)
    try:
        yield made
    finally:
        await made.close()  # type: ignore[no-untyped-call]


def test_chat(client: ollama.Client) -> None:
    answer = client.chat(NAME, HELLO, options=FEW)
    assert answer.message.role == "assistant"
    assert answer.message.content
    assert (answer.model, answer.done, answer.done_reason) == (NAME, True, "length")
    assert (answer.eval_count, answer.created_at is None) == (5, False)
    assert min(answer.total_duration or 0, answer.prompt_eval_count or 0, answer.eval_duration or 0) > 0


def test_a_streamed_chat(client: ollama.Client) -> None:
    whole = client.chat(NAME, HELLO, options=FEW).message.content
    chunks = list(client.chat(NAME, HELLO, options=FEW, stream=True))
    assert len(chunks) == 6
    assert [chunk.done for chunk in chunks] == [False] * 5 + [True]
    assert "".join(chunk.message.content or "" for chunk in chunks) == whole


def test_generate_goes_on_from_a_context(client: ollama.Client) -> None:
    first = client.generate(NAME, "My name is Ada.", options=FEW)
    *pieces, last = client.generate(NAME, "And yours?", context=first.context, options=FEW, stream=True)
    assert first.context is not None
    assert last.context is not None
    assert list(last.context[: len(first.context)]) == list(first.context)
    assert len(pieces) == 5
    assert (last.prompt_eval_count or 0) > len(first.context)


def test_a_stream_that_is_left_stops_the_model(client: ollama.Client, port: Port) -> None:
    stream = client.generate(NAME, COUNT, raw=True, options=ENDLESS, stream=True)
    assert next(stream).response
    cast("Generator[object]", stream).close()
    port.wait_until_idle()
    assert not port.is_last_answer_complete


def test_a_model_is_loaded_and_unloaded(client: ollama.Client) -> None:
    assert client.generate(NAME).done_reason == "load"
    (running,) = client.ps().models
    assert (running.model, running.name, running.context_length) == (NAME, NAME, 2048)
    assert (running.size or 0) > 90_000_000
    assert running.size_vram == 0
    assert running.expires_at is not None
    assert client.generate(NAME, keep_alive=0).done_reason == "unload"
    assert not client.ps().models


def test_models_are_listed_and_shown(client: ollama.Client) -> None:
    (listed,) = client.list().models
    shown = client.show(NAME)
    assert (listed.model, len(listed.digest or "")) == (NAME, 64)
    assert listed.modified_at is not None
    assert shown.details == listed.details
    assert shown.capabilities == ["completion"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.parameter_count"] == 134_515_008


def test_a_pull_of_what_is_there_says_so(client: ollama.Client) -> None:
    assert client.pull(NAME).status == "success"
    steps = list(client.pull(NAME, stream=True))
    assert [step.status for step in steps] == [
        "pulling manifest",
        "pulling b179c9523d0e",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    assert steps[1].completed == steps[1].total == 98_362_432


def test_a_pull_is_reported_while_it_runs(client: ollama.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = threading.Semaphore(0)

    def fetch(report: Report) -> Path:
        for done in (0, 50, 100):
            report(done, 100)
            assert seen.acquire(timeout=10)  # the client has seen it
        return Path("there.gguf")

    monkeypatch.setattr(handlers, "fetch_weights", fetch)
    found: list[int] = []
    for step in client.pull(NAME, stream=True):
        if step.total:
            found.append(step.completed or 0)
            seen.release()
    assert found == [0, 50, 100]


TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "description": "", "parameters": {}}}
IMAGE = b"\x89PNG"


REFUSALS: list[tuple[Callable[[ollama.Client], object], int, str]] = [
    (lambda at: at.chat("llama3.2", HELLO), 404, "model 'llama3.2' not found"),
    (lambda at: at.generate("llama3.2", "Hi"), 404, "model 'llama3.2' not found"),
    (lambda at: next(at.generate("llama3.2", "Hi", stream=True)), 404, "model 'llama3.2' not found"),
    (lambda at: at.show("llama3.2"), 404, "model 'llama3.2' not found"),
    (lambda at: at.chat(NAME, HELLO, tools=[TOOL]), 400, f"{WHOLE_NAME} does not support tools"),
    (
        lambda at: at.chat(NAME, [{**HELLO[0], "images": [IMAGE]}]),
        400,
        f"{WHOLE_NAME} does not support vision",
    ),
    (lambda at: at.generate(NAME, "Hi", images=[IMAGE]), 400, f"{WHOLE_NAME} does not support vision"),
    (lambda at: at.generate(NAME, "Hi", suffix="!"), 400, f"{WHOLE_NAME} does not support insert"),
    (lambda at: at.chat(NAME, HELLO, think=True), 400, f'"{NAME}" does not support thinking'),
    (
        lambda at: at.generate(NAME, "Hi", options={"stop": 1}),
        500,
        'option "stop" must be of type array',
    ),
    (lambda at: at.embed(NAME, "Hi"), 501, "This server does not support embeddings."),
    (lambda at: at.embeddings(NAME, "Hi"), 500, "This server does not support embeddings."),
    (lambda at: at.embed("llama3.2", "Hi"), 404, 'model "llama3.2" not found, try pulling it first'),
    (lambda at: at.delete("llama3.2"), 404, "model 'llama3.2' not found"),
    (lambda at: at.copy("llama3.2", "x"), 404, 'model "llama3.2" not found'),
    (lambda at: at.create("x", from_=NAME), 501, "the embedded model does not offer /api/create"),
    (lambda at: at.push(NAME), 501, "the embedded model does not offer /api/push"),
    (lambda at: at.pull("llama3.2"), 500, f"the embedded model is {NAME} and no other"),
]


@pytest.mark.parametrize(("ask", "status", "words"), REFUSALS)
def test_what_the_model_cannot_do_is_an_error(
    client: ollama.Client, ask: Callable[[ollama.Client], object], status: int, words: str
) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        ask(client)
    assert caught.value.status_code == status
    assert caught.value.error.startswith(words)


def test_a_file_is_refused(client: ollama.Client, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"x" * 3_000_000)
    with pytest.raises(ollama.ResponseError, match="does not offer /api/blobs"):
        client.create_blob(file)


# with asyncio


def test_two_streams_run_at_the_same_time(port: Port) -> None:
    order: list[int] = []

    async def read(number: int) -> None:
        options = {**ENDLESS, "num_predict": 30}
        async with connected(port) as client:
            async for chunk in await client.generate(NAME, COUNT, raw=True, options=options, stream=True):
                order.append(number)
                assert chunk.model == NAME

    async def main() -> None:
        await asyncio.gather(read(1), read(2))

    asyncio.run(main())
    assert sorted(order) == [1] * 31 + [2] * 31
    assert order != sorted(order)
    assert order != sorted(order, reverse=True)


def test_a_task_that_is_cancelled_stops_the_model(port: Port) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async with connected(port) as client:
                async for _ in await client.generate(NAME, COUNT, raw=True, options=ENDLESS, stream=True):
                    begun.set()
                    await asyncio.Event().wait()

        reading = asyncio.create_task(read())
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(main())
    port.wait_until_idle()
    assert not port.is_last_answer_complete


def test_all_the_rest_with_asyncio(port: Port) -> None:
    async def main() -> None:
        async with connected(port) as client:
            assert (await client.generate(NAME, "Hi", options=FEW)).eval_count == 5
            assert [model.model for model in (await client.list()).models] == [NAME]
            assert [model.model for model in (await client.ps()).models] == [NAME]
            assert (await client.show(NAME)).capabilities == ["completion"]
            assert (await client.pull(NAME)).status == "success"
            with pytest.raises(ollama.ResponseError, match="not found"):
                await client.chat("llama3.2", HELLO)

    asyncio.run(main())
