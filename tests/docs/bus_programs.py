"""Run a program of a page that uses the bus: with a server, a worker, and somebody who sends it a message."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client as NatsClient
from nats.errors import NoRespondersError
from nats.js.errors import NotFoundError
from reactivex import Observable, Subject
from reactivex import operators as rx

import ollama_rx.bus
from ollama_rx import Client
from ollama_rx.bus import SubjectMessage, Worker, from_subject
from ollama_rx.testing import FakeOllama, answer, json_reply
from tests.bus.event_streams import add_stream, publish, with_client
from tests.bus.nats_process import NatsProcess
from tests.contracts.conftest import eventually

ANSWER = answer("One two three", " fourteen. He", "llo.")
MODELS = json_reply({"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest", "digest": "a"}]})
_PROMPT = "Why?"


@contextmanager
def bus_for(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Start what a program needs and yield the URL of its server.

    A program that would run for ever ends when it has answered a message.
    """
    server = NatsProcess(folder).start()
    try:
        monkeypatch.setenv("NATS_URL", server.url)
        for stream in "prompts", "sentences":
            add_stream(server.url, stream)
        with FakeOllama(ANSWER, on={"/api/tags": MODELS}) as fake, Client(fake.url) as ollama, Worker(ollama):
            monkeypatch.setenv("OLLAMA_HOST", fake.url)
            if "from_subject(" not in code:
                yield server.url
                return
            is_answered = Subject[None]()

            def from_subject_for_a_while(subject: str, **more: str) -> Observable[SubjectMessage]:
                return from_subject(subject, **more).pipe(rx.take_until(is_answered))  # type: ignore[arg-type]

            monkeypatch.setattr(ollama_rx.bus, "from_subject", from_subject_for_a_while)
            sender = _store_a_prompt if "durable=" in code else _ask

            def send() -> None:
                sender(server.url)
                is_answered.on_next(None)

            thread = threading.Thread(target=send)
            thread.start()
            yield server.url
            thread.join()
    finally:
        server.kill()


def _store_a_prompt(url: str) -> None:
    publish(url, ("prompts.kitchen", _PROMPT.encode()))
    assert eventually(lambda: with_client(url, _is_acknowledged), 30)


async def _is_acknowledged(client: NatsClient) -> bool:
    try:
        jetstream = client.jetstream()  # pyright: ignore[reportUnknownMemberType]
        found = await jetstream.consumer_info("prompts", "answers")
    except NotFoundError:
        return False
    return found.ack_floor is not None and found.ack_floor.consumer_seq > 0


def _ask(url: str) -> None:
    async def is_answered(client: NatsClient) -> bool:
        try:
            return bool((await client.request("questions", _PROMPT.encode(), timeout=10)).data)
        except NoRespondersError:
            return False

    assert eventually(lambda: with_client(url, is_answered), 30)
