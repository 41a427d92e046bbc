"""What a client with several hosts does with each of its methods."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from reactivex import Observable

from ollama_rx import Client, Host, HostStatus, Progress, Timeouts, UnreachableError
from ollama_rx.testing import FakeOllama, Gate, Reply, answer, json_reply, raw_reply

pytestmark = pytest.mark.usefixtures("no_thread_left")


def names(*models: str) -> Reply:
    return json_reply({"models": [{"name": model} for model in models]})


@pytest.fixture
def pair() -> Iterator[tuple[FakeOllama, FakeOllama]]:
    """Two servers; the second has one model more on disk, and another one in memory."""
    with ExitStack() as stack:
        yield (
            stack.enter_context(FakeOllama(on={"/api/tags": names("m"), "/api/ps": names("m")})),
            stack.enter_context(FakeOllama(on={"/api/tags": names("m", "n"), "/api/ps": names("n")})),
        )


@pytest.fixture
def client(pair: tuple[FakeOllama, FakeOllama]) -> Iterator[Client]:
    with Client(hosts=[server.url for server in pair], model="m") as client:
        yield client


def paths(server: FakeOllama) -> list[str]:
    return [request.path for request in server.requests if request.path not in {"/api/tags", "/api/ps"}]


def test_models_are_those_of_all_hosts(client: Client, pair: tuple[FakeOllama, FakeOllama]) -> None:
    first, second = pair
    assert [(one.name, one.host) for one in client.models().run()] == [
        ("m", first.url),
        ("m", second.url),
        ("n", second.url),
    ]
    assert [(one.name, one.host) for one in client.running().run()] == [("m", first.url), ("n", second.url)]


def test_models_are_those_of_the_hosts_that_can_be_reached(
    client: Client, pair: tuple[FakeOllama, FakeOllama]
) -> None:
    first, second = pair
    first.close()
    assert [one.host for one in client.running().run()] == [second.url]
    second.close()
    with pytest.raises(UnreachableError):
        client.running().run()


def test_a_host_that_hangs_does_not_hold_back_the_models_of_the_others(
    pair: tuple[FakeOllama, FakeOllama],
) -> None:
    gate = Gate()
    timeouts = Timeouts(connect=0.5)
    with FakeOllama(on={"/api/ps": raw_reply(gate)}) as hangs:
        with Client(hosts=[hangs.url, pair[1].url], timeouts=timeouts) as client:
            assert [one.host for one in client.running().run()] == [pair[1].url]
        gate.open()


def test_a_model_is_unloaded_where_it_is_in_memory(
    client: Client, pair: tuple[FakeOllama, FakeOllama]
) -> None:
    assert client.unload("N").run().done
    assert [paths(server) for server in pair] == [[], ["/api/generate"]]
    assert pair[1].requests[-1].json["keep_alive"] == 0


def test_a_model_that_is_nowhere_in_memory_is_unloaded_at_the_best_host(
    client: Client, pair: tuple[FakeOllama, FakeOllama]
) -> None:
    assert client.unload("other").run().done
    assert [len(paths(server)) for server in pair] == [1, 0]


def test_show_and_embed_go_to_a_host_that_has_the_model(
    client: Client, pair: tuple[FakeOllama, FakeOllama]
) -> None:
    client.show("n").run()
    client.embed("text", model="n").run()
    client.version().run()
    assert [paths(server) for server in pair] == [["/api/version"], ["/api/show", "/api/embed"]]
    assert client.hosts[1].loaded is not None


def test_only_requests_that_run_a_model_load_it(client: Client) -> None:
    client.show("new").run()
    assert all("new:latest" not in (status.loaded or ()) for status in client.hosts)
    client.load("new").run()
    assert "new:latest" in (client.hosts[0].loaded or ())


def test_what_changes_a_server_needs_one_host(
    client: Client, pair: tuple[FakeOllama, FakeOllama], tmp_path: Path
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    calls: dict[str, Callable[[Client], Observable[Progress] | Observable[None]]] = {
        "pull": lambda one: one.pull(),
        "push": lambda one: one.push(),
        "create": lambda one: one.create("new", from_="m"),
        "create_blob": lambda one: one.create_blob(file),
        "copy": lambda one: one.copy("m", "new"),
        "delete": lambda one: one.delete("new"),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match=rf"^{name} needs one host: client\.on_host\(url\)\.{name}\("):
            call(client)
        last = call(client.on_host(pair[1].url)).run()
        assert last is None or isinstance(last, Progress)
    assert paths(pair[0]) == []


def test_one_of_several_hosts_is_found_by_any_form_of_its_address() -> None:
    client = Client(hosts=["http://user:secret@a", "b"])
    assert client.on_host("http://A/").url == "http://a"
    assert client.on_host("b:11434").url == "http://b:11434"
    with pytest.raises(
        ValueError, match=r"^url: expected one of the client's hosts \(http://a, http://b:11434\)"
    ):
        client.on_host("http://user:other@c")


def test_streams_on_one_host_count_for_the_client(
    client: Client, pair: tuple[FakeOllama, FakeOllama]
) -> None:
    gate = Gate()
    pair[1].play(answer("a", gate))
    held = client.on_host(pair[1].url).generate("x").subscribe()
    pair[1].wait_for_request(path="/api/generate")
    assert [status.streams for status in client.hosts] == [0, 1]
    held.dispose()
    gate.open()
    assert [status.streams for status in client.hosts] == [0, 0]


def test_a_client_with_one_address_knows_its_streams_and_sends_no_look_ups() -> None:
    with FakeOllama(answer("a", gate := Gate())) as server, Client(server.url, model="m") as client:
        held = client.generate("x").subscribe()
        server.wait_for_request()
        assert client.hosts == (HostStatus(server.url, streams=1),)
        assert client.sticky() is client
        assert client.on_host(server.url).url == server.url
        with pytest.raises(ValueError, match=r"^url: expected one of the client's hosts"):
            client.on_host("elsewhere")
        held.dispose()
        gate.open()
        assert [request.path for request in server.requests] == ["/api/generate"]


def test_a_list_of_one_host_needs_no_look_ups_and_may_be_changed() -> None:
    with FakeOllama() as server, Client(hosts=[Host(server.url)], model="m") as client:
        client.generate("x").run()
        client.pull().run()
        assert [request.path for request in server.requests] == ["/api/generate", "/api/pull"]


def test_each_host_gets_its_own_headers_and_those_of_all(pair: tuple[FakeOllama, FakeOllama]) -> None:
    first, second = pair
    hosts: list[str | Host] = [Host(first.url, headers={"Authorization": "Bearer 1"}), second.url]
    with Client(hosts=hosts, model="m", headers={"X-Team": "blue"}) as client:
        client.running().run()
    assert [server.requests[0].headers["x-team"] for server in pair] == ["blue", "blue"]
    assert first.requests[0].headers["authorization"] == "Bearer 1"
    assert "authorization" not in second.requests[0].headers
