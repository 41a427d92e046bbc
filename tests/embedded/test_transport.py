"""Ollama's endpoints, without a server."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from ollama_rx.embedded import answering, embedded, find_weights
from ollama_rx.embedded.body import Body
from ollama_rx.embedded.engine import Event
from ollama_rx.embedded.jobs import Job
from ollama_rx.embedded.pipe import Pipe
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.replies import Reply
from ollama_rx.embedded.residence import find_residence
from ollama_rx.errors import EmbeddedModelError
from tests.embedded.asking import URL, Answer, Model, models

NAME = "smollm2:135m-instruct-q4_1"


def install(monkeypatch: pytest.MonkeyPatch, found: str | None) -> None:
    """Make the extra look installed or not."""

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
def test_any_model_name_is_answered_by_the_one_there_is(model: Model) -> None:
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
def test_other_names_are_refused_on_request(
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
def test_what_ollama_does_not_know_is_refused_as_ollama_does(
    method: str, path: str, status: int, text: str, model: Model
) -> None:
    answer = model.ask(path, {}, method=method)
    assert (answer.status, answer.content.decode()) == (status, text)


@pytest.mark.embedded
def test_what_only_ollama_can_do_is_refused_with_advice(model: Model) -> None:
    answer = model.ask("/api/embed", {"input": "x"})
    text = "the embedded model does not offer /api/embed; `ollama serve` does"
    assert (answer.status, answer.lines) == (501, [{"error": text}])


@pytest.mark.embedded
def test_a_host_may_have_a_path_of_its_own(model: Model) -> None:
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
def test_the_loop_answers_others_while_the_model_computes(model: Model) -> None:
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
    assert find_residence(own) is None
    assert set(threading.enumerate()) == before


@pytest.mark.embedded
def test_a_file_that_is_no_model_is_an_error(tmp_path: Path, residence: object) -> None:
    assert residence
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but not really")
    with pytest.raises(EmbeddedModelError, match=r"cannot load .*broken\.gguf: is it a GGUF model"):
        Model(broken).generate("Hi")


@pytest.mark.embedded
def test_an_event_that_cannot_be_understood_ends_the_answer(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Reply):
        def feed(self, event: Event) -> bytes | None:
            raise KeyError(*event)

    monkeypatch.setattr(answering, "Reply", Failing)
    with pytest.raises(KeyError, match="choices"):
        model.generate("Hi")


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, None)
    with pytest.raises(EmbeddedModelError, match=r'pip install "ollama-rx\[embedded\]"'):
        embedded()


def test_weights_that_are_not_there_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "xllamacpp")
    with pytest.raises(EmbeddedModelError, match=r"weights: no such file: .*none\.gguf"):
        embedded(tmp_path / "none.gguf")


def test_nothing_is_listed_before_the_weights_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "xllamacpp")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("OLLAMA_RX_MODEL", raising=False)
    assert find_weights() is None

    async def look() -> list[object]:
        async with httpx.AsyncClient(transport=embedded(), base_url=URL) as client:
            return [(await client.get(path)).json() for path in ("/api/tags", "/api/ps")]

    assert asyncio.run(look()) == [{"models": []}, {"models": []}]


def test_an_error_in_mid_stream_becomes_the_last_line() -> None:
    def break_down(pipe: Pipe) -> None:
        pipe.put(b"first\n")
        raise Refusal(500, "broken")

    async def read() -> bytes:
        job = Job(break_down)
        job.join()
        return b"".join([block async for block in Body(b"", job)])

    assert asyncio.run(read()) == b'first\n{"error":"broken"}\n'
