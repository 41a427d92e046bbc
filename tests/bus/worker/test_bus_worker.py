"""A worker takes prompts for the models that its hosts have, and stores what they answer."""

import asyncio
from typing import Any

import orjson
import pytest

from ollama_rx import Client, UnreachableError
from ollama_rx.bus.runs.run_event import EventKind
from ollama_rx.bus.worker.bus_worker import Worker
from ollama_rx.bus.worker.reader_watch import ReaderWatch
from ollama_rx.bus.worker.registration import Registration
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.testing import FakeOllama, Gate, answer, cut, endless
from tests.bus.nats_process import free_port
from tests.bus.on_bus import until
from tests.bus.worker.asker import AskedRun, Asker, with_asker

LONG = 3600.0  # seconds

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_a_prompt_is_answered_and_leaves_the_queue(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama(answer("Hello", " you")) as fake, Client(fake.url) as client:
            async with Worker(client, nats_url, namespace=namespace), asker.ask("Hi") as asked:
                end = await asked.until_over()
                await asker.until_queue_is_empty()
            [request] = [one for one in fake.requests if one.path == "/api/generate"]
        assert request.body == orjson.dumps({"model": "echo", "prompt": "Hi"})
        assert asked.texts() == ["Hello", " you", ""]
        assert (asked.kinds[0], end.kind, end.attempt) == (EventKind.START, EventKind.END, 1)
        assert [event.seq for event in asked.events] == list(range(len(asked.events)))

    with_asker(nats_url, namespace, work)


@pytest.mark.parametrize("finish", [True, False])
def test_nothing_is_left_of_a_worker(nats_url: str, namespace: str, *, finish: bool) -> None:
    async def work(asker: Asker) -> None:
        before = asyncio.all_tasks()
        with FakeOllama(answer("a", endless("b", every=0.001))) as fake, Client(fake.url) as client:
            async with Worker(client, nats_url, namespace=namespace) as worker, asker.ask() as asked:
                await asked.until_kind(EventKind.LINES)
                if finish:
                    await asker.cancel(asked.run)
                else:
                    worker.stop(finish=False)
        assert asyncio.all_tasks() == before

    with_asker(nats_url, namespace, work)


def test_a_worker_has_a_thread_of_its_own_outside_of_an_event_loop(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        async with asker.ask() as asked:
            await asked.until_over()

    with (
        FakeOllama() as fake,
        Client(fake.url) as client,
        Worker(client, nats_url, namespace=namespace, name="here") as worker,
    ):
        assert worker.state is not None
        assert worker.state.model_names == {"echo:latest"}
        assert worker.streams == 0
        assert repr(worker) == f"<Worker here at {nats_url}>"
        with_asker(nats_url, namespace, work)


def test_a_worker_that_is_stopped_finishes_what_it_has_begun_and_takes_nothing_new(
    nats_url: str, namespace: str
) -> None:
    gate = Gate()

    async def work(asker: Asker) -> None:
        with FakeOllama(answer("a", gate, "b")) as fake, Client(fake.url) as client:
            worker = Worker(client, nats_url, namespace=namespace, parallel=9)
            async with asker.ask() as asked:
                async with worker:
                    await asked.until_kind(EventKind.LINES)
                    worker.stop()
                    await asker.until_no_worker_asks()
                    async with asker.ask() as later:
                        gate.open()
                await asked.until_over()
                assert asked.texts() == ["a", "b", ""]
                assert later.events == []
                await asker.until_left_in_queue(1)

    with_asker(nats_url, namespace, work)


def test_a_worker_that_is_stopped_does_not_wait_for_a_host_that_fails(nats_url: str, namespace: str) -> None:
    gate = Gate()

    async def work(asker: Asker) -> None:
        with FakeOllama(answer("a", gate, cut())) as fake, Client(fake.url) as client:
            async with asker.ask() as asked:
                async with Worker(client, nats_url, namespace=namespace, parallel=2) as worker:
                    await asked.until_kind(EventKind.LINES)
                    worker.stop()
                    await asker.until_no_worker_asks()
                    gate.open()
                assert (await asked.until_over()).kind is EventKind.FAILED

    with_asker(nats_url, namespace, work)


def test_a_worker_that_is_stopped_does_not_wait_for_readers(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama() as fake, Client(fake.url) as client:
            first, second = (Worker(client, nats_url, namespace=namespace) for _ in range(2))
            async with asker.ask(is_read=False, grace=LONG) as unread:
                async with first, asker.ask() as other:
                    await other.until_over()
                    await until(lambda: first.streams == 0)
                async with asker.reading(unread.run), second:
                    await unread.until_over()
            assert {event.attempt for event in unread.events} == {1}

    with_asker(nats_url, namespace, work)


def test_a_worker_that_finds_no_reader_while_it_is_stopped_does_not_wait_for_one(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama() as fake, Client(fake.url) as client:
            worker = Worker(client, nats_url, namespace=namespace)

            async def stopped_meanwhile(_: ReaderWatch) -> bool:
                worker.stop()
                await asker.until_no_worker_asks()
                return False

            monkeypatch.setattr(ReaderWatch, "is_read", stopped_meanwhile)
            async with asker.ask(is_read=False, grace=LONG) as unread:
                await worker.run()
                assert unread.events == []
                assert await asker.left_in_queue() == 1

    with_asker(nats_url, namespace, work)


def test_a_worker_that_is_stopped_at_once_gives_its_prompts_to_others(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama(answer("a", Gate()), answer("b")) as fake, Client(fake.url) as client:
            first, second = (Worker(client, nats_url, namespace=namespace) for _ in range(2))
            async with asker.ask() as asked:
                async with first:
                    await asked.until_kind(EventKind.LINES)
                    first.stop(finish=False)
                    await fake.aio.wait_for_disconnect()
                async with second:
                    await asked.until_over()
                assert asked.texts(attempt=2) == ["b", ""]

    with_asker(nats_url, namespace, work)


async def fails_in(worker: Worker, asked: AskedRun) -> None:
    async with worker:
        await asked.until_kind(EventKind.LINES)
        raise KeyError


def test_a_block_that_ends_with_an_error_stops_its_worker_at_once(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama(answer("a", Gate())) as fake, Client(fake.url) as client:
            worker = Worker(client, nats_url, namespace=namespace)
            async with asker.ask() as asked:
                with pytest.raises(KeyError):
                    await fails_in(worker, asked)
                await fake.aio.wait_for_disconnect()

    with_asker(nats_url, namespace, work)


def test_a_task_that_runs_a_worker_can_be_cancelled(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama(answer("a", Gate())) as fake, Client(fake.url) as client:
            working = asyncio.create_task(Worker(client, nats_url, namespace=namespace).run())
            async with asker.ask() as asked:
                await asked.until_kind(EventKind.LINES)
                working.cancel()
                await fake.aio.wait_for_disconnect()
                with pytest.raises(asyncio.CancelledError):
                    await working

    with_asker(nats_url, namespace, work)


def test_a_block_that_is_given_up_before_it_begins_leaves_nothing() -> None:
    async def main() -> None:
        has_connected = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            has_connected.set()
            await reader.read()  # since Python 3.12 a server waits for the end of its connections
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with Client() as client:
                beginning = asyncio.create_task(Worker(client, url).__aenter__())
                await has_connected.wait()
                beginning.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await beginning
                working = [task for task in asyncio.all_tasks() if task.get_name() == TASK_NAME]
                await asyncio.wait(working)

    asyncio.run(main())


def test_a_worker_that_was_stopped_before_it_began_does_nothing(nats_url: str, namespace: str) -> None:
    async def main() -> None:
        with Client("http://127.0.0.1:9") as client:
            worker = Worker(client, nats_url, namespace=namespace)
            assert (worker.state, worker.streams) == (None, 0)
            worker.stop()
            await worker.run()
            worker.stop(finish=False)

    asyncio.run(main())


def test_a_worker_works_once(nats_url: str, namespace: str) -> None:
    async def again(worker: Worker) -> None:
        with pytest.raises(RuntimeError, match="works once"):
            await worker.run()
        with pytest.raises(RuntimeError, match="works once"):
            async with worker:
                pass

    with FakeOllama() as fake, Client(fake.url) as client:
        with Worker(client, nats_url, namespace=namespace) as worker:
            pass
        with pytest.raises(RuntimeError, match="works once"), worker:
            pass
        asyncio.run(again(worker))


def test_without_a_server_a_worker_does_not_begin() -> None:
    url = f"nats://127.0.0.1:{free_port()}"

    async def block() -> None:
        async with Worker(client, url):
            pytest.fail("there is no server")

    with Client() as client:
        with pytest.raises(UnreachableError), Worker(client, url):
            pytest.fail("there is no server")
        with pytest.raises(UnreachableError):
            asyncio.run(block())
        with pytest.raises(UnreachableError):
            asyncio.run(Worker(client, url).run())


@pytest.mark.usefixtures("no_descriptors")
def test_a_worker_without_a_loop_does_not_begin(nats_url: str) -> None:
    with Client() as client, pytest.raises(OSError, match="Too many open files"), Worker(client, nats_url):
        pytest.fail("there is no loop")


def test_a_worker_whose_host_has_died_leaves_the_prompts_to_others(nats_url: str, namespace: str) -> None:
    gate = Gate()

    async def work(asker: Asker) -> None:
        with FakeOllama() as dead, FakeOllama(answer("a", gate), answer("b")) as fake:
            async with (
                Client(dead.url) as dead_client,
                Client(fake.url) as client,
                Worker(client, nats_url, namespace=namespace, max_attempts=2),
                asker.ask() as first,
            ):
                await first.until_kind(EventKind.LINES)  # the other worker is busy from here on
                async with Worker(dead_client, nats_url, namespace=namespace, max_attempts=2) as worker:
                    dead.close()
                    async with asker.ask() as second:
                        await second.until_kind(EventKind.CUT)
                        await until(lambda: worker.state is not None and not worker.state.models)
                        gate.open()
                        await second.until_over()
                        assert second.texts(attempt=2) == ["b", ""]

    with_asker(nats_url, namespace, work)


def test_a_worker_that_cannot_register_does_not_begin(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_: Registration) -> None:
        raise UnreachableError(nats_url, "no JetStream")

    monkeypatch.setattr(Registration, "run", run)
    with Client() as client:
        with pytest.raises(UnreachableError), Worker(client, nats_url, namespace=namespace):
            pytest.fail("it is not registered")
        with pytest.raises(UnreachableError):
            asyncio.run(Worker(client, nats_url, namespace=namespace).run())


def test_a_worker_whose_connection_ends_for_good_says_so(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker) -> None:
        with FakeOllama(answer("a", Gate())) as fake, Client(fake.url) as client:
            worker = Worker(client, nats_url, namespace=namespace)
            working = asyncio.create_task(worker.run())
            async with asker.ask() as asked:
                await asked.until_kind(EventKind.LINES)
                assert worker._tasks is not None
                await worker._tasks._place.connection.nats.close()
                with pytest.raises(UnreachableError):
                    await working
                await fake.aio.wait_for_disconnect()

    with_asker(nats_url, namespace, work)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parallel": 0}, "^parallel: expected "),
        ({"max_attempts": 0}, "^max_attempts: expected "),
        ({"namespace": "a.b"}, "^namespace: expected "),
        ({"servers": "http://127.0.0.1"}, "^servers: expected "),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments: dict[str, Any], message: str) -> None:
    with Client() as client, pytest.raises(ValueError, match=message):
        Worker(client, **arguments)
