"""The transport over NATS JetStream: the requests of a client become runs that workers answer."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Literal, cast, get_args
from weakref import WeakSet

import httpx
import orjson

from ollama_rx.arguments import check_choice, check_flag, check_seconds
from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.client.api_answers import answer, is_unload, model_of
from ollama_rx.bus.client.run_entry import AttachedRun, NewRun, RunEntry
from ollama_rx.bus.client.run_exchange import RunExchange
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.credentials import Credentials
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.subjects import DEFAULT_NAMESPACE, Subjects, check_run, new_run
from ollama_rx.errors import ClientClosedError, StatusError
from ollama_rx.protocol.json_fields import JsonObject, object_of
from ollama_rx.transport.http_transport import PulledBody
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport
from ollama_rx.transport.run_request import IS_LEFT_EXTENSION, RUN_EXTENSION, RunRequest

OnRestart = Literal["raise", "hold"]

_QUEUED_PATHS: Final = frozenset({"/api/generate", "/api/chat", "/api/embed", "/api/embeddings"})
_NDJSON: Final = "application/x-ndjson"
_JSON: Final = "application/json; charset=utf-8"
_NOT_OFFERED: Final = 501


def jetstream(
    servers: str | Sequence[str] | None = None,
    *,
    namespace: str = DEFAULT_NAMESPACE,
    on_restart: OnRestart = "raise",
    detach: bool = False,
    grace: float = 10.0,
    busy_after: float | None = 60.0,
    credentials: Credentials | None = None,
) -> "JetStreamTransport":
    """Return a transport for `Client` that sends prompts to workers, over NATS JetStream.

    ::

        client = Client(transport=jetstream("nats://bus.example"))

    generate, chat, embed and show are answered by any worker that has the model; models, running and version
    from what the workers have registered; unload reaches all workers that have the model. Requests that
    change a server (pull, create, delete, ...) are refused with HTTP 501: ask that server itself.

    Args:
        servers: the address of the NATS server, or those of a cluster; by default that in NATS_URL, or else
            nats://127.0.0.1:4222.
        namespace: the prefix of all subjects; clients and workers of other namespaces are not seen.
        on_restart: what happens when a worker fails in the middle of an answer and another starts it again.
            "raise": a stream that has delivered a part of it ends with a `RestartedError`. "hold": a stream
            delivers the answer when it is complete, so a restart is not noticed.
        detach: an answer is completed even if the client is closed or dies, so that `Client.attach` can read
            it; only disposing of the stream stops it. Otherwise an answer is stopped when its client leaves.
        grace: seconds after which an answer is stopped if its client has died or lost the bus connection.
        busy_after: seconds after which a prompt that no worker has taken is withdrawn and fails with a
            `BusyError`; with None it waits as long as the client's ``Timeouts.first_chunk``.
        credentials: how to log in; what is missing comes from the address, then from the environment.

    Raises:
        ValueError: an address, the namespace or an option is invalid.
    """
    check_choice("on_restart", on_restart, get_args(OnRestart))
    check_flag("detach", detach)
    check_seconds("grace", grace, zero=True)
    if busy_after is not None:
        check_seconds("busy_after", busy_after)
    return JetStreamTransport(
        ConnectionOptions.of(servers, credentials),
        Subjects(namespace),
        hold=on_restart == "hold",
        detach=detach,
        grace=grace,
        busy_after=busy_after,
    )


class JetStreamTransport(LoopAgnosticTransport):
    """The transport that `jetstream` returns; usable on any event loop and in any thread."""

    has_runs = True

    def __init__(
        self,
        options: ConnectionOptions,
        subjects: Subjects,
        *,
        hold: bool,
        detach: bool,
        grace: float,
        busy_after: float | None,
    ) -> None:
        self.url: str | None = options.shown_url
        self._subjects = subjects
        self._hold = hold
        self._detach = detach
        self._grace = grace
        self._busy_after = busy_after
        self._connections = BusConnections(options, name="ollama-rx client")
        self._registries: dict[BusConnection, Registry] = {}
        self._exchanges: WeakSet[RunExchange] = WeakSet()

    def __repr__(self) -> str:
        return f"<jetstream at {self.url}>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; return when the body begins.

        Raises:
            OllamaError: the bus cannot be reached, or the answer failed before it began.
        """
        path = request.url.path
        path = path[max(path.find("/api/"), 0) :]  # the client's host may include a path prefix
        run = cast("RunRequest | None", request.extensions.get(RUN_EXTENSION))
        if run is not None and run.attached:
            return await self._exchange(request, self._attached(run), _NDJSON)
        body = await request.aread()
        fields = _parse(body)
        if request.method == "POST" and path in _QUEUED_PATHS and not is_unload(path, fields):
            model = model_of(fields)
            if not model:
                return _response(ApiAnswer.error(400, "model is required"))
            is_stream = path in {"/api/generate", "/api/chat"} and fields.get("stream") is not False
            entry = self._new_run(path, model, body, run)
            return await self._exchange(request, entry, _NDJSON if is_stream else _JSON)
        return _response(await self._look_up(request, path, body, fields))

    def _new_run(self, path: str, model: str, body: bytes, run: RunRequest | None) -> RunEntry:
        prompt = Prompt(
            run=new_run() if run is None else run.run,
            model=model,
            path=path,
            body=body,
            detached=self._detach,
            grace=self._grace,
        )
        return NewRun(self._subjects, self._registry, prompt, is_shared=run is not None, hold=self._hold)

    def _attached(self, run: RunRequest) -> RunEntry:
        return AttachedRun(
            self._subjects, check_run(run.run), after=run.after, attempt=run.attempt, hold=self._hold
        )

    async def _exchange(self, request: httpx.Request, entry: RunEntry, content_type: str) -> httpx.Response:
        exchange = RunExchange(
            self._subjects,
            entry,
            partial(self._connections.lease, _connect_seconds(request)),
            url=self._connections.options.shown_url,
            busy_after=self._busy_after,
            is_left=cast("Callable[[], bool]", request.extensions.get(IS_LEFT_EXTENSION, _yes)),
        )
        self._exchanges.add(exchange)
        try:
            await exchange.head()
        except StatusError as error:
            return _response(ApiAnswer.error(error.status, error.reason, error.signin_url))
        return httpx.Response(200, headers={"content-type": content_type}, stream=PulledBody(exchange))

    async def _look_up(self, request: httpx.Request, path: str, body: bytes, fields: JsonObject) -> ApiAnswer:
        method = "GET" if request.method == "HEAD" else request.method
        async with self._connections.lease(_connect_seconds(request)) as connection:
            found = await answer(self._registry(connection), method, path, body, fields)
        if found is None:
            reason = f"{path} does not go over a bus; ask a host, with Client(host)"
            return ApiAnswer.error(_NOT_OFFERED, reason)
        return found

    def _registry(self, connection: BusConnection) -> Registry:
        registry = self._registries.get(connection)
        if registry is None:
            registry = self._registries[connection] = Registry(connection, self._subjects)
            connection.lost.add_done_callback(lambda _: self._registries.pop(connection, None))
        return registry

    async def aclose(self) -> None:
        """End all answers, and close the connections."""
        self.close()
        await self._connections.aclose()

    def close(self) -> None:
        """Do what `aclose` does, without waiting; may be called from any thread."""
        for exchange in tuple(self._exchanges):
            exchange.fail_threadsafe(ClientClosedError())
        self._connections.close()


def _connect_seconds(request: httpx.Request) -> float | None:
    return cast("dict[str, float | None]", request.extensions.get("timeout", {})).get("connect", 5.0)


def _parse(body: bytes) -> JsonObject:
    with suppress(orjson.JSONDecodeError):
        return object_of(orjson.loads(body))
    return {}


def _response(found: ApiAnswer) -> httpx.Response:
    return httpx.Response(found.status, content=found.body, headers={"content-type": found.content_type})


def _yes() -> bool:
    return True
