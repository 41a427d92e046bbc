"""Streams for events, as a user makes them, and what they have stored."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import nats
from nats.aio.client import Client as NatsClient
from nats.js.api import StreamConfig

T = TypeVar("T")


@dataclass(frozen=True)
class Stored:
    """A message of a stream."""

    data: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def end(self) -> str | None:
        """What it tells about the end of its stream."""
        return self.headers.get("Ollama-Rx-End")


def with_client(url: str, work: Callable[[NatsClient], Awaitable[T]]) -> T:
    """Run a coroutine with a connection of nats-py, at most for half a minute."""

    async def run() -> T:
        async with asyncio.timeout(30):
            client = await nats.connect(url)
            try:
                return await work(client)
            finally:
                await client.close()

    return asyncio.run(run())


def add_stream(url: str, name: str, config: StreamConfig | None = None) -> str:
    """Make a stream that stores all subjects below its name, and return the name."""

    async def add(client: NatsClient) -> str:
        await client.jetstream().add_stream(config, name=name, subjects=[f"{name}.>"])
        return name

    return with_client(url, add)


def stored(url: str, subject: str) -> list[Stored]:
    """Return what the streams have stored of a subject."""

    async def read(client: NatsClient) -> list[Stored]:
        jetstream = client.jetstream()
        stream = await jetstream.find_stream_name_by_subject(subject)
        counts = (await jetstream.stream_info(stream, subjects_filter=subject)).state.subjects or {}
        found = await jetstream.subscribe(subject, ordered_consumer=True)
        messages = [await found.next_msg(5) for _ in range(sum(counts.values()))]
        return [Stored(message.data, message.headers or {}) for message in messages]

    return with_client(url, read)


def publish(url: str, *messages: tuple[str, bytes]) -> None:
    """Publish messages, each to its subject."""

    async def send(client: NatsClient) -> None:
        for subject, data in messages:
            await client.publish(subject, data)
        await client.flush()

    with_client(url, send)
