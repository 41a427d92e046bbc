"""Streams of a client with several hosts, on real sockets."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from reactivex import Observable
from reactivex import operators as rx_operators

from ollama_rx import (
    BusyError,
    Chunk,
    Client,
    ClientClosedError,
    Conversation,
    FirstChunkTimeout,
    Host,
    IncompleteStreamError,
    ModelNotFoundError,
    ServerError,
    StatusError,
    Timeouts,
    UnreachableError,
)
from ollama_rx import operators as op
from ollama_rx.client.hosts import routed_stream
from ollama_rx.client.hosts.host_pool import HostPool, Ticket
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    answer,
    cut,
    endless,
    error_status,
    json_reply,
    midstream_error,
    raw_reply,
)

pytestmark = pytest.mark.usefixtures("no_thread_left")


def names(*models: str) -> Reply:
    return json_reply({"models": [{"name": model} for model in models]})


class Servers(ExitStack):
    """Servers and clients that end with the test."""

    def start(
        self,
        *script: Reply,
        has: tuple[str, ...] = ("m",),
        loaded: tuple[str, ...] = (),
        ps: Reply | None = None,
    ) -> FakeOllama:
        on = {"/api/tags": names(*has), "/api/ps": ps or names(*loaded)}
        return self.enter_context(FakeOllama(*(script or (answer("hello"),)), on=on))

    def client(self, *hosts: FakeOllama | Host, timeouts: Timeouts = Timeouts()) -> Client:  # noqa: B008
        urls = [host if isinstance(host, Host) else host.url for host in hosts]
        return self.enter_context(Client(hosts=urls, model="m", timeouts=timeouts))


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


def text_of(client: Client, model: str | None = None) -> str:
    return client.generate("x", model=model).pipe(op.whole_answer()).run().text


def asked(server: FakeOllama, path: str = "/api/generate") -> int:
    return sum(request.path == path for request in server.requests)


def test_the_first_stream_knows_which_host_has_the_model(servers: Servers) -> None:
    lacks, has = servers.start(has=("other",)), servers.start()
    assert text_of(servers.client(lacks, has)) == "hello"
    assert (asked(lacks), asked(has)) == (0, 1)


def test_a_host_that_has_the_model_in_memory_is_asked_first(servers: Servers) -> None:
    cold, warm = servers.start(), servers.start(loaded=("M:latest",))
    text_of(servers.client(cold, warm))
    assert (asked(cold), asked(warm)) == (0, 1)


@pytest.mark.parametrize(
    "broken",
    [
        raw_reply(cut()),
        error_status(503),
        error_status(500),
        error_status(404),
        answer(midstream_error("out of memory")),
    ],
    ids=["hangs up", "busy", "broken", "no model", "an error in the stream"],
)
def test_a_host_that_fails_before_the_first_chunk_is_followed_by_the_next(
    servers: Servers, broken: Reply
) -> None:
    first, second = servers.start(broken), servers.start()
    client = servers.client(first, second)
    assert text_of(client) == "hello"
    assert (asked(first) > 0, asked(second)) == (True, 1)
    assert client.hosts[0].error is not None
    assert [status.streams for status in client.hosts] == [0, 0]


def test_a_host_that_is_down_is_followed_by_the_next(servers: Servers) -> None:
    first, second = servers.start(), servers.start()
    client = servers.client(first, second)
    first.close()
    assert text_of(client) == "hello"
    assert isinstance(client.hosts[0].error, UnreachableError)


def test_a_host_that_is_too_slow_is_followed_by_the_next(servers: Servers) -> None:
    gate = Gate()
    slow, quick = servers.start(raw_reply(gate)), servers.start()
    client = servers.client(slow, quick, timeouts=Timeouts(first_chunk=0.5))
    assert text_of(client) == "hello"
    assert isinstance(client.hosts[0].error, FirstChunkTimeout)
    gate.open()


def test_nothing_is_repeated_after_the_first_chunk(servers: Servers) -> None:
    first, second = servers.start(answer("Once", cut())), servers.start()
    client = servers.client(first, second)
    with pytest.raises(IncompleteStreamError) as caught:
        text_of(client)
    assert caught.value.partial == "Once"
    assert asked(second) == 0


def test_an_error_that_every_host_would_give_passes(servers: Servers) -> None:
    first, second = servers.start(error_status(400)), servers.start()
    with pytest.raises(StatusError):
        text_of(servers.client(first, second))
    assert asked(second) == 0


def test_a_host_that_fails_may_have_the_model_which_the_others_lack(servers: Servers) -> None:
    client = servers.client(servers.start(error_status(503)), servers.start(error_status(404)))
    with pytest.raises(BusyError) as caught:
        text_of(client)
    assert len(caught.value.__notes__) == 2


def test_if_all_hosts_fail_the_last_error_says_what_was_tried(servers: Servers) -> None:
    first, second = servers.start(error_status(404)), servers.start(error_status(404))
    secret = first.url.replace("http://", "http://user:secret@")
    client = servers.client(Host(secret), second)
    with pytest.raises(ModelNotFoundError) as caught:
        text_of(client)
    notes = caught.value.__notes__
    assert [note.partition(": ")[0] for note in notes] == [f"tried {first.url}", f"tried {second.url}"]
    assert "secret" not in str(notes)


def test_a_host_without_the_model_is_asked_last_from_then_on(servers: Servers) -> None:
    first, second = servers.start(error_status(404)), servers.start()
    client = servers.client(first, second)
    text_of(client)
    text_of(client)
    assert (asked(first), asked(second)) == (1, 2)


def test_a_model_that_no_host_is_known_to_have_is_asked_for_all_the_same(servers: Servers) -> None:
    first, second = servers.start(error_status(404)), servers.start()
    assert text_of(servers.client(first, second), model="new") == "hello"


def test_a_look_up_that_hangs_delays_the_first_stream_only_for_a_moment(servers: Servers) -> None:
    gate = Gate()
    slow = servers.start(ps=raw_reply(gate))
    client = servers.client(slow, servers.start(has=("other",)))
    assert text_of(client) == "hello"
    assert client.hosts[0].models is None
    gate.open()


def test_a_resting_host_is_asked_if_there_is_no_other(servers: Servers) -> None:
    first = servers.start(error_status(503), answer("back"))
    second = servers.start(error_status(503))
    client = servers.client(first, second)
    with pytest.raises(BusyError):
        text_of(client)
    assert all(isinstance(status.error, BusyError) for status in client.hosts)
    assert text_of(client) == "back"
    assert client.hosts[0].resting == 0


def test_full_hosts_are_left_out_and_a_stream_waits_for_its_turn(servers: Servers) -> None:
    gate = Gate()
    server = servers.start(answer("first", gate), answer("second"))
    client = servers.client(Host(server.url, max_streams=1))
    order: list[str] = []
    ended = threading.Event()
    client.generate("x").subscribe(lambda chunk: order.append(chunk.text))
    server.wait_for_request(path="/api/generate")
    client.generate("x").subscribe(lambda chunk: order.append(chunk.text), on_completed=ended.set)
    assert client.hosts[0].streams == 1
    gate.open()
    assert ended.wait(5)
    assert "".join(order) == "firstsecond"


def test_a_stream_that_waits_too_long_for_its_turn_is_told_so(servers: Servers) -> None:
    server = servers.start(answer("a", endless("b")))
    client = servers.client(Host(server.url, max_streams=1), timeouts=Timeouts(first_chunk=0.5))
    held = client.generate("x").subscribe()
    server.wait_for_request(path="/api/generate")
    with pytest.raises(BusyError, match=r"every host has been at its max_streams for 0\.5 s"):
        text_of(client)
    held.dispose()
    assert client.hosts[0].streams == 0


def test_a_turn_that_comes_just_too_late_is_no_failure_of_the_host(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers.start(answer("a", endless("b")))
    client = servers.client(Host(server.url, max_streams=1))
    held = client.generate("x").subscribe()
    server.wait_for_request(path="/api/generate")

    async def wait_for_turn(ticket: Ticket, _: float | None) -> None:
        held.dispose()
        assert ticket.host is not None
        raise BusyError(503, "too late")

    monkeypatch.setattr(routed_stream, "_wait_for_turn", wait_for_turn)
    with pytest.raises(BusyError, match="too late"):
        text_of(client)
    status = client.hosts[0]
    assert (status.streams, status.resting, status.error) == (0, 0, None)


def test_a_stream_that_is_disposed_while_it_waits_gets_no_turn(servers: Servers) -> None:
    gate = Gate()
    server = servers.start(answer("a", gate))
    client = servers.client(Host(server.url, max_streams=1), timeouts=Timeouts(first_chunk=None))
    ended = threading.Event()
    client.generate("x").subscribe(on_completed=ended.set)
    server.wait_for_request(path="/api/generate")
    client.generate("x").subscribe().dispose()
    gate.open()
    assert ended.wait(5)
    assert text_of(client) == "a"
    assert (asked(server), client.hosts[0].streams) == (2, 0)


def test_closing_the_client_ends_a_stream_that_waits(servers: Servers) -> None:
    server = servers.start(answer("a", endless("b")))
    client = servers.client(Host(server.url, max_streams=1))
    errors: list[Exception] = []
    ended = threading.Event()
    client.generate("x").subscribe(on_error=lambda _: None)
    server.wait_for_request(path="/api/generate")

    def on_error(error: Exception) -> None:
        errors.append(error)
        ended.set()

    client.generate("x").subscribe(on_error=on_error)
    client.close()
    assert ended.wait(5)
    assert isinstance(errors[0], ClientClosedError)
    with pytest.raises(ClientClosedError):
        text_of(client)


def test_a_sticky_client_stays_on_its_host_until_that_fails(servers: Servers) -> None:
    first, second = servers.start(loaded=("m",)), servers.start(answer("x"))
    client = servers.client(first, second)
    sticky = client.sticky()
    assert text_of(sticky) == "hello"
    assert text_of(sticky) == "hello"
    assert asked(first) == 2
    first.close()
    assert text_of(sticky) == "x"


def test_two_conversations_may_stay_on_two_hosts(servers: Servers) -> None:
    gate = Gate()
    first, second = servers.start(answer("a", gate), answer("a")), servers.start(answer("b"))
    client = servers.client(Host(first.url, max_streams=1), second)
    held = client.generate("x").subscribe()
    first.wait_for_request(path="/api/generate")
    sticky = client.sticky()
    assert text_of(sticky) == "b"
    gate.open()
    first.wait_for_answer()
    held.dispose()
    assert text_of(sticky) == "b"


def test_streams_on_an_event_loop_stay_there(servers: Servers) -> None:
    gate = Gate()
    lacks = servers.start(error_status(404))
    server = servers.start(answer("a", gate), answer("b"))
    client = servers.client(lacks, Host(server.url, max_streams=1))
    seen: set[int] = set()

    def note_thread(_: Chunk) -> None:
        seen.add(threading.get_ident())

    async def main() -> int:
        streams = [client.generate("x").pipe(rx_operators.do_action(note_thread)) for _ in range(2)]
        ends = [asyncio.ensure_future(_last(stream)) for stream in streams]
        await server.aio.wait_for_request(path="/api/generate")
        gate.open()
        await asyncio.gather(*ends)
        return threading.get_ident()

    assert {asyncio.run(main())} == seen


def test_held_streams_are_spread_by_weight(servers: Servers) -> None:
    gate = Gate()
    three = [servers.start(answer("a", gate)) for _ in range(3)]
    client = servers.client(three[0], Host(three[1].url, weight=2), Host(three[2].url, weight=3))

    async def main() -> Counter[str]:
        ends = [asyncio.ensure_future(_last(client.generate("x"))) for _ in range(60)]
        for server, count in zip(three, (10, 20, 30), strict=True):
            await server.aio.wait_for_request(count, path="/api/generate")
        counted = Counter({status.url: status.streams for status in client.hosts})
        gate.open()
        await asyncio.gather(*ends)
        return counted

    counted = asyncio.run(main())
    assert [counted[server.url] for server in three] == [10, 20, 30]


async def _last(stream: Observable[Chunk]) -> Chunk:
    return await stream


def test_a_callback_that_raises_releases_its_host(servers: Servers) -> None:
    client = servers.client(servers.start(), servers.start())
    ended = threading.Event()

    def on_next(_: Chunk) -> None:
        raise KeyError("a bug")

    client.generate("x").subscribe(on_next, lambda _: ended.set())
    assert ended.wait(5)
    assert [status.streams for status in client.hosts] == [0, 0]


def test_an_error_of_the_server_itself_after_the_first_chunk_passes(servers: Servers) -> None:
    first, second = servers.start(answer("a", midstream_error("out of memory"))), servers.start()
    with pytest.raises(ServerError):
        text_of(servers.client(first, second))
    assert asked(second) == 0


def test_a_stream_that_is_disposed_during_the_first_look_up_asks_nobody(servers: Servers) -> None:
    gate = Gate()
    first, second = servers.start(ps=raw_reply(gate)), servers.start()
    client = servers.client(first, second)
    stream = client.generate("x").subscribe()
    first.wait_for_request(path="/api/ps")
    stream.dispose()
    gate.open()
    assert [asked(first), asked(second)] == [0, 0]
    assert [status.streams for status in client.hosts] == [0, 0]


def test_a_stream_that_is_disposed_while_it_gets_a_host_gives_it_back(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, claimed = Gate(), threading.Event()
    first, second = servers.start(ps=raw_reply(gate)), servers.start()
    client = servers.client(first, second)
    stream = client.generate("x").subscribe()
    claim = HostPool.claim

    def dispose_and_claim(pool: HostPool, ticket: Ticket) -> None:
        stream.dispose()
        claim(pool, ticket)
        assert ticket.host is not None
        claimed.set()

    monkeypatch.setattr(HostPool, "claim", dispose_and_claim)
    gate.open()
    assert claimed.wait(5)
    for thread in threading.enumerate():
        if thread.name.startswith("ollama-rx"):
            thread.join(5)
    assert [status.streams for status in client.hosts] == [0, 0]
    assert [asked(first), asked(second)] == [0, 0]


SERVER = """
from ollama_rx.testing import FakeOllama, answer, endless, json_reply
models = json_reply({"models": [{"name": "m"}]})
with FakeOllama(answer("Once", endless(" upon")), on={"/api/tags": models, "/api/ps": models}) as fake:
    print(fake.url, flush=True)
    input()
"""


def test_a_server_that_is_killed_in_the_middle_of_an_answer_is_left_for_the_next_one(
    servers: Servers,
) -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", SERVER], cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        client = servers.client(Host(process.stdout.readline().strip()), servers.start(answer("The other")))
        errors: list[Exception] = []
        begun, ended = threading.Event(), threading.Event()

        def on_error(error: Exception) -> None:
            errors.append(error)
            ended.set()

        client.generate("x").subscribe(lambda _: begun.set(), on_error)
        assert begun.wait(5)
        process.send_signal(signal.SIGKILL)
        assert ended.wait(5)
    assert isinstance(errors[0], IncompleteStreamError)
    assert errors[0].partial.startswith("Once")
    assert text_of(client) == "The other"
    assert isinstance(client.hosts[0].error, UnreachableError)


def test_a_conversation_stays_on_its_host_and_so_does_its_fork(servers: Servers) -> None:
    gate = Gate()
    first, second = servers.start(answer("a", gate), answer("a"), loaded=("m",)), servers.start(answer("b"))
    client = servers.client(Host(first.url, max_streams=1), second)
    held = client.generate("x").subscribe()
    first.wait_for_request(path="/api/generate")
    talk = Conversation(client)
    talk.say("1").run()
    gate.open()
    first.wait_for_answer()
    held.dispose()
    talk.say("2").run()
    fork = talk.fork()
    fork.say("3").run()
    assert [asked(first, "/api/chat"), asked(second, "/api/chat")] == [0, 3]
