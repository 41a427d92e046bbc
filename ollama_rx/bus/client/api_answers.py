"""Answer the requests that do not go through the queue of prompts.

GET /, /api/version, /api/tags and /api/ps are answered from the entries of the registered workers. POST
/api/show goes to one worker that has the model; a request to unload a model goes to all workers that have it.
See `worker_request`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.registry.worker_request import ask_worker
from ollama_rx.bus.registry.worker_state import WorkerState, name_of
from ollama_rx.client.hosts.model_names import full_name
from ollama_rx.protocol.json_fields import JsonObject, parse_time, text_of

_ANSWERING_PATHS = ("/api/generate", "/api/chat")
_PROMPTS = ("prompt", "images", "messages")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOT_FOUND = 404
_SERVER_ERRORS = 500


async def answer(
    registry: Registry, method: str, path: str, body: bytes, fields: JsonObject
) -> ApiAnswer | None:
    """Answer a request, or return None at once if it is not one of these; ``fields`` is its parsed body.

    Raises:
        UnreachableError: the bus does not answer for half a minute.
    """
    if method == "GET" and path in _FROM_REGISTRY:
        return _FROM_REGISTRY[path](await registry.workers())
    if method != "POST":
        return None
    if path == "/api/show":
        return await _ask(registry, path, body, fields, _first_that_answers)
    if is_unload(path, fields):
        return await _ask(registry, path, body, fields, _all)
    return None


def model_of(fields: JsonObject) -> str:
    """Return the model that a request names, "" if it names none."""
    return text_of(fields.get("model")) or text_of(fields.get("name"))


def is_unload(path: str, fields: JsonObject) -> bool:
    """Return whether a request has no prompt and only asks to unload a model.

    Source: https://github.com/ollama/ollama/blob/main/server/routes.go
    """
    has_prompt = any(fields.get(name) for name in _PROMPTS)
    return path in _ANSWERING_PATHS and not has_prompt and _is_zero(fields.get("keep_alive"))


def _is_zero(keep_alive: object) -> bool:
    if isinstance(keep_alive, str):
        return bool(keep_alive) and not re.search("[1-9]", keep_alive)  # "0", "0s", "0h0m"
    return keep_alive == 0 and keep_alive is not False


# from the registry


def _root(workers: Sequence[WorkerState]) -> ApiAnswer:
    return ApiAnswer(200, b"Ollama is running", "text/plain; charset=utf-8") if workers else _NO_WORKER


def _version(workers: Sequence[WorkerState]) -> ApiAnswer:
    """Answer with the lowest version, because a prompt may go to any worker."""
    versions = sorted((worker.version for worker in workers if worker.version), key=_numbers)
    return ApiAnswer.of({"version": versions[0]}) if versions else _NO_WORKER


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version for comparing: those of "0.12.3-rc1" are 0, 12 and 3."""
    return tuple(map(int, re.findall("[0-9]+", version.partition("-")[0])))


def _tags(workers: Sequence[WorkerState]) -> ApiAnswer:
    """Answer with each model once; of several with the same name, the most recently modified."""
    models = [model for worker in workers for model in worker.models]
    models.sort(key=_time_of("modified_at"), reverse=True)
    by_name: dict[str, JsonObject] = {}
    for model in models:
        by_name.setdefault(full_name(name_of(model)), model)
    return ApiAnswer.of({"models": tuple(by_name.values())})


def _ps(workers: Sequence[WorkerState]) -> ApiAnswer:
    """Answer with each loaded instance of each model; the one that stays loaded longest comes first."""
    running = [model for worker in workers for model in worker.running]
    running.sort(key=_time_of("expires_at"), reverse=True)
    return ApiAnswer.of({"models": running})


def _time_of(field: str) -> Callable[[JsonObject], datetime]:
    return lambda model: parse_time(model.get(field)) or _LONG_AGO


_FROM_REGISTRY: dict[str, Callable[[Sequence[WorkerState]], ApiAnswer]] = {
    "/": _root,
    "/api/version": _version,
    "/api/tags": _tags,
    "/api/ps": _ps,
}
_NO_WORKER = ApiAnswer.error(503, "no worker is running; start one with `ollama-rx worker`")


# from workers

_AskOne = Callable[[WorkerState], Awaitable[ApiAnswer | None]]


async def _ask(
    registry: Registry,
    path: str,
    body: bytes,
    fields: JsonObject,
    choose: Callable[[_AskOne, Sequence[WorkerState]], Awaitable[ApiAnswer]],
) -> ApiAnswer:
    model = model_of(fields)
    if not model:
        return ApiAnswer.error(400, "model is required")
    workers = await registry.workers_with(model)
    if not workers:
        return ApiAnswer.error(_NOT_FOUND, registry.reason_for_missing(model))
    return await choose(
        lambda worker: ask_worker(registry.connection, registry.subjects, worker.id, path, body), workers
    )


async def _first_that_answers(ask: _AskOne, workers: Sequence[WorkerState]) -> ApiAnswer:
    """Ask the workers one by one until one answers without a server error; skip killed workers."""
    answer = _NO_WORKER
    for worker in workers:
        answer = await ask(worker) or answer
        if answer.status < _SERVER_ERRORS:
            break
    return answer


async def _all(ask: _AskOne, workers: Sequence[WorkerState]) -> ApiAnswer:
    """Ask all workers; return the answer with the highest status, so that an error is reported.

    A 404 counts as the lowest: that worker has lost the model meanwhile. Killed workers are skipped.
    """
    answers = [one for one in await asyncio.gather(*map(ask, workers)) if one is not None]
    return max(answers, key=lambda one: 0 if one.status == _NOT_FOUND else one.status, default=_NO_WORKER)
