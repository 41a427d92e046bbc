"""The requests that a worker answers at once, without the queue of prompts."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import orjson
from nats.aio.msg import Msg
from reactivex import operators as rx_operators

from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.client.api_answers import is_unload, model_of
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.subscribed import answering
from ollama_rx.bus.registry.worker_request import reply_to
from ollama_rx.bus.subjects import REQUEST_PATH, Subjects
from ollama_rx.client.client import Client
from ollama_rx.errors import OllamaError, StatusError
from ollama_rx.protocol.json_fields import object_of


@asynccontextmanager
async def request_desk(
    client: Client,
    connection: BusConnection,
    subjects: Subjects,
    worker: str,
    *,
    on_shown: Callable[[str], object],
) -> AsyncGenerator[None]:
    """Answer the requests to a worker with the answers of its hosts, until the block is left.

    ``on_shown`` is called with the name of a model when a host has answered /api/show for it.
    """

    async def serve(request: Msg) -> None:
        path = (request.headers or {}).get(REQUEST_PATH, "")
        await reply_to(connection, request, await _answer(client, path, request.data, on_shown))

    async with answering(connection, subjects.worker(worker), serve):
        yield


async def _answer(client: Client, path: str, body: bytes, on_shown: Callable[[str], object]) -> ApiAnswer:
    try:
        fields = object_of(orjson.loads(body))
    except ValueError:
        return ApiAnswer.error(400, "the request is not JSON")
    model = model_of(fields)
    if not model:
        return ApiAnswer.error(400, "model is required")
    try:
        if path == "/api/show":
            answer = await _shown(client, body, model)
            on_shown(model)
        elif is_unload(path, fields):  # each host sends a chunk; only the last chunk is returned
            answer = ApiAnswer.of((await client.unload(model)).raw)
        else:
            answer = ApiAnswer.error(501, f"a worker does not answer {path} here")
    except StatusError as error:
        answer = ApiAnswer.error(error.status, error.reason, error.signin_url)
    except OllamaError as error:
        answer = ApiAnswer.error(502, str(error))
    return answer


async def _shown(client: Client, body: bytes, model: str) -> ApiAnswer:
    pieces = await client.forward("/api/show", body, model=model).pipe(rx_operators.to_list())
    return ApiAnswer(200, b"".join(pieces))
