"""A client over the bus: what workers store becomes its chunks and errors, and what it leaves is stopped."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import orjson
import pytest
from nats.errors import ConnectionClosedError

from ollama_rx import (
    BusyError,
    Chunk,
    Client,
    ClientClosedError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    ModelNotFoundError,
    RestartedError,
    ServerError,
    StatusError,
    Timeouts,
    UnauthorizedError,
    UnreachableError,
    iterate,
)
from ollama_rx import operators as op
from ollama_rx.bus.client import run_entry, run_exchange
from ollama_rx.bus.client.jetstream_transport import jetstream
from ollama_rx.bus.client.run_entry import NewRun
from ollama_rx.bus.client.run_exchange import RunExchange
from ollama_rx.bus.client.run_reader import RunReader
from ollama_rx.bus.connection.direct_get import stored_messages
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.runs.large_bodies import get_body, put_body
from ollama_rx.bus.runs.run_event import EventKind
from tests.bus.nats_process import NatsProcess, free_port
from tests.bus.scripted_worker import MODEL, ScriptedRun, ScriptedWorker
from tests.contracts.conftest import Door, Seen, eventually, our_threads

pytestmark = pytest.mark.usefixtures("no_thread_left")

Connect = Callable[..., Client]


@pytest.fixture
def worker(nats_url: str, namespace: str) -> Iterator[ScriptedWorker]:
    with ScriptedWorker(nats_url, namespace) as worker:
        yield worker
        worker.until_no_reader()


@pytest.fixture(params=["threads", "asyncio"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    door = Door(request.param)
    yield door
    door.close()


@pytest.fixture
def connect(nats_url: str, namespace: str, door: Door) -> Iterator[Connect]:
    """Make clients on the bus, which are closed before the loop of the door."""
    del door
    clients: list[Client] = []

    def connected(*, timeouts: Timeouts | None = None, **options: Any) -> Client:
        transport = jetstream(nats_url, namespace=namespace, **options)
        client = Client(transport=transport, model=MODEL, timeouts=timeouts or Timeouts())
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.close()


def texts(seen: Seen) -> list[str]:
    return [chunk.text for chunk in seen.items]


def _has_text(seen: Seen, text: str) -> bool:
    return seen.text == text


def error_of(seen: Seen) -> Exception:
    seen.wait()
    (error,) = seen.errors
    return error


def test_an_answer_is_that_of_the_worker(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect().generate("Hi", system="be brief"))
    run = worker.take()
    assert run.prompt.model == MODEL
    assert run.prompt.path == "/api/generate"
    assert b'"system":"be brief"' in run.prompt.body
    run.start()
    run.lines("Hel", "lo")
    run.end(" you")
    assert texts(seen.wait()) == ["Hel", "lo", " you", ""]
    assert not seen.errors
    worker.until_no_reader()
    assert not worker.is_read(run.run)
    assert worker.last(run.run) is EventKind.END


def test_chunks_come_as_soon_as_they_are_stored(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    for text in ("a", "ab", "abc"):
        run.lines(text[-1])
        assert eventually(partial(_has_text, seen, text))
    run.end()
    seen.wait()


def test_vectors_are_the_answer_of_a_worker_too(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect().embed("a"))
    run = worker.take()
    assert run.prompt.path == "/api/embed"
    run.start()
    run.append(EventKind.END, b'{"model": "m", "embeddings": [[1.0, 2.0]]}')
    assert seen.wait().items[0].vectors == [[1.0, 2.0]]


def test_two_subscriptions_are_two_runs(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    stream = connect().generate("Hi")
    seen = [door.subscribe(stream), door.subscribe(stream)]
    for _ in seen:
        run = worker.take()
        run.start()
        run.end(run.run)
    assert len({texts(one.wait())[0] for one in seen}) == 2


# what is refused


def test_a_model_that_nobody_has_is_not_found(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    error = error_of(door.subscribe(connect().generate("Hi", model="other")))
    assert isinstance(error, ModelNotFoundError)
    assert error.reason == "model 'other' not found"
    assert worker.prompts() == 0


def test_on_an_empty_bus_no_model_is_found(connect: Connect, door: Door) -> None:
    started = time.monotonic()
    assert isinstance(error_of(door.subscribe(connect().generate("Hi"))), ModelNotFoundError)
    assert time.monotonic() - started < 1


def test_a_worker_that_is_just_starting_is_found(
    worker: ScriptedWorker, connect: Connect, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_model = Registry.has_model
    looks: list[bool] = []

    async def counted(self: Registry, model: str) -> bool:
        looks.append(await has_model(self, model))
        return looks[-1]

    monkeypatch.setattr(Registry, "has_model", counted)
    worker.register("other")
    seen = door.subscribe(connect().generate("Hi"))
    assert eventually(lambda: len(looks) >= 1)
    worker.register(MODEL)
    run = worker.take()
    run.start()
    run.end("late")
    assert texts(seen.wait()) == ["late", ""]
    assert looks[0] is False


def test_a_refusal_of_the_host_is_its_error(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.failed(401, "unauthorized", signin_url="https://sign.in")
    error = error_of(seen)
    assert isinstance(error, UnauthorizedError)
    assert error.signin_url == "https://sign.in"
    assert worker.last(run.run) is EventKind.FAILED


def test_a_prompt_that_no_worker_takes_fails_and_leaves_the_queue(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    error = error_of(door.subscribe(connect(busy_after=0.05).generate("Hi")))
    assert isinstance(error, BusyError)
    assert error.reason == "no worker has taken the prompt within 0.05 s"
    worker.until_no_prompt()


def test_a_prompt_that_a_worker_has_taken_is_not_busy(
    worker: ScriptedWorker, connect: Connect, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = threading.Event()
    look = RunExchange._waited

    def looked(self: RunExchange) -> None:
        look(self)
        waited.set()

    monkeypatch.setattr(RunExchange, "_waited", looked)
    seen = door.subscribe(connect(busy_after=0.3).generate("Hi"))
    run = worker.take()
    run.start()
    assert waited.wait(10)
    run.end("slow")
    assert texts(seen.wait()) == ["slow", ""]


def test_without_a_limit_a_prompt_waits(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect(busy_after=None).generate("Hi"))
    run = worker.take()
    run.start()
    run.end("a")
    assert texts(seen.wait()) == ["a", ""]


@pytest.mark.parametrize("call", ["pull", "push"])
def test_what_changes_a_server_is_refused(connect: Connect, door: Door, call: str) -> None:
    error = error_of(door.subscribe(getattr(connect(), call)("x")))
    assert isinstance(error, StatusError)
    assert error.status == 501
    assert str(error) == f"HTTP 501: /api/{call} does not go over a bus; ask a host, with Client(host)"


def test_a_bus_that_is_not_there_is_unreachable(door: Door) -> None:
    url = f"nats://127.0.0.1:{free_port()}"
    with Client(transport=jetstream(url), model=MODEL) as client:
        for stream in (client.generate("Hi"), client.version()):
            error = error_of(door.subscribe(stream))
            assert isinstance(error, UnreachableError)
            assert error.url == url
            assert "is the NATS server running?" in str(error)


# restarts


def test_a_restart_before_the_first_chunk_is_not_noticed(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.start()
    run.end("b")
    assert texts(seen.wait()) == ["b", ""]


def test_a_restart_after_the_first_chunk_is_an_error_and_stops_the_run(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    assert eventually(lambda: len(seen.items) == 1)
    run.start()
    error = error_of(seen)
    assert isinstance(error, RestartedError)
    assert (error.attempt, error.partial) == (2, "a")
    run.until_cancelled()


def test_with_hold_a_restart_is_not_noticed(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect(on_restart="hold").generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    run.start()
    run.lines("b")
    run.lines("stale", attempt=1)
    run.end("c")
    assert texts(seen.wait()) == ["b", "c", ""]


def test_an_attempt_that_is_cut_is_an_incomplete_answer(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    run.cut("the host hung up")
    error = error_of(seen)
    assert isinstance(error, IncompleteStreamError)
    assert (error.partial, error.retryable) == ("a", True)
    assert "the host hung up" in str(error)
    run.until_cancelled()


def test_a_failure_after_the_first_chunk_is_an_error_in_the_stream(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    run.failed(503, "no attempt is left")
    error = error_of(seen)
    assert isinstance(error, ServerError)
    assert (error.partial, error.status) == ("a", 503)


# leaving


def test_an_answer_that_is_left_is_stopped(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    assert seen.started.wait(10)
    assert worker.is_read(run.run)
    seen.dispose()
    run.until_cancelled()
    worker.until_no_reader()
    assert not worker.is_read(run.run)


def test_an_operator_that_needs_no_more_stops_the_answer(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect(detach=True).generate("Hi").pipe(op.text(), op.stop_at("b")))
    run = worker.take()
    run.start()
    run.lines("a", "b", "c")
    seen.wait()
    run.until_cancelled()


def test_a_prompt_that_nobody_has_taken_is_withdrawn(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    assert eventually(lambda: worker.prompts() == 1)
    seen.dispose()
    worker.until_no_prompt()


@pytest.mark.parametrize("how", ["dispose", "close", "dispose and close"])
@pytest.mark.parametrize("step", ["find", "put", "store", "reader"])
def test_an_answer_can_be_left_at_any_moment(
    worker: ScriptedWorker,
    connect: Connect,
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    *,
    step: str,
    how: str,
) -> None:
    """Leave in the middle of each step; what is stored of the prompt is withdrawn."""
    reached = threading.Event()
    places: dict[str, tuple[object, str]] = {
        "find": (NewRun, "find"),
        "reader": (RunReader, "_make_consumer"),
        "store": (run_entry, "store_message"),
        "put": (NewRun, "submit"),
    }
    place, name = places[step]
    work = getattr(place, name)

    async def stopping(*args: object) -> object:
        if step == "store":
            await work(*args)  # it is stored, and the answer is lost
        reached.set()
        return await asyncio.Event().wait()

    client = connect()
    monkeypatch.setattr(place, name, stopping)
    seen = door.subscribe(client.generate("Hi"))
    assert reached.wait(10)
    if how.startswith("dispose"):
        seen.dispose()
    if how.endswith("close"):
        client.close()
    assert eventually(lambda: not our_threads())
    assert eventually(lambda: door.tasks() == 0)
    worker.until_no_reader()
    worker.until_no_prompt()
    assert not seen.items
    assert [type(error) for error in seen.errors] == ([ClientClosedError] if how == "close" else [])


def test_an_answer_can_be_left_while_the_server_does_not_answer(door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(transport=jetstream(f"nats://127.0.0.1:{silent.getsockname()[1]}"), model=MODEL)
        seen = door.subscribe(client.generate("Hi"))
        connection, _ = silent.accept()
        with connection:
            seen.dispose()
            assert connection.recv(1) == b""
    client.close()
    assert not seen.errors


def test_a_client_that_is_closed_stops_its_answers(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    client = connect()
    seen = door.subscribe(client.generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    assert seen.started.wait(10)
    client.close()
    error = error_of(seen)
    assert isinstance(error, ClientClosedError)
    assert error.partial == "a"
    run.until_cancelled()


def test_a_time_limit_stops_the_answer(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect(timeouts=Timeouts(first_chunk=0.5)).generate("Hi"))
    run = worker.take()
    run.start()
    assert isinstance(error_of(seen), FirstChunkTimeout)
    run.until_cancelled()


@pytest.mark.parametrize("end", ["close", "limit", "loop"])
def test_a_detached_answer_goes_on_without_its_client(
    nats_url: str, namespace: str, worker: ScriptedWorker, end: str
) -> None:
    run: list[ScriptedRun] = []
    kept: list[object] = []

    async def main() -> None:
        transport = jetstream(nats_url, namespace=namespace, detach=True)
        limits = Timeouts(first_chunk=1, idle=0.05 if end == "limit" else 60)
        client = Client(transport=transport, model=MODEL, timeouts=limits)
        chunks = aiter(iterate(client.generate("Hi")))
        first = asyncio.ensure_future(anext(chunks))
        run.append(await asyncio.to_thread(worker.take))
        await asyncio.to_thread(run[0].start)
        await asyncio.to_thread(run[0].lines, "a")
        assert (await first).text == "a"
        kept.append(chunks)  # dropping it would dispose of the stream
        if end == "close":
            await client.aclose()
        elif end == "limit":
            with pytest.raises(IdleTimeout):
                await anext(chunks)

    asyncio.run(main())
    worker.until_no_reader()
    assert worker.last(run[0].run) is EventKind.LINES


def test_disposing_stops_a_detached_answer_too(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect(detach=True).generate("Hi"))
    run = worker.take()
    assert run.prompt.detached
    run.start()
    run.lines("a")
    assert seen.started.wait(10)
    seen.dispose()
    run.until_cancelled()


def test_a_loop_that_ends_stops_its_answers(nats_url: str, namespace: str, worker: ScriptedWorker) -> None:
    run: list[ScriptedRun] = []

    async def main() -> None:
        client = Client(transport=jetstream(nats_url, namespace=namespace), model=MODEL)
        chunks = aiter(iterate(client.generate("Hi")))
        first = asyncio.ensure_future(anext(chunks))
        run.append(await asyncio.to_thread(worker.take))
        await asyncio.to_thread(run[0].start)
        await asyncio.to_thread(run[0].lines, "a")
        await first

    asyncio.run(main())
    run[0].until_cancelled()


@pytest.mark.parametrize("leave", ["dispose", "close"])
@pytest.mark.parametrize("detach", [False, True], ids=["", "detached"])
def test_an_answer_can_be_left_while_a_callback_blocks_its_loop(
    worker: ScriptedWorker, connect: Connect, door: Door, leave: str, detach: object
) -> None:
    client = connect(detach=detach)
    blocked, release = threading.Event(), threading.Event()

    def block(_: object) -> None:
        blocked.set()
        release.wait(10)

    seen = door.subscribe(client.generate("Hi"), hook=block)
    run = worker.take()
    run.start()
    run.lines("a")
    assert blocked.wait(10)
    client.close() if leave == "close" else seen.dispose()
    goes_on = detach and leave == "close"
    if not goes_on:
        run.until_cancelled()
    release.set()
    worker.until_no_reader()
    assert worker.last(run.run) is (EventKind.LINES if goes_on else EventKind.CANCELLED)


def test_an_exit_in_a_callback_does_not_hold_up_the_other_answers_of_its_loop(
    nats_url: str, namespace: str, worker: ScriptedWorker
) -> None:
    client = Client(transport=jetstream(nats_url, namespace=namespace), model=MODEL)
    seen = Seen()
    runs: list[ScriptedRun] = []
    begun = asyncio.Event()

    def leave(chunk: Chunk) -> None:
        if chunk.text == "exit":
            raise SystemExit
        begun.set()

    async def until_exit() -> None:
        client.generate("first").subscribe(leave, lambda _: None)
        runs.append(await asyncio.to_thread(worker.take))
        client.generate("second").subscribe(seen.on_next, seen.on_error, seen.on_completed)
        runs.append(await asyncio.to_thread(worker.take))
        for run in runs:
            await asyncio.to_thread(run.start)
        await asyncio.to_thread(runs[0].lines, "a")
        await begun.wait()
        await asyncio.to_thread(runs[0].lines, "exit")
        await asyncio.Event().wait()

    async def after_exit() -> None:
        await asyncio.to_thread(runs[1].end, "b")
        await asyncio.to_thread(seen.wait)
        await client.aclose()

    loop = asyncio.new_event_loop()
    task = loop.create_task(until_exit())
    with pytest.raises(SystemExit):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(after_exit())
    loop.close()
    assert seen.text == "b"


PROGRAM = """
import sys, threading
from ollama_rx import Client
from ollama_rx.bus import jetstream

client = Client(transport=jetstream(sys.argv[1], namespace=sys.argv[2]), model="m")
started = threading.Event()
subscription = client.generate("Hi").subscribe(lambda _: started.set())
started.wait()
if sys.argv[3] == "dispose":
    subscription.dispose()
"""


@pytest.mark.parametrize("end", ["dispose", "leave"])
def test_a_program_that_ends_stops_its_answers_at_once(
    nats_url: str, namespace: str, worker: ScriptedWorker, end: str
) -> None:
    command = [sys.executable, "-c", PROGRAM, nats_url, namespace, end]
    with subprocess.Popen(command) as program:  # noqa: S603 - this file's own program
        run = worker.take()
        run.start()
        run.lines("a")
        run.until_cancelled()
    assert program.returncode == 0


def test_the_end_of_a_program_waits_until_its_answers_are_stopped(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    assert seen.started.wait(10)
    run_exchange._stop_all()
    assert door.kind == "asyncio" or not our_threads()
    assert isinstance(error_of(seen), IncompleteStreamError)
    run.until_cancelled()


def test_the_end_of_a_program_leaves_alone_what_has_ended_with_its_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = object.__new__(RunExchange)
    exchange._loop = asyncio.new_event_loop()
    exchange._loop.close()
    monkeypatch.setattr(run_exchange, "_EXCHANGES", [exchange])
    run_exchange._stop_all()
    assert not exchange.abort_threadsafe()


# a run that several read


def test_a_run_that_no_worker_has_begun_can_be_attached_to(
    worker: ScriptedWorker, connect: Connect, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()

    async def noted(*arguments: Any) -> Any:
        messages = await stored_messages(*arguments)
        found.set()
        return messages

    monkeypatch.setattr(run_entry, "stored_messages", noted)
    client = connect()
    door.subscribe(client.with_run("answer-7").generate("Hi"))
    run = worker.take()
    attached = door.subscribe(client.attach("answer-7"))
    assert found.wait(10)
    run.start()
    run.end("a")
    assert texts(attached.wait()) == ["a", ""]


def test_a_connection_that_is_closed_by_the_server_is_an_error(
    connect: Connect, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> object:
        raise ConnectionClosedError

    monkeypatch.setattr(run_exchange, "answering", closed)
    assert isinstance(error_of(door.subscribe(connect().generate("Hi"))), UnreachableError)


def test_a_second_subscription_joins_the_run(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    stream = connect().with_run("answer-7").generate("Hi")
    first = door.subscribe(stream)
    run = worker.take()
    assert run.run == "answer-7"
    run.start()
    run.lines("a")
    assert first.started.wait(10)
    second = door.subscribe(stream)
    assert second.started.wait(10)
    second.dispose()
    third = door.subscribe(stream)
    run.end("b")
    assert texts(first.wait()) == texts(third.wait()) == ["a", "b", ""]
    assert texts(second) == ["a"]


def test_two_clients_with_one_run_store_one_prompt(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = [door.subscribe(connect().with_run("one").generate("Hi")) for _ in range(5)]
    run = worker.take()
    assert worker.prompts() == 1
    run.start()
    run.end("a")
    assert [texts(one.wait()) for one in seen] == [["a", ""]] * 5


def test_two_clients_with_one_run_store_their_large_prompts_apart(
    nats_url: str, namespace: str, worker: ScriptedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_are_stored = threading.Barrier(2, timeout=10)

    async def put_and_meet(*arguments: Any) -> None:
        await put_body(*arguments)
        await asyncio.to_thread(both_are_stored.wait)

    monkeypatch.setattr(run_entry, "put_body", put_and_meet)
    door = Door("threads")
    clients = [Client(transport=jetstream(nats_url, namespace=namespace), model=MODEL) for _ in range(2)]
    seen = [door.subscribe(client.with_run("one").generate("x" * 2_000_000)) for client in clients]
    run = worker.take()
    body = worker.call(get_body(worker.connection, worker.subjects, run.prompt.body_name))
    assert orjson.loads(body)["prompt"] == "x" * 2_000_000
    run.start()
    run.end("a")
    assert [texts(one.wait()) for one in seen] == [["a", ""], ["a", ""]]

    async def only_one_is_left() -> bool:
        stream = f"OBJ_{worker.subjects.large_bucket}"
        return len(await stored_messages(worker.connection, stream, "$O.*.M.*")) == 1

    worker.until(only_one_is_left)
    for client in clients:
        client.close()


def test_an_answer_can_be_read_again_after_its_end(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    client = connect()
    first = door.subscribe(client.with_run("one").generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    run.end("b")
    first.wait()
    assert texts(door.subscribe(client.attach("one")).wait()) == ["a", "b", ""]
    assert texts(door.subscribe(client.attach("one", after=1)).wait()) == ["b", ""]
    assert texts(door.subscribe(client.attach("one", after=3)).wait()) == []
    assert texts(door.subscribe(client.with_run("one").generate("Hi")).wait()) == ["a", "b", ""]


def test_a_reader_that_is_attached_sees_the_answer_grow_and_does_not_stop_it(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    owner = door.subscribe(connect().with_run("one").generate("Hi"))
    run = worker.take()
    other = connect()
    early = door.subscribe(other.attach("one"))
    left = door.subscribe(other.attach("one"))
    run.start()
    run.lines("a")
    assert left.started.wait(10)
    left.dispose()
    run.end("b")
    assert texts(early.wait()) == texts(owner.wait()) == ["a", "b", ""]


def test_a_run_that_is_stopped_by_its_owner_ends_for_all(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    owner = door.subscribe(connect().with_run("one").generate("Hi"))
    run = worker.take()
    reader = door.subscribe(connect().attach("one"))
    run.start()
    run.lines("a")
    assert reader.started.wait(10)
    owner.dispose()
    error = error_of(reader)
    assert isinstance(error, IncompleteStreamError)
    assert error.partial == "a"
    assert "its client does not want it any more" in str(error)


def test_attaching_begins_with_the_last_attempt(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    owner = door.subscribe(connect(on_restart="hold").with_run("one").generate("Hi"))
    run = worker.take()
    run.start()
    run.lines("a")
    run.start()
    run.lines("b")
    seen = door.subscribe(connect().attach("one"))
    continued = door.subscribe(connect().attach("one", after=1))
    assert isinstance(error_of(continued), RestartedError)
    run.end("c")
    assert texts(seen.wait()) == texts(owner.wait()) == ["b", "c", ""]
    assert texts(door.subscribe(connect().attach("one", after=1, attempt=2)).wait()) == ["c", ""]


@pytest.mark.usefixtures("worker")
def test_a_run_that_nobody_knows_cannot_be_attached(connect: Connect, door: Door) -> None:
    error = error_of(door.subscribe(connect().attach("unknown")))
    assert isinstance(error, StatusError)
    assert error.status == 410
    assert "nothing is known of the run 'unknown'" in str(error)


def test_runs_need_a_bus() -> None:
    client = Client("http://localhost", model=MODEL)
    with pytest.raises(ValueError, match=r"^with_run: expected a client on a bus, got one for http://"):
        client.with_run("one")
    with pytest.raises(ValueError, match=r"^attach: expected a client on a bus, got one for http://"):
        client.attach("one")


# lost connections


@pytest.fixture
def begun(nats_process: NatsProcess, namespace: str, door: Door) -> Iterator[tuple[Seen, ScriptedRun]]:
    """An answer of which "a" has arrived, from a server that a test may kill."""
    with (
        ScriptedWorker(nats_process.url, namespace) as worker,
        Client(transport=jetstream(nats_process.url, namespace=namespace), model=MODEL) as client,
    ):
        seen = door.subscribe(client.generate("Hi"))
        run = worker.take()
        run.start()
        run.lines("a")
        assert seen.started.wait(10)
        yield seen, run


def test_an_answer_goes_on_after_the_server_was_killed(
    nats_process: NatsProcess, begun: tuple[Seen, ScriptedRun]
) -> None:
    seen, run = begun
    nats_process.kill()
    nats_process.start()
    run.lines("b")
    run.end("c")
    assert texts(seen.wait()) == ["a", "b", "c", ""]
    assert not seen.errors


def test_an_answer_can_be_left_while_the_server_is_away(
    nats_process: NatsProcess, begun: tuple[Seen, ScriptedRun]
) -> None:
    seen, _ = begun
    nats_process.kill()
    seen.dispose()
    assert eventually(lambda: not our_threads())
    nats_process.start()


# the transport itself


def test_the_client_shows_the_bus_without_secrets(nats_url: str) -> None:
    url = nats_url.replace("nats://", "nats://ada:secret@")
    client = Client(transport=jetstream(url))
    assert client.url == nats_url
    assert repr(client) == f"<Client for {nats_url}>"
    assert repr(jetstream(url)) == f"<jetstream at {nats_url}>"
    assert client.on_host(nats_url).url == nats_url


def test_a_host_beside_a_bus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "nats://elsewhere")
    Client(transport=jetstream("nats://localhost"))
    with pytest.raises(ValueError, match=r"^host: expected none beside a transport"):
        Client("http://localhost", transport=jetstream("nats://localhost"))


def test_a_bus_as_a_host_says_what_to_write() -> None:
    with pytest.raises(
        ValueError, match=r"^host: expected http:// or https://, got nats://; for a bus write"
    ):
        Client("nats://localhost")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("on_restart", "again"),
        ("detach", "yes"),
        ("grace", -1),
        ("busy_after", 0),
        ("namespace", "a.b"),
        ("servers", "http://localhost"),
    ],
)
def test_wrong_arguments_are_refused(argument: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{argument}: expected .*, got "):
        jetstream(**{argument: value})


def test_other_clients_of_httpx_can_use_the_transport(
    nats_url: str, namespace: str, worker: ScriptedWorker
) -> None:
    async def main() -> None:
        transport = jetstream(nats_url, namespace=namespace)
        async with httpx.AsyncClient(transport=transport, base_url="http://bus") as client:
            assert (await client.get("/")).text == "Ollama is running"
            assert (await client.head("/")).status_code == 200
            assert (await client.get("/api/nothing")).status_code == 501
            assert (await client.post("/api/chat", content=b"?")).status_code == 400
            assert (await client.post("/api/chat", json={"model": "x"})).status_code == 404
            body = {"model": MODEL, "prompt": "Hi", "stream": False}
            asked = asyncio.ensure_future(client.post("/api/generate", json=body))
            run = await asyncio.to_thread(worker.take)
            await asyncio.to_thread(run.start)
            await asyncio.to_thread(run.append, EventKind.END, b'{"response": "you"}')
            answer = await asked
            assert answer.headers["content-type"] == "application/json; charset=utf-8"
            assert answer.json() == {"response": "you"}

    asyncio.run(main())


def test_a_body_that_is_read_late_is_buffered_and_one_that_is_closed_early_is_stopped(
    nats_url: str, namespace: str, worker: ScriptedWorker
) -> None:
    runs: list[ScriptedRun] = []

    async def main() -> None:
        body = {"model": MODEL, "prompt": "Hi"}
        transport = jetstream(nats_url, namespace=namespace)
        async with httpx.AsyncClient(transport=transport, base_url="http://bus") as client:
            for _ in range(2):
                request = client.build_request("POST", "/api/generate", json=body)
                sent = asyncio.ensure_future(client.send(request, stream=True))
                run = await asyncio.to_thread(worker.take)
                runs.append(run)
                await asyncio.to_thread(run.start)
                await asyncio.to_thread(run.lines, "a" * 100_000)
                response = await sent
                await asyncio.to_thread(run.lines, "b")
                if len(runs) == 1:
                    await asyncio.to_thread(run.end)
                    text = (await response.aread()).decode()
                    assert [json.loads(line)["response"][:1] for line in text.splitlines()] == ["a", "b", ""]
                await response.aclose()

    asyncio.run(main())
    assert worker.last(runs[0].run) is EventKind.END
    runs[1].until_cancelled()


def test_a_prompt_that_is_too_large_for_a_message_goes_through_the_object_store(
    worker: ScriptedWorker, connect: Connect, door: Door
) -> None:
    seen = door.subscribe(connect().generate("x" * 1_100_000))
    run = worker.take()
    assert run.prompt.body_name
    assert run.prompt.body == b""
    run.start()
    run.end("read")
    assert texts(seen.wait()) == ["read", ""]
    left = door.subscribe(connect().generate("x" * 1_100_000))
    assert eventually(lambda: worker.prompts() == 1)
    left.dispose()
    worker.until_no_prompt()


def test_a_queue_that_is_full_is_busy(worker: ScriptedWorker, connect: Connect, door: Door) -> None:
    worker.limit_queue(1)
    first = door.subscribe(connect().generate("Hi"))
    assert eventually(lambda: worker.prompts() == 1)
    error = error_of(door.subscribe(connect().generate("Hi")))
    assert isinstance(error, BusyError)
    assert error.reason.startswith("the bus does not take the prompt: ")
    first.dispose()


def test_a_run_that_is_taken_while_it_is_looked_for_is_found(
    worker: ScriptedWorker, connect: Connect, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = door.subscribe(connect().with_run("one").generate("Hi"))
    run = worker.take()
    look = stored_messages

    async def too_late(*args: Any) -> Any:
        await look(*args)
        await asyncio.to_thread(run.start)
        await asyncio.to_thread(run.end, "a")
        return []

    monkeypatch.setattr(run_entry, "stored_messages", too_late)
    assert texts(door.subscribe(connect().attach("one")).wait()) == ["a", ""]
    assert texts(owner.wait()) == ["a", ""]


@pytest.mark.parametrize("run", ["", "a.b", "a b", "ä", "x" * 65])
def test_the_id_of_a_run_has_plain_characters(run: str) -> None:
    client = Client(transport=jetstream("nats://localhost"), model=MODEL)
    with pytest.raises(ValueError, match=r"^run: expected 1 to 64 letters, digits, '_' and '-', got "):
        client.with_run(run)
