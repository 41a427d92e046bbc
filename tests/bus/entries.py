"""Entries of workers, written by hand."""

from collections.abc import Sequence

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.streams import prepare_streams
from ollama_rx.bus.subjects import Subjects, entry_subject
from ollama_rx.protocol.json_fields import JsonObject


async def register(connection: BusConnection, subjects: Subjects, *workers: WorkerState) -> None:
    """Write the entries of workers, and the streams if they are missing."""
    await prepare_streams(connection, subjects)
    for worker in workers:
        await put_entry(connection, subjects, worker.id, worker.encode(connection.max_payload))


async def put_entry(
    connection: BusConnection,
    subjects: Subjects,
    worker: str,
    entry: bytes,
    headers: dict[str, str] | None = None,
) -> None:
    """Write what may be an entry."""
    subject = entry_subject(subjects.workers_bucket, worker)
    await connection.jetstream.publish(subject, entry, headers=headers)


async def delete_entry(connection: BusConnection, subjects: Subjects, worker: str) -> None:
    """Delete the entry of a worker, as it does itself when it ends."""
    await put_entry(connection, subjects, worker, b"", {"KV-Operation": "DEL"})


def worker_with(
    worker: str, *models: str, running: Sequence[JsonObject] = (), version: str = ""
) -> WorkerState:
    """Return a worker that has models of these names."""
    listed = tuple({"name": model, "model": model} for model in models)
    return WorkerState(id=worker, name=worker, models=listed, running=running, version=version)
