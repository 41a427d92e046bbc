"""`from_subject`: what was not acknowledged comes again, and a busy subscriber is sent nothing."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig
from reactivex import Observable
from reactivex import operators as rx

from ollama_rx import SubjectError, UnreachableError, deliver
from ollama_rx.bus.messages import durable_subscription
from ollama_rx.bus.messages.durable_subscription import DurableSubscription
from ollama_rx.bus.messages.subject_message import SubjectMessage
from ollama_rx.bus.messages.subject_source import from_subject
from ollama_rx.bus.messages.subject_subscription import SubjectSubscription
from ollama_rx.sinks import Queue
from tests.bus.event_streams import add_stream, publish, with_client
from tests.bus.nats_process import NatsProcess
from tests.contracts.conftest import eventually

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture
def subject(nats_url: str, namespace: str) -> str:
    """Return a subject that a stream stores."""
    return f"{add_stream(nats_url, namespace)}.prompts"


class Received:
    """Subscribes, and collects what comes."""

    def __init__(
        self, stream: Observable[SubjectMessage], handle: Callable[[SubjectMessage], object] = lambda _: None
    ) -> None:
        self.messages: list[SubjectMessage] = []
        self.errors: list[Exception] = []
        self._handle = handle
        self.subscription = stream.subscribe(self._take, self.errors.append)

    def _take(self, message: SubjectMessage) -> None:
        self._handle(message)
        self.messages.append(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.subscription.dispose()

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    def wait(self, count: int) -> list[str]:
        assert eventually(lambda: len(self.messages) >= count, 30), (self.texts, self.errors)
        return self.texts

    def error(self) -> Exception:
        assert eventually(lambda: bool(self.errors), 30)
        return self.errors[0]


def texts(count: int, start: int = 0) -> list[str]:
    return [str(number) for number in range(start, start + count)]


def send(url: str, subject: str, *items: str) -> None:
    publish(url, *((subject, item.encode()) for item in items))


def acknowledge(message: SubjectMessage) -> None:
    message.ack()


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Return what is released for each subscription without a stream that the server has."""
    heard = threading.Semaphore(0)
    start = SubjectSubscription._start

    def starting(self: SubjectSubscription) -> None:
        start(self)
        heard.release()

    monkeypatch.setattr(SubjectSubscription, "_start", starting)
    return heard


# without a stream


def test_messages_are_received_while_there_is_a_subscription(
    nats_url: str, namespace: str, listening: threading.Semaphore
) -> None:
    send(nats_url, f"{namespace}.a", "too early")
    with Received(from_subject(f"{namespace}.*", nats_url)) as received:
        assert listening.acquire(timeout=10)
        send(nats_url, f"{namespace}.a", "one")
        send(nats_url, f"{namespace}.b", "two")
        assert received.wait(2) == ["one", "two"]
    first = received.messages[0]
    assert (first.subject, first.headers, first.reply, first.attempt) == (f"{namespace}.a", {}, "", 1)
    first.ack()  # nothing waits for it


def test_members_of_a_queue_share_the_messages(
    nats_url: str, namespace: str, listening: threading.Semaphore
) -> None:
    stream = from_subject(namespace, nats_url, queue="workers")
    with Received(stream) as one, Received(stream) as two:
        for _ in range(2):
            assert listening.acquire(timeout=10)
        send(nats_url, namespace, *texts(50))
        assert eventually(lambda: len(one.texts) + len(two.texts) == 50)
        assert sorted(one.texts + two.texts, key=int) == texts(50)


def test_a_message_can_be_responded_to(nats_url: str, namespace: str, listening: threading.Semaphore) -> None:
    async def ask(client: NatsClient) -> list[Msg]:
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        await client.publish(namespace, b'{"n": 2}', reply=inbox, headers={"Who": "Ada"})
        return [await answers.next_msg(5) for _ in range(2)]

    def respond(message: SubjectMessage) -> None:
        assert message.headers == {"Who": "Ada"}
        assert message.json() == {"n": 2}
        message.respond("two")
        message.respond({"done": True})

    with Received(from_subject(namespace, nats_url), respond):
        assert listening.acquire(timeout=10)
        assert [message.data for message in with_client(nats_url, ask)] == [b"two", b'{"done":true}']


def test_a_message_whose_sender_does_not_wait_cannot_be_responded_to() -> None:
    with pytest.raises(ValueError, match="does not wait for a response"):
        SubjectMessage("a", b"", {}).respond("x")
    with pytest.raises(orjson.JSONDecodeError):
        SubjectMessage("a", b"{", {}).json()


def test_messages_above_the_limit_are_dropped_and_logged_once(
    nats_url: str, namespace: str, listening: threading.Semaphore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "ollama_rx.bus")
    is_busy, may_go_on = threading.Event(), threading.Event()

    def block(_: SubjectMessage) -> None:
        is_busy.set()
        assert may_go_on.wait(60)

    with Received(from_subject(namespace, nats_url, max_waiting=2), block) as received:
        assert listening.acquire(timeout=10)
        send(nats_url, namespace, "0")
        assert is_busy.wait(30)
        send(nats_url, namespace, *texts(9, 1))
        may_go_on.set()
        received.wait(3)
        send(nats_url, namespace, "last")
        assert eventually(lambda: "last" in received.texts)
    assert len(received.texts) < 11
    assert len(caplog.records) == 1
    assert "2 wait already" in caplog.text


def test_after_the_end_of_the_subscription_nothing_can_be_sent(
    nats_url: str, namespace: str, listening: threading.Semaphore
) -> None:
    with Received(from_subject(namespace, nats_url)) as received:
        assert listening.acquire(timeout=10)
        with_client(nats_url, lambda client: client.publish(namespace, b"x", reply="inbox"))
        received.wait(1)

    def is_refused() -> bool:
        try:
            received.messages[0].respond("late")
        except RuntimeError as error:
            return "has ended" in str(error)
        return False

    assert eventually(is_refused)


def test_a_lost_connection_is_opened_again(nats_process: NatsProcess, listening: threading.Semaphore) -> None:
    url = nats_process.url
    with Received(from_subject("a", url)) as received:
        assert listening.acquire(timeout=10)
        nats_process.kill()
        nats_process.start()

        def arrives() -> bool:
            send(url, "a", "back")
            return bool(received.messages)

        assert eventually(arrives, 30)


# with a stream


def test_a_stream_gives_what_it_has_stored_and_remembers_what_was_acknowledged(
    nats_url: str, subject: str
) -> None:
    send(nats_url, subject, *texts(4))
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        assert received.wait(4) == texts(4)
        send(nats_url, subject, "4")
        assert received.wait(5) == texts(5)
    send(nats_url, subject, "5")
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        assert received.wait(1) == ["5"]
    assert received.messages[0].position == 6


def test_a_message_that_looks_like_one_of_the_server_is_received(nats_url: str, subject: str) -> None:
    async def publish_strange(client: NatsClient) -> None:
        await client.jetstream().publish(subject, b"a", headers={"Status": "409"})

    with_client(nats_url, publish_strange)
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        assert received.wait(1) == ["a"]


def test_what_was_not_acknowledged_comes_again_at_once(nats_url: str, subject: str) -> None:
    send(nats_url, subject, "a")
    stream = from_subject(subject, nats_url, durable="d")
    for attempt in 1, 2:
        with Received(stream) as received:
            received.wait(1)
        assert received.messages[0].attempt == attempt


def test_a_message_that_is_given_back_comes_again(nats_url: str, subject: str) -> None:
    send(nats_url, subject, "a")

    def give_back_once(message: SubjectMessage) -> None:
        if message.attempt == 1:
            message.nak(delay=0.01)
            message.nak()  # it is given back already
        else:
            message.ack()

    with Received(from_subject(subject, nats_url, durable="d"), give_back_once) as received:
        received.wait(2)
    assert [message.attempt for message in received.messages] == [1, 2]


def test_no_more_messages_are_held_than_allowed(nats_url: str, subject: str) -> None:
    send(nats_url, subject, *texts(6))
    stream = from_subject(subject, nats_url, durable="d", max_unacknowledged=2)
    with Received(stream) as one:
        one.wait(2)
        with Received(stream) as two:
            two.wait(2)
            assert (one.texts, two.texts) == (["0", "1"], ["2", "3"])
            one.messages[0].ack()
            assert one.wait(3) == ["0", "1", "4"]


def test_a_slow_sink_pauses_the_stream(nats_url: str, subject: str) -> None:
    send(nats_url, subject, *texts(300))
    messages = Queue[SubjectMessage](max_waiting=3)
    stream = from_subject(subject, nats_url, durable="d", max_unacknowledged=20)

    async def main() -> list[str]:
        delivery = deliver(stream, messages)
        found: list[str] = []
        async for message in messages:
            assert len(messages._mailbox) <= 4
            message.ack()
            found.append(message.text)
            if len(found) == 300:
                delivery.cancel()
                break
        await delivery
        return found

    assert asyncio.run(main()) == texts(300)


def test_automatic_acknowledgement_is_for_what_was_taken(nats_url: str, subject: str) -> None:
    send(nats_url, subject, *texts(5))
    stream = from_subject(subject, nats_url, durable="d", acknowledge="auto")
    assert taken(stream, 3) == texts(3)

    def fail(_: SubjectMessage) -> None:
        raise KeyError

    with Received(stream, fail) as received:
        assert isinstance(received.error(), KeyError)
    assert taken(stream, 2) == texts(2, 3)


def taken(stream: Observable[SubjectMessage], count: int) -> list[str]:
    found = stream.pipe(rx.take(count), rx.to_list()).run()
    return [message.text for message in found]


def test_a_message_is_acknowledged_from_any_thread(nats_url: str, subject: str) -> None:
    send(nats_url, subject, "a", "b")
    with Received(from_subject(subject, nats_url, durable="d")) as received:
        received.wait(1)
        received.messages[0].ack()
        assert received.wait(2) == ["a", "b"]


def test_a_message_that_takes_long_is_kept(
    nats_url: str, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_subscription, "ACK_WAIT", 0.3)
    send(nats_url, subject, "a")
    stream = from_subject(subject, nats_url, durable="d")
    told = threading.Semaphore(0)
    publish_once = NatsClient.publish

    async def counting(self: NatsClient, subject: str, payload: bytes = b"", **more: Any) -> None:
        await publish_once(self, subject, payload, **more)
        if payload == b"+WPI":
            told.release()

    monkeypatch.setattr(NatsClient, "publish", counting)
    with Received(stream) as one, Received(stream) as two:
        for _ in range(6):  # twice as long as the server waits
            assert told.acquire(timeout=10)
        assert len(one.messages) + len(two.messages) == 1


HOLDER = """
import sys
from ollama_rx.bus import from_subject

from_subject(sys.argv[1], sys.argv[2], durable="d").subscribe(lambda message: print(message.text, flush=True))
sys.stdin.read()
"""


def test_a_message_of_a_process_that_was_killed_comes_again(
    nats_url: str, subject: str, namespace: str
) -> None:
    config = ConsumerConfig(durable_name="d", filter_subject=subject, ack_wait=0.5)
    with_client(nats_url, lambda client: client.jetstream().add_consumer(namespace, config))
    send(nats_url, subject, "a")
    process = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", HOLDER, subject, nats_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"a\n"
        process.kill()
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        assert received.wait(1) == ["a"]
    assert received.messages[0].attempt > 1


def test_a_stream_gives_a_message_to_another_subscriber_after_half_a_minute(
    nats_url: str, subject: str, namespace: str
) -> None:
    send(nats_url, subject, "a")
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        received.wait(1)
    found = with_client(nats_url, lambda client: client.jetstream().consumer_info(namespace, "d"))
    assert found.config.ack_wait == 30


def test_a_killed_server_loses_nothing(nats_process: NatsProcess) -> None:
    url = nats_process.url
    subject = f"{add_stream(url, 'events')}.a"
    send(url, subject, *texts(200))
    restarts = {at: threading.Thread(target=restart, args=[nats_process]) for at in ("20", "120")}

    def handle(message: SubjectMessage) -> None:
        if message.text in restarts and restarts[message.text].ident is None:
            restarts[message.text].start()
        message.ack()

    stream = from_subject(subject, url, durable="d", max_unacknowledged=10)
    with Received(stream, handle) as received:  # some come again: the server has forgotten what it sent
        assert eventually(lambda: set(received.texts) == set(texts(200)), 60), len(set(received.texts))
    for thread in restarts.values():
        thread.join()


def restart(server: NatsProcess) -> None:
    server.kill()
    server.start()


def test_a_message_that_the_server_sends_again_while_it_is_held_is_not_emitted_again(
    nats_url: str, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_subscription, "ACK_WAIT", 0.2)
    monkeypatch.setattr(durable_subscription, "_HELD", b"+ERR")  # the server does not hear that it is held
    send(nats_url, subject, "a")
    arrived = threading.Semaphore(0)
    take = DurableSubscription._take

    def counting(self: DurableSubscription, message: Msg, headers: dict[str, str]) -> None:
        take(self, message, headers)
        arrived.release()

    monkeypatch.setattr(DurableSubscription, "_take", counting)
    with Received(from_subject(subject, nats_url, durable="d", max_unacknowledged=2)) as received:
        for _ in range(3):
            assert arrived.acquire(timeout=10)
        assert received.texts == ["a"]


def test_a_message_that_the_server_sends_again_after_it_was_acknowledged_is_not_emitted_again(
    nats_url: str, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may send it before it has read the acknowledgement, if a callback has blocked for long."""
    first: list[tuple[DurableSubscription, Msg]] = []
    take = DurableSubscription._take

    def taking(self: DurableSubscription, message: Msg, headers: dict[str, str]) -> None:
        first.append((self, message))
        take(self, message, headers)

    def handle(message: SubjectMessage) -> None:
        message.ack()
        subscription, again = first[0]
        words = again.reply.split(".")
        words[4] = "2"  # how often it was delivered
        take(subscription, Msg(again._client, again.subject, ".".join(words), again.data), {})

    monkeypatch.setattr(DurableSubscription, "_take", taking)
    send(nats_url, subject, "a", "b")
    with Received(from_subject(subject, nats_url, durable="d"), handle) as received:
        assert received.wait(2) == ["a", "b"]


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"_SILENCE": 0.05, "ACK_WAIT": 0.3}, id="silence"),  # the server's heartbeats are rare
        pytest.param({"_EXPIRES": 0.25, "_HEARTBEAT": 0.1}, id="a request has expired"),
    ],
)
def test_it_asks_again_after_silence_and_when_a_request_has_expired(
    nats_url: str, subject: str, monkeypatch: pytest.MonkeyPatch, limits: dict[str, float]
) -> None:
    for limit, seconds in limits.items():
        monkeypatch.setattr(durable_subscription, limit, seconds)
    asked = threading.Semaphore(0)
    ask = DurableSubscription._ask

    async def counting(self: DurableSubscription, count: int) -> None:
        await ask(self, count)
        asked.release()

    monkeypatch.setattr(DurableSubscription, "_ask", counting)
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        for _ in range(3):
            assert asked.acquire(timeout=10)
        send(nats_url, subject, "a")
        assert received.wait(1) == ["a"]


def test_a_refusal_of_a_server_that_is_starting_is_not_the_end(
    nats_url: str, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = DurableSubscription._start

    def doubting(self: DurableSubscription) -> None:
        start(self)
        self.set_result(Msg(self._connection.nats, self._inbox, headers={"Status": "503"}))

    monkeypatch.setattr(DurableSubscription, "_start", doubting)
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        send(nats_url, subject, "a")
        assert received.wait(1) == ["a"]


def test_a_consumer_that_is_deleted_ends_the_stream(nats_url: str, subject: str, namespace: str) -> None:
    send(nats_url, subject, "a")
    with Received(from_subject(subject, nats_url, durable="d"), acknowledge) as received:
        received.wait(1)
        with_client(nats_url, lambda client: client.jetstream().delete_consumer(namespace, "d"))
        error = received.error()
    assert isinstance(error, SubjectError)
    assert "was deleted" in str(error)


def test_a_consumer_for_other_subjects_is_refused(nats_url: str, subject: str, namespace: str) -> None:
    def add(**more: Any) -> None:
        config = ConsumerConfig(durable_name="d", **more)
        with_client(nats_url, lambda client: client.jetstream().add_consumer(namespace, config))

    add(filter_subject=f"{namespace}.other")
    with Received(from_subject(subject, nats_url, durable="d")) as received:
        assert "another name for `durable`" in str(received.error())


def test_a_subject_that_no_stream_stores_is_told(nats_url: str, namespace: str) -> None:
    with Received(from_subject(namespace, nats_url, durable="d")) as received:
        error = received.error()
    assert isinstance(error, SubjectError)
    assert error.subject == namespace
    assert "nats stream add" in str(error)


def test_a_server_that_is_not_there_is_told() -> None:
    with Received(from_subject("a", "nats://127.0.0.1:1")) as received:
        assert isinstance(received.error(), UnreachableError)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SubjectSubscription]:
    """Return the subscriptions that have begun."""
    found: list[SubjectSubscription] = []
    start = SubjectSubscription._start

    def starting(self: SubjectSubscription) -> None:
        found.append(self)
        start(self)

    monkeypatch.setattr(SubjectSubscription, "_start", starting)
    return found


def test_a_connection_that_ends_for_good_ends_the_stream(
    nats_url: str, namespace: str, started: list[SubjectSubscription]
) -> None:
    with Received(from_subject(namespace, nats_url)) as received:
        assert eventually(lambda: bool(started))
        subscription = started[0]
        asyncio.run_coroutine_threadsafe(subscription._connection.nats.close(), subscription._loop)
        assert isinstance(received.error(), UnreachableError)


def test_a_user_who_may_not_subscribe_is_told_so(tmp_path: Path) -> None:
    user = '{user: ada, password: x, permissions: {publish: ">", subscribe: ["_INBOX.>"]}}'
    server = NatsProcess(tmp_path, settings=f"authorization {{ users: [{user}] }}").start()
    try:
        with Received(from_subject("secrets", server.url.replace("//", "//ada:x@"))) as received:
            assert str(received.error()) == "this user may not subscribe to 'secrets'"
    finally:
        server.kill()


def test_in_an_event_loop_nothing_is_left(nats_url: str, subject: str) -> None:
    send(nats_url, subject, "a")

    async def main() -> None:
        first = await from_subject(subject, nats_url, durable="d").pipe(rx.first())
        assert first.text == "a"
        for _ in range(1000):
            if asyncio.all_tasks() == {asyncio.current_task()}:
                return
            await asyncio.sleep(0.001)
        pytest.fail(str(asyncio.all_tasks()))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subject": "a b"}, "subject: expected words"),
        ({"durable": "a.b"}, "durable: expected letters"),
        ({"durable": "a", "queue": "b"}, "queue: expected None"),
        ({"queue": ""}, "queue: expected letters"),
        ({"acknowledge": "never"}, "acknowledge: expected"),
        ({"max_unacknowledged": 0}, "max_unacknowledged: expected"),
        ({"max_waiting": 0}, "max_waiting: expected"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_subject(arguments.pop("subject", "a"), **arguments)


def test_disposing_while_the_server_is_away_leaves_nothing(
    nats_process: NatsProcess, started: list[SubjectSubscription]
) -> None:
    add_stream(nats_process.url, "events")
    send(nats_process.url, "events.a", "a")
    with Received(from_subject("events.a", nats_process.url, durable="d")) as received:
        received.wait(1)
        nats_process.kill()
        assert eventually(lambda: not started[0]._connection.is_connected)


def test_disposing_while_the_server_is_silent_leaves_nothing(nats_process: NatsProcess) -> None:
    add_stream(nats_process.url, "events")
    send(nats_process.url, "events.a", "a")
    with Received(from_subject("events.a", nats_process.url, durable="d")) as received:
        received.wait(1)
        nats_process.pause()


@pytest.mark.parametrize("durable", [None, "d"])
def test_disposing_at_any_moment_leaves_nothing(nats_url: str, subject: str, durable: str | None) -> None:
    send(nats_url, subject, *texts(3))

    async def main() -> None:
        stream = from_subject(subject, nats_url, durable=durable)
        for number in range(60):
            subscription = stream.subscribe()
            for _ in range(number**2):  # turns of the loop, of which the first message needs some hundreds
                await asyncio.sleep(0)
            subscription.dispose()
        for _ in range(5000):
            if asyncio.all_tasks() == {asyncio.current_task()}:
                return
            await asyncio.sleep(0.001)
        pytest.fail(str(asyncio.all_tasks()))

    asyncio.run(main())
    stream = from_subject(subject, nats_url, durable=durable)
    for _ in range(20):
        stream.subscribe().dispose()
    if durable is not None:
        with Received(stream, acknowledge) as received:
            assert received.wait(3) == texts(3)  # given back, each time
