"""Ollama's endpoints without a server: routes, cancellation, and a client on top of them."""

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import operators as op
from ollama_rx.chunks import ContextBox
from ollama_rx.client import Client
from ollama_rx.embedded import embedded, find_weights, handlers
from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.embedded_transport import EmbeddedTransport, LineStream
from ollama_rx.embedded.engine import SLOTS, EngineEvent
from ollama_rx.embedded.model_cache import LoadedModel, find_model
from ollama_rx.embedded.reply_lines import AnswerWriter
from ollama_rx.embedded.worker_threads import WorkerThread
from ollama_rx.errors import EmbeddedModelError, ModelNotFoundError
from ollama_rx.operators import capture_context
from ollama_rx.rx.mailbox import Mailbox
from tests.embedded.asking import URL, Answer, Model, models

NAME = "smollm2:135m-instruct-q4_1"
DEADLINE_SECONDS = 2.0  # promised are 0.3 s; the test machine may be busy
COUNTING: dict[str, object] = {"temperature": 0, "repeat_penalty": 1}  # continues until the context is full
ENDLESS: dict[str, object] = {"prompt": "1, 2, 3, 4,", "raw": True, "options": COUNTING}
LONG: dict[str, object] = {"prompt": "word " * 1500, "raw": True, "options": {"num_predict": 1}}
SHORT = {"num_predict": 5, "seed": 1}
COUNT = "1, 2, 3, 4,"  # a raw prompt to which every answer is long


def pretend_installed(monkeypatch: pytest.MonkeyPatch, found: str | None) -> None:
    """Make the extra appear installed or not."""

    def find_spec(_: str) -> str | None:
        return found

    monkeypatch.setattr("ollama_rx.embedded.engine.find_spec", find_spec)


def get(model: Model, path: str) -> Answer:
    return model.ask(path, method="GET")


@pytest.mark.embedded
def test_the_root_and_the_version_answer(model: Model) -> None:
    assert get(model, "/").content == b"Ollama is running"
    assert model.ask("/", method="HEAD").status == 200
    version = get(model, "/api/version").lines[0]["version"]
    assert str(version).split(".")[0].isdigit()


@pytest.mark.embedded
def test_the_model_can_be_listed_and_shown(model: Model) -> None:
    (listed,) = models(get(model, "/api/tags"))
    shown = model.ask("/api/show", {"model": "whatever"}).lines[0]
    assert listed["name"] == listed["model"]
    assert listed["size"] == model.weights.stat().st_size
    assert len(str(listed["digest"])) == 64
    assert shown["details"] == listed["details"]
    assert shown["capabilities"] == ["completion"]
    assert "general.parameter_count" in str(shown["model_info"])


@pytest.mark.embedded
def test_the_embedded_model_answers_to_any_model_name(model: Model) -> None:
    for name in ({}, {"model": None}, {"model": "llama3.2"}):
        answer = model.ask("/api/generate", {**name, "prompt": "Hi", "options": {"num_predict": 1}})
        assert {line["model"] for line in answer.lines} == {NAME}


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/api/generate", {"model": "llama3.2", "prompt": "Hi"}, 404, "model 'llama3.2' not found"),
        ("/api/generate", {"prompt": "Hi"}, 404, "model '' not found"),
        ("/api/chat", {"model": "llama3.2"}, 404, "model 'llama3.2' not found"),
        ("/api/chat", {}, 400, "model is required"),
        ("/api/show", {"model": "llama3.2"}, 404, "model 'llama3.2' not found"),
    ],
)
def test_with_any_name_off_other_names_are_rejected(
    path: str, body: object, status: int, error: str, model: Model
) -> None:
    answer = model.ask(path, body, any_name=False)
    assert (answer.status, answer.lines) == (status, [{"error": error}])
    assert model.ask("/api/show", {"model": NAME}, any_name=False).status == 200


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/api/generate", 405, "405 method not allowed"),
        ("POST", "/api/tags", 405, "405 method not allowed"),
        ("POST", "/v1/chat/completions", 404, "404 page not found"),
        ("GET", "/nothing", 404, "404 page not found"),
    ],
)
def test_unknown_routes_are_rejected_as_ollama_does(
    method: str, path: str, status: int, text: str, model: Model
) -> None:
    answer = model.ask(path, {}, method=method)
    assert (answer.status, answer.content.decode()) == (status, text)


NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"
ONLY_OLLAMA = "the embedded model does not offer {}; `ollama serve` does"
NO_MODEL = 'model "x" not found, try pulling it first'
OWN = {"model": NAME}


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("request_line", "body", "status", "error"),
    [
        ("POST /api/embed", {**OWN, "input": "x"}, 501, NO_EMBEDDINGS),
        ("POST /api/embed", {**OWN, "input": ["x", ""]}, 501, NO_EMBEDDINGS),
        ("POST /api/embed", {**OWN, "input": ["x", 1]}, 400, "invalid input type"),
        ("POST /api/embed", {**OWN, "input": [""]}, 501, NO_EMBEDDINGS),
        ("POST /api/embed", {**OWN, "input": 0}, 400, "invalid input type"),
        ("POST /api/embed", {"model": "x", "input": "x"}, 404, NO_MODEL),
        ("POST /api/embeddings", {**OWN, "prompt": "x"}, 500, NO_EMBEDDINGS),
        ("POST /api/embeddings", {"model": "x", "prompt": "x"}, 404, NO_MODEL),
        ("POST /api/embeddings", {"prompt": "x"}, 400, "model is required"),
        ("DELETE /api/delete", {"model": "x"}, 404, "model 'x' not found"),
        ("DELETE /api/delete", {}, 400, 'name "" is invalid'),
        ("DELETE /api/delete", OWN, 501, ONLY_OLLAMA.format("/api/delete")),
        ("POST /api/copy", {"source": "x", "destination": "y"}, 404, 'model "x" not found'),
        ("POST /api/copy", {}, 400, 'source "" is invalid'),
        ("POST /api/copy", {"source": NAME, "destination": "y"}, 501, ONLY_OLLAMA.format("/api/copy")),
        ("POST /api/create", {"model": "x", "from": NAME}, 501, ONLY_OLLAMA.format("/api/create")),
        ("POST /api/push", OWN, 501, ONLY_OLLAMA.format("/api/push")),
        ("POST /api/blobs/sha256:1", {}, 501, ONLY_OLLAMA.format("/api/blobs")),
        ("HEAD /api/blobs/sha256:1", {}, 404, 'blob "sha256:1" not found'),
        ("POST /api/pull", {}, 400, "invalid model name"),
        ("POST /api/show", {}, 400, "model is required"),
    ],
)
def test_what_the_embedded_model_cannot_do_is_refused(
    model: Model, request_line: str, body: object, status: int, error: str
) -> None:
    method, path = request_line.split()
    answer = model.ask(path, body, method=method, any_name=False)
    assert (answer.status, answer.lines) == (status, [{"error": error}])


@pytest.mark.embedded
def test_a_request_to_embed_nothing_gets_an_empty_list(model: Model) -> None:
    nothing: list[dict[str, object]] = [{}, {"input": ""}, {"input": []}]
    for given in nothing:
        assert model.ask("/api/embed", {**OWN, **given}).lines == [{**OWN, "embeddings": []}]
    assert model.ask("/api/embeddings", OWN).lines == [{"embedding": []}]


@pytest.mark.embedded
def test_a_method_that_a_route_does_not_have_is_refused_with_those_it_has(model: Model) -> None:
    async def look() -> httpx.Response:
        async with model.connect() as client:
            return await client.get("/api/chat")

    assert asyncio.run(look()).headers["allow"] == "POST"


@pytest.mark.embedded
def test_there_is_no_cloud(model: Model) -> None:
    assert get(model, "/api/status").lines == [{"cloud": {"disabled": True, "source": "config"}}]


@pytest.mark.embedded
@pytest.mark.parametrize(
    "name", [NAME, NAME.upper(), f"library/{NAME}", f"registry.ollama.ai/library/{NAME}"]
)
def test_a_name_may_be_written_in_all_ways_of_ollama(model: Model, name: str) -> None:
    assert model.ask("/api/show", {"model": name}, any_name=False).status == 200


@pytest.mark.embedded
def test_a_host_may_have_a_path_prefix(model: Model) -> None:
    assert get(model, "/ollama/api/version").status == 200


@pytest.mark.embedded
def test_one_transport_serves_several_loops_at_once(model: Model) -> None:
    transport = embedded(model.weights)
    found: list[int] = []

    def talk() -> None:
        async def send() -> None:
            client = httpx.AsyncClient(transport=transport, base_url=URL, timeout=None)  # noqa: S113 - no network
            body = {"prompt": "Hi", "options": {"num_predict": 12}}
            async with client.stream("POST", "/api/generate", json=body) as reply:
                found.append(len([line async for line in reply.aiter_lines()]))

        asyncio.run(send())

    threads = [threading.Thread(target=talk) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(count > 1 for count in found)
    assert len(found) == 3
    asyncio.run(transport.aclose())


@pytest.mark.embedded
def test_the_event_loop_serves_other_requests_while_the_model_computes(model: Model) -> None:
    async def scene() -> list[str]:
        order: list[str] = []
        async with model.connect() as client:

            async def compute() -> None:
                await client.post("/api/generate", json={"prompt": "A story", "options": {"num_predict": 40}})
                order.append("computed")

            async def look() -> None:
                await client.get("/api/version")
                order.append("looked")

            await asyncio.gather(compute(), look())
        return order

    assert asyncio.run(scene()) == ["looked", "computed"]


@pytest.mark.embedded
def test_the_last_transport_frees_the_memory(model: Model, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.symlink_to(model.weights)
    before = set(threading.enumerate())
    assert Model(own).generate("Hi", options={"num_predict": 1}).lines[0]["model"] == "own:latest"
    assert find_model(own) is None
    assert set(threading.enumerate()) == before


@pytest.mark.embedded
def test_loading_a_file_that_is_not_a_model_raises_an_error(tmp_path: Path, loaded_model: object) -> None:
    assert loaded_model
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but not really")
    with pytest.raises(EmbeddedModelError, match=r"cannot load .*broken\.gguf: is it a GGUF model"):
        Model(broken).generate("Hi")


@pytest.mark.embedded
def test_an_event_that_cannot_be_parsed_ends_the_answer_with_an_error(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(AnswerWriter):
        def feed(self, event: EngineEvent) -> bytes | None:
            raise KeyError(*event)

    monkeypatch.setattr(handlers, "AnswerWriter", Failing)
    with pytest.raises(KeyError, match="choices"):
        model.generate("Hi")


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, None)
    with pytest.raises(EmbeddedModelError, match=r'pip install "ollama-rx\[embedded\]"'):
        embedded()


def test_weights_that_do_not_exist_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, "xllamacpp")
    with pytest.raises(EmbeddedModelError, match=r"weights: no such file: .*none\.gguf"):
        embedded(tmp_path / "none.gguf")


def test_nothing_is_listed_before_the_weights_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_installed(monkeypatch, "xllamacpp")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)
    assert find_weights() is None

    async def look() -> list[object]:
        async with httpx.AsyncClient(transport=embedded(), base_url=URL) as client:
            return [(await client.get(path)).json() for path in ("/api/tags", "/api/ps")]

    assert asyncio.run(look()) == [{"models": []}, {"models": []}]


def test_an_error_in_mid_stream_becomes_the_last_line() -> None:
    def break_down(lines: Mailbox[bytes]) -> None:
        lines.put(b"first\n")
        raise ApiError(500, "broken")

    async def read() -> bytes:
        worker = WorkerThread(break_down)
        worker.join()
        return b"".join([block async for block in LineStream(b"", worker)])

    assert asyncio.run(read()) == b'first\n{"error":"broken"}\n'


class HttpClient(httpx.AsyncClient):
    """A client that can check that no answer is being computed."""

    def __init__(self, model: Model) -> None:
        self.embedded = EmbeddedTransport(model.weights, any_name=True, show_progress=False)
        super().__init__(transport=self.embedded, base_url=URL, timeout=None)

    async def begin(self, body: dict[str, object]) -> httpx.Response:
        return await self.send(self.build_request("POST", "/api/generate", json=body), stream=True)

    async def assert_idle(self) -> None:
        """Wait until all computations have ended, and check that a new request is answered."""
        began = time.perf_counter()
        for worker in list(self.embedded.workers):
            await asyncio.to_thread(worker.join)
        assert time.perf_counter() - began < DEADLINE_SECONDS
        body = {"prompt": "Hi", "stream": False, "options": {"num_predict": 1}}
        assert (await self.post("/api/generate", json=body)).status_code == 200


def run(model: Model, scene: Callable[[HttpClient], Awaitable[None]]) -> None:
    async def play() -> None:
        async with HttpClient(model) as client:
            await scene(client)

    asyncio.run(play())


@pytest.fixture
def reading_a_prompt(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set while the model evaluates a prompt."""
    seen = threading.Event()

    class Watched(AnswerWriter):
        def feed(self, event: EngineEvent) -> bytes | None:
            if "prompt_progress" in event:
                seen.set()
            return super().feed(event)

    monkeypatch.setattr(handlers, "AnswerWriter", Watched)
    return seen


@pytest.mark.embedded
def test_closing_the_body_stops_the_generation(model: Model) -> None:
    async def scene(client: HttpClient) -> None:
        reply = await client.begin(ENDLESS)
        async for _ in reply.aiter_bytes():
            break
        await reply.aclose()
        await client.assert_idle()

    run(model, scene)


@pytest.mark.embedded
def test_dropping_the_response_stops_the_generation(model: Model) -> None:
    async def scene(client: HttpClient) -> None:
        reply = await client.begin(ENDLESS)
        del reply
        gc.collect()
        await client.assert_idle()

    run(model, scene)


@pytest.mark.embedded
def test_cancelling_the_task_stops_the_evaluation_of_the_prompt(
    model: Model, reading_a_prompt: threading.Event
) -> None:
    async def scene(client: HttpClient) -> None:
        task = asyncio.create_task(client.begin(LONG))
        assert await asyncio.to_thread(reading_a_prompt.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.assert_idle()

    run(model, scene)


@pytest.mark.embedded
def test_cancelling_an_answer_that_is_not_streamed_stops_it(
    model: Model, reading_a_prompt: threading.Event
) -> None:
    async def scene(client: HttpClient) -> None:
        task = asyncio.create_task(client.begin(ENDLESS | {"stream": False}))
        assert await asyncio.to_thread(reading_a_prompt.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.assert_idle()

    run(model, scene)


@pytest.mark.embedded
def test_a_request_that_waits_for_a_slot_can_be_cancelled(model: Model, loaded_model: LoadedModel) -> None:
    async def scene(client: HttpClient) -> None:
        computing = [await client.begin(ENDLESS) for _ in range(SLOTS)]
        waiting = asyncio.create_task(client.begin(ENDLESS))
        while not loaded_model.waiting:
            await asyncio.to_thread(threading.Event().wait, 0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        while loaded_model.waiting:
            await asyncio.to_thread(threading.Event().wait, 0.001)
        for reply in computing:
            await reply.aclose()
        await client.assert_idle()

    run(model, scene)


@pytest.mark.embedded
def test_readers_that_do_not_read_do_not_delay_other_requests(model: Model) -> None:
    async def scene(client: HttpClient) -> None:
        long = ENDLESS | {"options": COUNTING | {"num_predict": 100}}
        sleeping = [await client.begin(long) for _ in range(SLOTS)]
        body = {"prompt": "Hi", "stream": False, "options": {"num_predict": 1}}
        assert (await client.post("/api/generate", json=body)).status_code == 200
        for reply in sleeping:
            lines = [line async for line in reply.aiter_lines()]
            assert len(lines) == 101

    run(model, scene)


@pytest.mark.embedded
def test_closing_the_transport_ends_its_streams_and_leaves_no_thread(model: Model) -> None:
    before = set(threading.enumerate())

    async def scene(client: HttpClient) -> None:
        reply = await client.begin(ENDLESS)
        lines = reply.aiter_lines()
        await anext(lines)
        await client.embedded.aclose()
        assert not client.embedded.workers
        with pytest.raises(httpx.ReadError, match="the embedded model was closed"):
            [line async for line in lines]
        await reply.aclose()
        await client.assert_idle()  # and it can be used again

    run(model, scene)
    assert set(threading.enumerate()) == before


@pytest.mark.embedded
def test_closing_the_transport_rejects_requests_that_still_wait(
    model: Model, reading_a_prompt: threading.Event
) -> None:
    async def scene(client: HttpClient) -> None:
        task = asyncio.create_task(client.begin(LONG))
        assert await asyncio.to_thread(reading_a_prompt.wait, 10)
        await client.embedded.aclose()
        reply = await task
        await reply.aread()
        assert (reply.status_code, reply.json()) == (503, {"error": "the embedded model was closed"})

    run(model, scene)


@pytest.mark.embedded
@pytest.mark.usefixtures("no_thread_left")
def test_a_client_without_a_model_name_asks_the_embedded_model(model: Model) -> None:
    with Client(transport=embedded(model.weights)) as client:
        chunks = client.generate(COUNT, raw=True, options=SHORT).pipe(ops.to_list()).run()
        chat = client.chat([{"role": "user", "content": "Count to ten"}], options=SHORT)
        assert {chunk.model for chunk in chunks} == {"smollm2:135m-instruct-q4_1"}
        assert [chunk.done for chunk in chunks] == [False] * 5 + [True]
        assert chat.pipe(op.text(), ops.to_list()).run()


@pytest.mark.embedded
def test_a_context_box_continues_the_conversation(model: Model) -> None:
    box = ContextBox()
    with Client(transport=embedded(model.weights)) as client:
        sizes: list[int] = []
        for prompt in ("My name is Bob", "What is my name?"):
            client.generate(prompt, context=box, options=SHORT).pipe(capture_context(box)).run()
            sizes.append(len(box.value or ()))
    assert 0 < sizes[0] < sizes[1]


@pytest.mark.embedded
def test_generations_can_start_others_and_are_stopped_by_an_operator(model: Model) -> None:
    with Client(transport=embedded(model.weights)) as client:

        def count(text: str) -> Observable[str]:
            endless = client.generate(COUNT + text, raw=True, options={"num_predict": 2000})
            return endless.pipe(op.text(), ops.take(3))

        assert len(count("").pipe(ops.flat_map(count), ops.to_list()).run()) == 9


@pytest.mark.embedded
def test_a_client_works_in_asyncio(model: Model) -> None:
    async def talk() -> list[str]:
        async with Client(transport=embedded(model.weights)) as client:
            return await client.generate(COUNT, raw=True, options=SHORT).pipe(op.text(), ops.to_list())

    assert len(asyncio.run(talk())) == 5


@pytest.mark.embedded
def test_with_any_name_off_another_name_raises_model_not_found(model: Model) -> None:
    with (
        Client(model="llama3.2", transport=embedded(model.weights, any_name=False)) as client,
        pytest.raises(ModelNotFoundError),
    ):
        client.generate("Hi").run()
