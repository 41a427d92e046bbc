"""The streams and buckets on the server; whoever needs them first makes them."""

from dataclasses import replace
from typing import Final

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    KeyValueConfig,
    ObjectStoreConfig,
    RetentionPolicy,
    StreamConfig,
)
from nats.js.errors import APIError, BadRequestError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.subjects import Subjects, word_of

ACK_WAIT: Final = 3.0
"""Seconds without a sign of life from its worker after which a prompt is given to another one."""
ENTRY_LIFETIME: Final = 15.0
"""Seconds after which a worker that says nothing is no longer registered."""

_HOUR = 3600.0
_DAY = 24 * _HOUR
_MAX_EVENT_BYTES = 1024**3  # the oldest go first; an hour of 50 streams with 20 tokens a second
_LEAST_EVENT_BYTES = 1024**2  # one event may be that long
_MAX_WAITING_ACKS = 10_000  # prompts that the workers of a model have in hand
_MOST_CONSUMERS = 100_000  # of a stream; nats-server allows 1000 unless it is told
_NO_SPACE = 10047  # the server reserves what a stream may grow to
_NAME_IN_USE = 10058  # with another configuration; that of an operator stays as it is


async def prepare_streams(connection: BusConnection, subjects: Subjects) -> None:
    """Make the streams and buckets of a namespace, unless they are there; an operator may have made them."""
    jetstream = connection.jetstream
    prompts = StreamConfig(
        name=subjects.prompts_stream,
        description="Prompts that wait for a worker, or that a worker has in hand.",
        subjects=[subjects.all_prompts],
        retention=RetentionPolicy.WORK_QUEUE,
        max_age=_DAY,
        discard=DiscardPolicy.NEW,  # a prompt that waits is not thrown away for a new one
        max_consumers=_MOST_CONSUMERS,  # one for each model
        allow_direct=True,
    )
    events = StreamConfig(
        name=subjects.events_stream,
        description="Run logs: what became of each prompt.",
        subjects=[subjects.all_events],
        max_age=_HOUR,
        max_bytes=_MAX_EVENT_BYTES,
        discard=DiscardPolicy.OLD,
        max_consumers=_MOST_CONSUMERS,  # one for each stream of a client
        allow_direct=True,
    )
    await _make_stream(jetstream, prompts)
    await _make_bucket(
        jetstream, KeyValueConfig(bucket=subjects.workers_bucket, ttl=ENTRY_LIFETIME, direct=True)
    )
    await _make_object_store(jetstream, subjects.large_bucket)
    await _make_stream(jetstream, events)  # the last, because it may take all space that can be reserved


async def prepare_model(connection: BusConnection, subjects: Subjects, model: str) -> str:
    """Make the queue of a model's prompts and return its name; before a worker registers the model."""
    name = word_of(model)
    config = ConsumerConfig(
        durable_name=name,
        filter_subject=subjects.prompts_of(model),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_deliver=-1,  # attempts are counted in the run log
        max_ack_pending=_MAX_WAITING_ACKS,
        inactive_threshold=_DAY,
    )
    await connection.jetstream.add_consumer(  # pyright: ignore[reportUnknownMemberType]
        subjects.prompts_stream, config
    )
    return name


async def _make_stream(jetstream: JetStreamContext, config: StreamConfig) -> None:
    try:
        await jetstream.add_stream(config)  # pyright: ignore[reportUnknownMemberType]
    except BadRequestError as error:
        _ignore_existing(error)
    except APIError as error:
        less = (config.max_bytes or 0) // 10
        if error.err_code != _NO_SPACE or less < _LEAST_EVENT_BYTES:
            raise
        await _make_stream(jetstream, replace(config, max_bytes=less))


async def _make_bucket(jetstream: JetStreamContext, config: KeyValueConfig) -> None:
    try:
        await jetstream.create_key_value(config)  # pyright: ignore[reportUnknownMemberType]
    except BadRequestError as error:
        _ignore_existing(error)


async def _make_object_store(jetstream: JetStreamContext, bucket: str) -> None:
    try:
        await jetstream.create_object_store(  # pyright: ignore[reportUnknownMemberType]
            bucket, ObjectStoreConfig(ttl=_DAY)
        )
    except BadRequestError as error:
        _ignore_existing(error)


def _ignore_existing(error: APIError) -> None:
    """Raise an error unless it says that a stream of this name has another configuration."""
    if error.err_code != _NAME_IN_USE:
        raise error
