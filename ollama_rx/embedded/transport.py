"""The embedded model as a transport: httpx requests in, Ollama's replies out, no server in between."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx

from ollama_rx.embedded.answering import answer
from ollama_rx.embedded.body import Body
from ollama_rx.embedded.catalog import list_models, list_running, model_name, model_parameters, show_model
from ollama_rx.embedded.jobs import Job
from ollama_rx.embedded.pipe import Pipe
from ollama_rx.embedded.pulling import pull
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.replies import encode
from ollama_rx.embedded.requests import Plan, read_chat, read_generate, read_model, read_pull
from ollama_rx.embedded.tenancy import Tenancy
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport

VERSION = "0.33.0-embedded"  # the Ollama whose protocol is spoken
_NOT_OFFERED = frozenset(
    f"/api/{name}" for name in ("push", "create", "copy", "delete", "embed", "embeddings")
)


class EmbeddedTransport(LoopAgnosticTransport):
    """What `embedded` makes: Ollama's endpoints for one model, on any number of event loops."""

    def __init__(self, weights: Path | None, *, any_name: bool, show_progress: bool) -> None:
        self._weights = weights
        self._any_name = any_name
        self._name = self.default_model = model_name(weights)
        self._parameters = model_parameters(self._name)
        self._tenancy = Tenancy(weights, show_progress=show_progress)
        self.jobs: set[Job] = set()
        self._routes: dict[tuple[str, str], Callable[[bytes], Awaitable[httpx.Response]]] = {
            ("GET", "/"): self._greet,
            ("GET", "/api/version"): self._version,
            ("GET", "/api/tags"): self._tags,
            ("GET", "/api/ps"): self._running,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/pull"): self._pull,
            ("POST", "/api/generate"): self._generate,
            ("POST", "/api/chat"): self._chat,
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; returns when the first line of the answer is there."""
        body = await request.aread()
        path = request.url.path
        path = path[max(path.find("/api/"), 0) :]  # a host may have a path of its own
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, path))
        try:
            return (
                _no_route(path, {known for _, known in self._routes}) if route is None else await route(body)
            )
        except Refusal as refusal:
            return _json(encode({"error": refusal.text}), refusal.status)

    async def aclose(self) -> None:
        """Stop all answers, wait for their threads, and free the memory unless another transport uses it."""
        await Job(lambda _: self.close()).wait()

    def close(self) -> None:
        """Do what ``aclose`` does, from a thread without a loop."""
        for job in list(self.jobs):
            job.cancel()
            job.join()
            self.jobs.discard(job)
        self._tenancy.end()

    async def _greet(self, _: bytes) -> httpx.Response:
        return httpx.Response(200, text="Ollama is running")

    async def _version(self, _: bytes) -> httpx.Response:
        return _json(encode({"version": VERSION}))

    async def _tags(self, _: bytes) -> httpx.Response:
        return await self._look_up(lambda _: list_models(self._weights))

    async def _running(self, _: bytes) -> httpx.Response:
        return await self._look_up(lambda _: list_running(self._weights))

    async def _show(self, body: bytes) -> httpx.Response:
        self._check_name(read_model(body, "ShowRequest"))
        return await self._look_up(
            lambda pipe: show_model(self._tenancy.path(lambda: pipe.closed), self._name)
        )

    async def _pull(self, body: bytes) -> httpx.Response:
        name, stream = read_pull(body)
        known = name in {"", self._name, self._name.removesuffix(":latest")}
        job, first = await self._begin(partial(pull, self._weights, known=known, stream=stream))
        return _stream(first, job) if stream else _json(first)

    async def _generate(self, body: bytes) -> httpx.Response:
        self._check_name(read_model(body, "GenerateRequest"))
        return await self._answer(read_generate(body, self._name, self._parameters))

    async def _chat(self, body: bytes) -> httpx.Response:
        self._check_name(read_model(body, "ChatRequest"), required=True)
        return await self._answer(read_chat(body, self._name, self._parameters))

    def _check_name(self, name: str, *, required: bool = False) -> None:
        if self._any_name or name in {self._name, self._name.removesuffix(":latest")}:
            return
        if required and not name:
            raise Refusal(400, "model is required")
        raise Refusal(404, f"model '{name}' not found")

    async def _look_up(self, read: Callable[[Pipe], dict[str, object]]) -> httpx.Response:
        _, found = await self._begin(lambda pipe: pipe.put(encode(read(pipe))))
        return _json(found)

    async def _answer(self, plan: Plan) -> httpx.Response:
        job, first = await self._begin(partial(answer, plan, self._name, self._tenancy))
        if plan.only is not None or not plan.stream:
            return _json(first)
        return _stream(first, job)

    async def _begin(self, work: Callable[[Pipe], object]) -> tuple[Job, bytes]:
        """Start a job and wait for its first line; whoever stops waiting stops the job."""
        job = Job(work, on_cancel=self._tenancy.wake, among=self.jobs)
        try:
            first = await job.pipe.get()
        except BaseException:
            job.cancel()
            raise
        if first is None:
            raise Refusal(503, "the embedded model was closed")
        return job, first


def _no_route(path: str, known: set[str]) -> httpx.Response:
    if path in known:
        return httpx.Response(405, text="405 method not allowed")
    if path in _NOT_OFFERED:
        raise Refusal(501, f"the embedded model does not offer {path}; `ollama serve` does")
    return httpx.Response(404, text="404 page not found")


def _stream(first: bytes, job: Job) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/x-ndjson"}, stream=Body(first, job))


def _json(content: bytes, status: int = 200) -> httpx.Response:
    headers = {"content-type": "application/json; charset=utf-8"}
    return httpx.Response(status, content=content, headers=headers)
