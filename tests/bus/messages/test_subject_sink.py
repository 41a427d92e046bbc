"""`to_subject`: every item arrives once and in order, whatever happens to the server meanwhile."""

import asyncio
import threading
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.js.api import DiscardPolicy, StreamConfig
from reactivex import Subject, concat, from_iterable, never, of, throw

from ollama_rx import Chunk, IncompleteStreamError, SinkError, SubjectError, UnreachableError, deliver
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.messages import subject_outbox
from ollama_rx.bus.messages.subject_outbox import Outgoing, SubjectOutbox
from ollama_rx.bus.messages.subject_sink import SubjectSink, to_subject
from ollama_rx.delivery.deliver import Delivery
from ollama_rx.sinks import sink_from_uri
from tests.bus.event_streams import Stored, add_stream, stored, with_client
from tests.bus.nats_process import NatsProcess
from tests.contracts.conftest import eventually

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture
def subject(nats_url: str, namespace: str) -> str:
    """Return a subject that a stream stores."""
    return f"{add_stream(nats_url, namespace)}.answers"


def payloads(url: str, subject: str) -> list[bytes]:
    return [message.data for message in stored(url, subject)]


def heard(url: str, subject: str, count: int, delivered: str = "") -> list[Msg]:
    """Return what a program hears that listens while "a" is sent without acknowledgement."""

    async def listen(client: NatsClient) -> list[Msg]:
        subscription = await client.subscribe(subject)
        await client.flush()
        await deliver(of("a"), SubjectSink.from_uri(f"{url.removeprefix('nats:')}/{subject}{delivered}"))
        return [await subscription.next_msg(5) for _ in range(count)]

    return with_client(url, listen)


def failure_of(delivery: Delivery) -> BaseException | None:
    with pytest.raises(SinkError) as caught:
        delivery.wait(30)
    return caught.value.__cause__


def test_items_are_stored_in_order_and_then_the_end(nats_url: str, subject: str) -> None:
    deliver(of("Hel", "lo", ""), to_subject(subject, nats_url)).wait()
    messages = stored(nats_url, subject)
    assert [(message.data, message.end) for message in messages] == [
        (b"Hel", None),
        (b"lo", None),
        (b"", None),
        (b"", "completed"),
    ]
    assert len({message.headers["Nats-Msg-Id"] for message in messages}) == 4


@dataclass
class Answer:
    text: str


def test_text_bytes_chunks_and_values_have_their_payloads(nats_url: str, subject: str) -> None:
    items: list[object] = [
        "Zoë \ud800",
        b"\x00\xff",
        bytearray(b"a"),
        Chunk({"message": {"content": "Hi"}}),
        Answer("yes"),
        {"n": [1, None]},
    ]
    deliver(from_iterable(items), to_subject(subject, nats_url, mark_end=False)).wait()
    assert payloads(nats_url, subject) == [
        "Zoë ?".encode(),
        b"\x00\xff",
        b"a",
        b'{"message":{"content":"Hi"}}',
        b'{"text":"yes"}',
        b'{"n":[1,null]}',
    ]


def test_a_function_of_ones_own_makes_the_payloads(nats_url: str, subject: str) -> None:
    sink = to_subject(subject, nats_url, mark_end=False, encode=lambda item: f"<{item}>".encode())
    deliver(of(1, 2), sink).wait()
    assert payloads(nats_url, subject) == [b"<1>", b"<2>"]


def test_an_item_that_has_no_json_fails_the_sink(nats_url: str, subject: str) -> None:
    assert isinstance(failure_of(deliver(of(object()), to_subject(subject, nats_url))), TypeError)
    assert [message.end for message in stored(nats_url, subject)] == ["cancelled"]


def test_the_end_names_the_error_of_the_stream(nats_url: str, subject: str) -> None:
    broken = concat(of("Hel"), throw(IncompleteStreamError("cut")))
    with pytest.raises(IncompleteStreamError):
        deliver(broken, to_subject(subject, nats_url)).wait()
    assert [message.end for message in stored(nats_url, subject)] == [None, "IncompleteStreamError"]


def test_what_was_sent_before_a_delivery_is_cancelled_is_stored(nats_url: str, subject: str) -> None:
    sent = threading.Event()

    def encode(item: object) -> bytes:
        sent.set()
        return str(item).encode()

    delivery = deliver(concat(of("Hel"), never()), to_subject(subject, nats_url, encode=encode))
    assert sent.wait(5)
    delivery.cancel()
    delivery.wait(30)
    assert [message.end for message in stored(nats_url, subject)] == [None, "cancelled"]


def test_a_sink_can_be_used_again(nats_url: str, subject: str) -> None:
    sink = to_subject(subject, nats_url)
    for text in "a", "b":
        deliver(of(text), sink).wait()
    assert payloads(nats_url, subject) == [b"a", b"", b"b", b""]


def test_in_an_event_loop_nothing_is_left(nats_url: str, subject: str) -> None:
    async def main() -> set[asyncio.Task[object]]:
        await deliver(from_iterable(map(str, range(1000))), to_subject(subject, nats_url))
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(main()) == set()
    assert payloads(nats_url, subject) == [*(b"%d" % number for number in range(1000)), b""]


def test_without_acknowledgement_the_programs_that_listen_hear_it(nats_url: str, namespace: str) -> None:
    item, end = heard(nats_url, namespace, 2, "?acknowledge=no")
    assert (item.data, item.headers) == (b"a", None)
    assert (end.data, end.headers) == (b"", {"Ollama-Rx-End": "completed"})
    (only,) = heard(nats_url, namespace, 1, "?acknowledge=no&mark_end=no")
    assert only.data == b"a"


def test_a_subject_that_no_stream_stores_is_told_with_both_remedies(nats_url: str, namespace: str) -> None:
    error = failure_of(deliver(of("a"), to_subject(namespace, nats_url)))
    assert isinstance(error, SubjectError)
    assert error.subject == namespace
    assert "nats stream add" in str(error)
    assert "acknowledge=False" in str(error)


def test_a_program_that_listens_is_not_mistaken_for_a_stream(nats_url: str, namespace: str) -> None:
    async def listen(client: NatsClient) -> None:
        subscription = await client.subscribe(namespace)
        await client.flush()
        with pytest.raises(SinkError, match="no stream of the server"):
            await deliver(of("a"), to_subject(namespace, nats_url))
        assert subscription.pending_msgs <= 2  # the item, and the end of a cancelled delivery

    with_client(nats_url, listen)


def test_an_account_without_jetstream_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_outbox, "_WAIT", 0.001)
    account = "accounts { plain { users: [{user: ada, password: x}] } }"  # one without JetStream
    server = NatsProcess(tmp_path, settings=account).start()
    try:
        error = failure_of(deliver(of("a"), to_subject("a", server.url.replace("//", "//ada:x@"))))
    finally:
        server.kill()
    assert isinstance(error, SubjectError)


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    assert isinstance(failure_of(deliver(of("a"), to_subject("a", "nats://127.0.0.1:1"))), UnreachableError)


def test_a_message_that_is_too_large_is_refused(nats_url: str, subject: str) -> None:
    error = failure_of(deliver(of("small", "x" * 1024 * 1024), to_subject(subject, nats_url)))
    assert isinstance(error, SubjectError)
    assert "1048576 bytes; the server takes at most 1048064" in str(error)
    assert [message.end for message in stored(nats_url, subject)] == [None, "cancelled"]


@pytest.mark.parametrize("acknowledge", [True, False])
def test_a_user_who_may_not_publish_is_told_so(acknowledge: bool, tmp_path: Path) -> None:  # noqa: FBT001
    user = '{user: ada, password: x, permissions: {publish: ["$JS.>", "_INBOX.>"], subscribe: ">"}}'
    server = NatsProcess(tmp_path, settings=f"authorization {{ users: [{user}] }}").start()
    try:
        url = server.url.replace("//", "//ada:x@")
        delivery = deliver(of("a"), to_subject("Answers.a", url, acknowledge=acknowledge))
        error = failure_of(delivery)
    finally:
        server.kill()
    assert isinstance(error, SubjectError)
    assert str(error) == "this user may not publish to 'Answers.a'"


def test_a_stream_that_is_full_is_waited_for_and_then_told(nats_url: str, namespace: str) -> None:
    add_stream(nats_url, namespace, StreamConfig(max_msgs=1, discard=DiscardPolicy.NEW))
    error = failure_of(deliver(of("a", "b"), to_subject(f"{namespace}.a", nats_url, max_outage=0.5)))
    assert isinstance(error, UnreachableError)
    assert "no message for" in str(error)
    assert "maximum messages exceeded" in str(error)


def test_a_message_that_the_stream_never_takes_is_told(nats_url: str, namespace: str) -> None:
    add_stream(nats_url, namespace, StreamConfig(max_msg_size=10))
    error = failure_of(deliver(of("a", "b" * 1000), to_subject(f"{namespace}.a", nats_url)))
    assert isinstance(error, SubjectError)
    assert "message size exceeds maximum allowed" in str(error)


def restarted(server: NatsProcess) -> None:
    server.kill()
    server.start()


def killing(server: NatsProcess, sink: SubjectSink, at: set[int], count: int) -> Iterator[str]:
    """Yield numbers; at some of them the server is killed and started again while the numbers go on.

    The first one comes when the sink has connected: a server that it never reached is an error.
    """
    assert eventually(lambda: sink._outbox is not None and sink._outbox._max_payload is not None, 30)
    restart = threading.Thread()
    for number in range(count):
        if number in at:
            if restart.ident is not None:
                restart.join()
            restart = threading.Thread(target=restarted, args=[server])
            restart.start()
        yield str(number)
    restart.join()


def test_items_are_stored_once_and_in_order_by_a_server_that_is_killed_again_and_again(
    nats_process: NatsProcess,
) -> None:
    url = nats_process.url
    subject = f"{add_stream(url, 'events')}.a"
    sink = to_subject(subject, url, mark_end=False)
    source = from_iterable(killing(nats_process, sink, {100, 1000, 5000, 5300}, count=8000))
    deliver(source, sink).wait(60)
    assert payloads(url, subject) == [b"%d" % number for number in range(8000)]


def test_without_acknowledgement_a_killed_server_costs_what_was_on_its_way(nats_process: NatsProcess) -> None:
    sink = to_subject("events.a", nats_process.url, acknowledge=False)
    source = from_iterable(killing(nats_process, sink, {100}, count=3000))
    deliver(source, sink).wait(60)


def test_a_lost_acknowledgement_does_not_store_a_message_twice(
    nats_url: str, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = BusConnection.request
    lost: list[bytes] = []

    async def losing(self: BusConnection, subject: str, payload: bytes, **more: Any) -> Msg:
        reply = await request(self, subject, payload, **more)
        if payload not in lost:
            lost.append(payload)
            raise TimeoutError
        return reply

    monkeypatch.setattr(BusConnection, "request", losing)
    deliver(of("a", "b", "c"), to_subject(subject, nats_url)).wait(30)
    assert lost == [b"a", b"b", b"c", b""]
    assert payloads(nats_url, subject) == [b"a", b"b", b"c", b""]


def test_large_messages_are_sent_in_batches_of_limited_size(nats_url: str, subject: str) -> None:
    texts = [str(number) * 400_000 for number in range(9)]
    deliver(from_iterable(texts), to_subject(subject, nats_url, mark_end=False)).wait(30)
    assert payloads(nats_url, subject) == [text.encode() for text in texts]


def test_a_stream_that_is_replaced_in_the_middle_is_waited_for(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SubjectOutbox._store
    is_refused = threading.Event()

    async def storing(self: SubjectOutbox, connection: BusConnection, batch: Sequence[Outgoing]) -> bool:
        is_stored = await store(self, connection, batch)
        if not is_stored:
            is_refused.set()
        return is_stored

    monkeypatch.setattr(SubjectOutbox, "_store", storing)
    subject = f"{add_stream(nats_url, namespace)}.a"
    source = Subject[str]()
    delivery = deliver(source, to_subject(subject, nats_url))
    source.on_next("a")
    assert eventually(lambda: payloads(nats_url, subject) == [b"a"])
    with_client(nats_url, lambda client: client.jetstream().delete_stream(namespace))
    source.on_next("b")
    assert is_refused.wait(10)
    add_stream(nats_url, namespace)
    source.on_completed()
    delivery.wait(30)
    assert payloads(nats_url, subject) == [b"b", b""]


def test_a_server_that_is_lost_for_too_long_fails_the_sink(nats_process: NatsProcess) -> None:
    url = nats_process.url
    subject = f"{add_stream(url, 'events')}.a"
    source = Subject[str]()
    sink = to_subject(subject, url, max_outage=0.3)
    delivery = deliver(source, sink)
    source.on_next("a")
    assert eventually(lambda: payloads(url, subject) == [b"a"])
    nats_process.kill()
    source.on_next("b")
    assert eventually(sink._open_outbox._sender.done, 30)
    source.on_next("c")
    assert isinstance(failure_of(delivery), UnreachableError)


def test_a_server_may_be_away_for_any_time(nats_process: NatsProcess) -> None:
    url = nats_process.url
    subject = f"{add_stream(url, 'events')}.a"
    sink = to_subject(subject, url, max_outage=None)
    source = from_iterable(killing(nats_process, sink, {0}, count=2))
    deliver(source, sink).wait(60)
    assert payloads(url, subject) == [b"0", b"1", b""]


def test_a_cancelled_delivery_ends_while_the_server_is_away(nats_process: NatsProcess) -> None:
    url = nats_process.url
    add_stream(url, "events")
    taken = threading.Semaphore(0)

    def encode(item: object) -> bytes:
        taken.release()
        return str(item).encode()

    delivery = deliver(
        from_iterable(map(str, range(10))),
        to_subject("events.a", url, max_unacknowledged=2, encode=encode),
    )
    assert taken.acquire(timeout=5)
    nats_process.kill()
    delivery.cancel()
    delivery.wait(30)


def test_a_server_that_confirms_nothing_pauses_the_stream(nats_process: NatsProcess) -> None:
    url = nats_process.url
    subject = f"{add_stream(url, 'events')}.a"
    emitted: list[int] = []
    is_full = threading.Event()

    def numbers() -> Iterator[str]:
        for number in range(100):
            emitted.append(number)
            yield str(number)

    def encode(item: object) -> bytes:
        if item == "3":
            nats_process.pause()
        if item == "4":  # for which there may be no room any more
            is_full.set()
        return str(item).encode()

    sink = to_subject(subject, url, max_unacknowledged=4, encode=encode)
    sink.max_waiting = 2
    delivery = deliver(from_iterable(numbers()), sink)
    assert is_full.wait(30)
    assert len(emitted) <= 3 + 4 + 1 + 2 + 1  # stored, under way, in the sink, waiting, in the source
    nats_process.resume()
    delivery.wait(60)
    assert len(payloads(url, subject)) == 101


@pytest.mark.parametrize(
    "argument",
    ["", "a b", "a..b", "a.*", "a?acknowledge=maybe", "a?stream=x", "//127.0.0.1:1", "//127.0.0.1:1/"],
)
def test_a_wrong_uri_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match=r"subject: expected words|nats: expected acknowledge"):
        SubjectSink.from_uri(argument)


def test_an_error_of_the_command_line_shows_no_part_of_a_password() -> None:
    for uri in "nats://ada:sec?ret@127.0.0.1:1/a", "nats://ada:secret@127.0.0.1:x/a", "nats://ada:secret@/a":
        with pytest.raises(ValueError, match=r"^sink 'nats': ") as caught:
            sink_from_uri(uri)
        assert "sec" not in str(caught.value)
        assert "ret" not in str(caught.value)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="max_unacknowledged"):
        to_subject("a", max_unacknowledged=0)
    with pytest.raises(ValueError, match="max_outage"):
        to_subject("a", max_outage=-1)
    with pytest.raises(TypeError, match="encode"):
        to_subject("a", encode=None)  # type: ignore[arg-type]


def test_without_a_delivery_it_says_that_it_is_not_open() -> None:
    async def main() -> None:
        async with to_subject("a") as sink:
            with pytest.raises(RuntimeError, match="not open"):
                await sink.on_next("x")

    asyncio.run(main())


def test_the_command_line_knows_it_as_nats() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["ollama_rx.sinks"]["nats"] == "ollama_rx.bus:SubjectSink"


def test_stored_messages_tell_their_end() -> None:
    assert Stored(b"", {"Ollama-Rx-End": "completed"}).end == "completed"
