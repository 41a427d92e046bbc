"""A worker takes prompts for the models that its hosts have, and stores what they answer."""


import orjson
import pytest

from ollama_rx import Client
from ollama_rx.bus.run_event import EventKind
from ollama_rx.bus.worker.worker import Worker
from ollama_rx.testing import FakeOllama, answer
from tests.bus.worker.asker import Asker, with_asker

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
