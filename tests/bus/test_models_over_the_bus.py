"""What a client says about models over the bus is what the hosts of all workers have."""

import pytest

from ollama_rx import BusyError, Client, ModelNotFoundError, StatusError
from ollama_rx.bus import Worker, jetstream
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.runs import large_bodies
from ollama_rx.bus.subjects import Subjects
from ollama_rx.bus.worker import registration
from ollama_rx.testing import FakeOllama, json_reply
from tests.bus.on_bus import on_bus
from tests.contracts.conftest import eventually

pytestmark = pytest.mark.usefixtures("no_thread_left")


def names(client: Client) -> list[str]:
    return sorted(model.name for model in client.models().run())


def listing(*models: str) -> dict[str, object]:
    return {"models": [{"name": model, "model": model} for model in models]}


def test_models_of_all_workers_are_listed(nats_url: str, namespace: str) -> None:
    with (
        FakeOllama(
            on={
                "/api/tags": json_reply(listing("a", "both")),
                "/api/version": json_reply({"version": "0.9.0"}),
            }
        ) as one,
        FakeOllama(on={"/api/tags": json_reply(listing("b", "both"))}) as two,
        Client(one.url) as first,
        Client(two.url) as second,
        Worker(first, nats_url, namespace=namespace),
        Worker(second, nats_url, namespace=namespace),
        Client(transport=jetstream(nats_url, namespace=namespace)) as client,
    ):
        assert names(client) == ["a", "b", "both"]
        assert [model.name for model in client.running().run()] == ["echo:latest", "echo:latest"]
        assert client.version().run() == "0.9.0"
        assert client.show("a").run().capabilities == ("completion",)
        with pytest.raises(ModelNotFoundError, match="model 'c' not found"):
            client.show("c").run()


def test_without_a_worker_there_are_no_models(nats_url: str, namespace: str) -> None:
    with Client(transport=jetstream(nats_url, namespace=namespace)) as client:
        assert client.models().run() == ()
        assert client.running().run() == ()
        with pytest.raises(ModelNotFoundError):
            client.unload("a").run()
        with pytest.raises(BusyError, match="no worker is running; start one with `ollama-rx worker`"):
            client.version().run()


def test_a_model_that_is_pulled_or_removed_on_a_host_is_noticed(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registration._INTERVAL < 5
    monkeypatch.setattr(registration, "_INTERVAL", 0.02)
    with (
        FakeOllama() as fake,
        Client(fake.url) as host,
        Worker(host, nats_url, namespace=namespace),
        Client(transport=jetstream(nats_url, namespace=namespace)) as client,
    ):
        fake.play(json_reply(listing("echo:latest", "new:latest")), path="/api/tags")
        assert eventually(lambda: names(client) == ["echo:latest", "new:latest"])
        assert client.generate("Hi", model="new").run().done
        fake.play(json_reply(listing("echo:latest")), path="/api/tags")
        assert eventually(lambda: names(client) == ["echo:latest"])


def test_a_model_of_the_cloud_needs_no_pull(nats_url: str, namespace: str) -> None:
    with (
        FakeOllama() as fake,
        Client(fake.url) as host,
        Worker(host, nats_url, namespace=namespace),
        Client(transport=jetstream(nats_url, namespace=namespace)) as client,
    ):
        assert client.generate("Hi", model="gpt-oss:120b-cloud").run().done
        assert client.show("kimi:cloud").run().capabilities == ("completion",)
        assert names(client) == ["echo:latest"]


def test_unloading_reaches_every_worker_and_loading_one(nats_url: str, namespace: str) -> None:
    with (
        FakeOllama() as one,
        FakeOllama() as two,
        Client(one.url) as first,
        Client(two.url) as second,
        Worker(first, nats_url, namespace=namespace),
        Worker(second, nats_url, namespace=namespace),
        Client(transport=jetstream(nats_url, namespace=namespace)) as client,
    ):
        assert client.unload("echo").run().done_reason == "unload"
        assert client.load("echo").run().done_reason == "load"
    sent = [
        [request.json.get("keep_alive") for request in host.requests if request.method == "POST"]
        for host in (one, two)
    ]
    assert sorted(map(len, sent)) == [1, 2]
    assert [each[0] for each in sent] == [0, 0]


def test_a_request_above_the_largest_message_arrives_whole_and_leaves_nothing(
    nats_url: str, namespace: str
) -> None:
    text = "".join(f"{number:07} " for number in range(300_000))
    with (
        FakeOllama() as fake,
        Client(fake.url) as host,
        Worker(host, nats_url, namespace=namespace),
        Client(transport=jetstream(nats_url, namespace=namespace)) as client,
    ):
        assert client.generate(text, model="echo", options={"num_predict": 2}).run().done
        assert fake.requests[-1].json["prompt"] == text

    async def nothing_is_left(connection: BusConnection) -> None:
        bucket = f"OBJ_{Subjects(namespace).large_bucket}"
        info = await connection.jetstream.stream_info(bucket)
        assert (info.state.bytes or 0) < 1000

    on_bus(nats_url, nothing_is_left)


def test_a_request_that_is_too_large_for_the_bus_is_refused(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_bodies, "MOST_BODY_BYTES", 1_500_000)
    with (
        FakeOllama() as fake,
        Client(fake.url) as host,
        Worker(host, nats_url, namespace=namespace),
        Client(transport=jetstream(nats_url, namespace=namespace)) as client,
    ):
        with pytest.raises(StatusError, match="over the bus it can have 1500000 at most") as caught:
            client.generate("x" * 1_500_000, model="echo").run()
        assert caught.value.status == 413
