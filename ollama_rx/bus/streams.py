"""The streams and buckets on the server, created by the first client or worker that needs them."""

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
"""Seconds without an in-progress message from its worker after which a prompt goes to another worker."""
ENTRY_LIFETIME: Final = 15.0
"""Seconds after which a worker that does not renew its entry is no longer registered."""

_HOUR = 3600.0
_DAY = 24 * _HOUR
_MAX_EVENT_BYTES = 1024**3  # then the oldest are deleted; an hour of 50 streams with 20 tokens a second
_LEAST_EVENT_BYTES = 1024**2  # one event may have this size
_MAX_WAITING_ACKS = 10_000  # unacknowledged prompts that the workers of a model may hold
_MOST_CONSUMERS = 100_000  # of a stream; the default of nats-server is 1000
_NO_SPACE = 10047  # not enough storage: the server reserves the maximum size of a stream
_NAME_IN_USE = 10058  # with another configuration; an operator's configuration is kept


async def prepare_streams(connection: BusConnection, subjects: Subjects) -> None:
    """Create the missing streams and buckets of a namespace; an operator may have created them before."""
    jetstream = connection.jetstream
    prompts = StreamConfig(
        name=subjects.prompts_stream,
        description="Prompts that wait for a worker, or that a worker has in hand.",
        subjects=[subjects.all_prompts],
        retention=RetentionPolicy.WORK_QUEUE,
        max_age=_DAY,
        discard=DiscardPolicy.NEW,  # a waiting prompt is not deleted to make room for a new one
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
    await _make_stream(jetstream, events)  # last, because it may take all storage that can be reserved


async def prepare_model(connection: BusConnection, subjects: Subjects, model: str) -> str:
    """Create the consumer of a model's prompts, before a worker registers the model; return its name."""
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
    """Raise the error unless it says that a stream of this name exists with another configuration."""
    if error.err_code != _NAME_IN_USE:
        raise error
