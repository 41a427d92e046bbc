"""What is answered from the registry has the shapes and the words of Ollama."""

import asyncio
from typing import Any

import orjson
import pytest
from nats.aio.msg import Msg

from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.client.api_answers import answer, is_unload, model_of
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.registry.worker_request import reply_to
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.subjects import Subjects
from tests.bus.entries import register, worker_with
from tests.bus.on_bus import on_bus


async def asked(registry: Registry, method: str, path: str, **fields: Any) -> ApiAnswer:
    found = await answer(registry, method, path, orjson.dumps(fields), fields)
    assert found is not None
    return found


async def answered(registry: Registry, path: str) -> Any:
    found = await asked(registry, "GET", path)
    assert (found.status, found.content_type) == (200, "application/json; charset=utf-8")
    return orjson.loads(found.body)


def error_of(found: ApiAnswer) -> tuple[int, str]:
    return found.status, orjson.loads(found.body)["error"]


async def play(connection: BusConnection, subjects: Subjects, worker: str, says: ApiAnswer) -> list[bytes]:
    """Answer the requests to a worker; return what it is asked."""
    requests: list[bytes] = []

    async def serve(request: Msg) -> None:
        requests.append(request.data)
        await reply_to(connection, request, says)

    await connection.nats.subscribe(subjects.worker(worker), cb=serve)
    await connection.nats.flush()
    return requests


def test_without_a_worker_there_are_no_models_and_no_version(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        registry = Registry(connection, Subjects(namespace))
        assert await answered(registry, "/api/tags") == {"models": []}
        assert await answered(registry, "/api/ps") == {"models": []}
        for path in ("/", "/api/version"):
            status, reason = error_of(await asked(registry, "GET", path))
            assert (status, reason) == (503, "no worker is running; start one with `ollama-rx worker`")

    on_bus(nats_url, work)


def test_each_model_is_listed_once_the_newest_first(nats_url: str, namespace: str) -> None:
    def model(name: str, modified_at: str) -> dict[str, str]:
        return {"name": name, "model": name, "modified_at": modified_at}

    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        first = [
            model("old", "2025-01-01T00:00:00Z"),
            model("Both:latest", "2026-01-01T00:00:00Z"),
            model("undated", ""),
        ]
        second = [model("both:latest", "2026-03-01T00:00:00+02:00"), model("new", "2026-02-28T23:00:00Z")]
        await register(
            connection, subjects, WorkerState(id="w1", models=first), WorkerState(id="w2", models=second)
        )
        found = await answered(Registry(connection, subjects), "/api/tags")
        assert found == {"models": [second[1], second[0], first[0], first[2]]}

    on_bus(nats_url, work)


def test_a_model_is_listed_as_often_as_it_is_in_memory(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        soon, late = ({"name": "a", "expires_at": f"2026-01-01T00:0{minute}:00Z"} for minute in (1, 2))
        await register(
            connection,
            subjects,
            worker_with("w1", "a", running=[soon]),
            worker_with("w2", "a", running=[late]),
        )
        assert await answered(Registry(connection, subjects), "/api/ps") == {"models": [late, soon]}

    on_bus(nats_url, work)


def test_the_version_is_that_of_the_worker_with_the_lowest(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        versions = ("0.33.0", "0.9.10-rc1", "", "0.10.0", "0.9.11")
        await register(
            connection,
            subjects,
            *(worker_with(f"w{number}", version=version) for number, version in enumerate(versions)),
        )
        registry = Registry(connection, subjects)
        assert await answered(registry, "/api/version") == {"version": "0.9.10-rc1"}
        assert (await asked(registry, "GET", "/")).body == b"Ollama is running"

    on_bus(nats_url, work)


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/api/chat", {"model": "a", "messages": [{"role": "user", "content": "Hi"}]}),
        ("POST", "/api/generate", {"model": "a", "prompt": ""}),
        ("POST", "/api/embed", {"model": "a", "input": "Hi", "keep_alive": 0}),
        ("POST", "/api/pull", {"model": "a"}),
        ("POST", "/api/tags", {}),
        ("GET", "/api/blobs", {}),
        ("DELETE", "/api/delete", {"model": "a"}),
    ],
)
def test_other_requests_are_not_answered_here(
    nats_url: str, namespace: str, method: str, path: str, fields: dict[str, Any]
) -> None:
    async def work(connection: BusConnection) -> None:
        registry = Registry(connection, Subjects(namespace))
        assert await answer(registry, method, path, orjson.dumps(fields), fields) is None

    on_bus(nats_url, work)


def test_details_come_from_a_worker_that_has_the_model(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "b"), worker_with("w2", "a"))
        details = ApiAnswer.of({"capabilities": ["completion"]})
        others = await play(connection, subjects, "w1", ApiAnswer.error(404, "not here"))
        requests = await play(connection, subjects, "w2", details)
        registry = Registry(connection, subjects)
        assert await asked(registry, "POST", "/api/show", model="A:latest", verbose=True) == details
        assert await asked(registry, "POST", "/api/show", name="a") == details
        assert requests == [b'{"model":"A:latest","verbose":true}', b'{"name":"a"}']
        assert others == []

    on_bus(nats_url, work)


def test_a_worker_that_was_killed_or_whose_host_is_broken_is_passed_over(
    nats_url: str, namespace: str
) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, *(worker_with(f"w{number}", "a") for number in range(4)))
        await play(connection, subjects, "w1", ApiAnswer.error(502, "broken"))
        await play(connection, subjects, "w3", ApiAnswer.of({"license": "MIT"}))
        registry = Registry(connection, subjects)
        assert await asked(registry, "POST", "/api/show", model="a") == ApiAnswer.of({"license": "MIT"})

    on_bus(nats_url, work)


def test_if_no_worker_can_answer_the_last_error_is_told(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, *(worker_with(f"w{number}", "a", "b") for number in range(3)))
        await register(connection, subjects, worker_with("w9", "b"))
        registry = Registry(connection, subjects)
        assert error_of(await asked(registry, "POST", "/api/show", model="a"))[0] == 503
        await play(connection, subjects, "w1", ApiAnswer.error(502, "broken"))
        assert error_of(await asked(registry, "POST", "/api/show", model="a")) == (502, "broken")

    on_bus(nats_url, work)


@pytest.mark.parametrize("path", ["/api/show", "/api/generate", "/api/chat"])
def test_an_unknown_model_is_refused_in_the_words_of_ollama(nats_url: str, namespace: str, path: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        missing = await asked(registry, "POST", path, model="nope", keep_alive=0)
        assert error_of(missing) == (404, "model 'nope' not found")
        assert error_of(await asked(registry, "POST", path, keep_alive=0)) == (400, "model is required")

    on_bus(nats_url, work)


def test_a_model_is_unloaded_from_every_worker_that_has_it(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(
            connection,
            subjects,
            worker_with("w1", "a"),
            worker_with("w2", "a"),
            worker_with("w3", "b"),
            worker_with("w4", "a"),
        )
        unloaded = ApiAnswer.of({"done": True, "done_reason": "unload"})
        requests = [await play(connection, subjects, f"w{number}", unloaded) for number in (1, 2, 3)]
        registry = Registry(connection, subjects)
        assert await asked(registry, "POST", "/api/generate", model="a", prompt="", keep_alive=0) == unloaded
        assert [len(one) for one in requests] == [1, 1, 0]

    on_bus(nats_url, work)


def test_a_model_that_one_worker_cannot_unload_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"), worker_with("w2", "a"))
        await play(connection, subjects, "w1", ApiAnswer.of({"done": True}))
        await play(connection, subjects, "w2", ApiAnswer.error(502, "broken"))
        registry = Registry(connection, subjects)
        found = await asked(registry, "POST", "/api/generate", model="a", keep_alive=0)
        assert error_of(found) == (502, "broken")

    on_bus(nats_url, work)


def test_a_worker_that_has_just_lost_the_model_does_not_make_unloading_fail(
    nats_url: str, namespace: str
) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"), worker_with("w2", "a"))
        await play(connection, subjects, "w1", ApiAnswer.error(404, "model 'a' not found"))
        registry = Registry(connection, subjects)
        assert (await asked(registry, "POST", "/api/generate", model="a", keep_alive=0)).status == 404
        await play(connection, subjects, "w2", ApiAnswer.of({"done": True}))
        assert (await asked(registry, "POST", "/api/generate", model="a", keep_alive=0)).status == 200

    on_bus(nats_url, work)


def test_workers_are_asked_at_the_same_time_to_unload(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"), worker_with("w2", "a"))
        both = asyncio.Barrier(2)

        async def serve(request: Msg) -> None:
            await both.wait()
            await reply_to(connection, request, ApiAnswer.of({"done": True}))

        for worker in ("w1", "w2"):
            await connection.nats.subscribe(subjects.worker(worker), cb=serve)
        found = await asked(Registry(connection, subjects), "POST", "/api/chat", model="a", keep_alive="0s")
        assert found.status == 200

    on_bus(nats_url, work)


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("/api/generate", {"prompt": "", "keep_alive": 0}, True),
        ("/api/generate", {"keep_alive": "0"}, True),
        ("/api/generate", {"keep_alive": "0h0m"}, True),
        ("/api/generate", {"keep_alive": 0.0, "images": None}, True),
        ("/api/chat", {"messages": [], "keep_alive": 0}, True),
        ("/api/generate", {"prompt": "Hi", "keep_alive": 0}, False),
        ("/api/generate", {"images": ["x"], "keep_alive": 0}, False),
        ("/api/generate", {"keep_alive": False}, False),
        ("/api/generate", {"keep_alive": ""}, False),
        ("/api/generate", {"keep_alive": "10s"}, False),
        ("/api/generate", {"keep_alive": -1}, False),
        ("/api/generate", {}, False),
        ("/api/embed", {"keep_alive": 0}, False),
    ],
)
def test_a_request_that_only_unloads_is_recognised(
    path: str,
    fields: dict[str, Any],
    expected: bool,  # noqa: FBT001 - of a table
) -> None:
    assert is_unload(path, fields) is expected


def test_the_model_of_a_request_may_be_called_name() -> None:
    assert [model_of({"model": "a", "name": "b"}), model_of({"name": "b"}), model_of({"model": 7})] == [
        "a",
        "b",
        "",
    ]
