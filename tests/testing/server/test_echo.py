"""Without a script the server answers the endpoints of /api plausibly."""

import json
import math
from collections.abc import Iterator

import httpx
import pytest

from ollama_rx.testing import FakeOllama


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    with FakeOllama() as fake, httpx.Client(base_url=fake.url) as client:
        yield client


def lines(response: httpx.Response) -> list[dict[str, object]]:
    return [json.loads(line) for line in response.raise_for_status().content.splitlines()]


def test_generate_repeats_the_prompt_word_by_word(server: httpx.Client) -> None:
    found = lines(
        server.post("/api/generate", json={"model": "m", "prompt": " Hi  you\n", "context": [1, "x"]})
    )
    assert [line["response"] for line in found] == [" Hi", "  you", "\n", ""]
    assert found[-1]["context"] == [1, 3, 5, 1]
    assert found[-1]["done_reason"] == "stop"


def test_chat_repeats_the_last_message(server: httpx.Client) -> None:
    messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "Hi you"}]
    found = lines(server.post("/api/chat", json={"model": "m", "messages": messages}))
    assert [line["message"] for line in found[:2]] == [
        {"role": "assistant", "content": "Hi"},
        {"role": "assistant", "content": " you"},
    ]


def test_num_predict_limits_the_answer(server: httpx.Client) -> None:
    body = {"model": "m", "prompt": "a b c", "options": {"num_predict": 2}}
    found = lines(server.post("/api/generate", json=body))
    assert [line["response"] for line in found] == ["a", " b", ""]
    assert found[-1]["done_reason"] == "length"


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/api/generate", {"model": "m"}, "load"),
        ("/api/generate", {"model": "m", "prompt": "", "keep_alive": 0}, "unload"),
        ("/api/chat", {"model": "m", "messages": []}, "load"),
        ("/api/chat", {"model": "m", "messages": ["not an object"]}, "load"),
        ("/api/chat", {"model": "m", "messages": [], "keep_alive": 0}, "unload"),
    ],
)
def test_an_empty_prompt_loads_or_unloads(
    server: httpx.Client, path: str, body: dict[str, object], reason: str
) -> None:
    assert server.post(path, json=body).json()["done_reason"] == reason


def test_a_request_without_a_model_gets_an_error_status(server: httpx.Client) -> None:
    generate = server.post("/api/generate", json={"prompt": "x"})
    assert (generate.status_code, generate.json()) == (404, {"error": "model '' not found"})
    chat = server.post("/api/chat", json={"messages": []})
    assert (chat.status_code, chat.json()) == (400, {"error": "model is required"})


def test_a_request_without_a_json_object_gets_status_400(server: httpx.Client) -> None:
    assert server.post("/api/chat").json() == {"error": "missing request body"}
    broken = server.post("/api/chat", content=b"{nonsense")
    assert (broken.status_code, broken.json()) == (400, {"error": "invalid character in request body"})
    assert server.post("/api/chat", content=b"[1]").status_code == 400


def test_unknown_paths_and_methods_get_plain_text_errors(server: httpx.Client) -> None:
    unknown = server.get("/api/nothing")
    assert (unknown.status_code, unknown.text) == (404, "404 page not found")
    assert server.get("/api/chat").status_code == 405


def test_models_are_listed(server: httpx.Client) -> None:
    [model] = server.get("/api/tags").json()["models"]
    assert (model["name"], model["details"]["format"]) == ("echo:latest", "gguf")
    [running] = server.get("/api/ps").json()["models"]
    assert running["context_length"] == 4096
    assert "completion" in server.post("/api/show", json={"model": "m"}).json()["capabilities"]


def test_the_version_has_a_body_for_get_but_not_for_head(server: httpx.Client) -> None:
    assert server.get("/api/version").json() == {"version": "0.33.0"}
    head = server.head("/api/version")
    assert (head.status_code, head.content) == (200, b"")
    assert server.get("/api/version").json() == {"version": "0.33.0"}


def test_embeddings_have_length_one_and_depend_on_the_text_only(server: httpx.Client) -> None:
    several = server.post("/api/embed", json={"model": "m", "input": ["a b", "c"]}).json()
    first, second = several["embeddings"]
    assert math.isclose(sum(x * x for x in first), 1.0)
    assert first != second
    assert several["prompt_eval_count"] == 3
    assert server.post("/api/embed", json={"model": "m", "input": "a b"}).json()["embeddings"] == [first]
    short = server.post("/api/embed", json={"model": "m", "input": "a b", "dimensions": 3}).json()
    assert len(short["embeddings"][0]) == 3
    assert server.post("/api/embed", json={"model": "m", "input": []}).json()["embeddings"] == []


@pytest.mark.parametrize("nothing", [{}, {"input": None}, {"input": ""}, {"input": []}])
def test_nothing_to_embed_gives_no_embeddings(server: httpx.Client, nothing: dict[str, object]) -> None:
    assert server.post("/api/embed", json={"model": "m", **nothing}).json()["embeddings"] == []
    assert server.post("/api/embeddings", json={"model": "m", "prompt": ""}).json() == {"embedding": []}


@pytest.mark.parametrize("wrong", [5, {"a": "b"}, ["a", 5], True])
def test_an_input_that_is_not_text_is_refused(server: httpx.Client, wrong: object) -> None:
    reply = server.post("/api/embed", json={"model": "m", "input": wrong})
    assert (reply.status_code, reply.json()) == (400, {"error": "invalid input type"})


def test_copy_and_delete_answer_with_an_empty_body(server: httpx.Client) -> None:
    copied = server.post("/api/copy", json={"source": "a", "destination": "b"})
    assert (copied.status_code, copied.content) == (200, b"")
    deleted = server.request("DELETE", "/api/delete", json={"model": "a"})
    assert (deleted.status_code, deleted.content) == (200, b"")


@pytest.mark.parametrize("name", ["pull", "push", "create"])
def test_long_tasks_report_progress_and_end_with_success(server: httpx.Client, name: str) -> None:
    found = lines(server.post(f"/api/{name}", json={"model": "m"}))
    assert found[-1] == {"status": "success"}
    totals = [line for line in found if "total" in line]
    assert bool(totals) == (name != "create")
    assert "completed" not in (totals or [{}])[0]


def test_a_raw_prompt_gets_no_context(server: httpx.Client) -> None:
    found = lines(server.post("/api/generate", json={"model": "m", "prompt": "a", "raw": True}))
    assert "context" not in found[-1]


def test_the_old_endpoint_for_embeddings_gives_one_vector(server: httpx.Client) -> None:
    response = server.post("/api/embeddings", json={"model": "m", "prompt": "a b"})
    new = server.post("/api/embed", json={"model": "m", "input": "a b"}).json()
    assert response.json() == {"embedding": new["embeddings"][0]}


@pytest.mark.parametrize(
    ("stream", "kind"), [("no", "string"), (0, "number"), (0.5, "number"), ([], "array"), ({}, "object")]
)
def test_stream_must_be_true_or_false(server: httpx.Client, stream: object, kind: str) -> None:
    response = server.post("/api/chat", json={"model": "m", "stream": stream})
    field = "Go struct field ChatRequest.stream of type bool"
    assert response.json() == {"error": f"json: cannot unmarshal {kind} into {field}"}
    assert response.status_code == 400
