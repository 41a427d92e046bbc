"""The client: every endpoint of Ollama as a cold Observable."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import httpx
from reactivex import Observable
from reactivex import operators as rx_operators

from ollama_rx.arguments import (
    check_instance,
    check_text,
    check_whole,
    optional_flags,
    optional_mapping,
    optional_sizes,
    optional_texts,
    optional_whole,
    text_or_texts,
    wrong_type,
    wrong_value,
)
from ollama_rx.chunks import Chunk, Progress
from ollama_rx.client.blobs import (
    LocalFile,
    LocalFiles,
    checked_path,
    create_blob,
    create_with_uploads,
    files_field,
)
from ollama_rx.client.bodies import (
    Format,
    KeepAlive,
    Options,
    Think,
    Tool,
    context_field,
    encode_body,
    format_field,
    keep_alive_field,
    logprobs_fields,
    options_field,
    think_field,
    tools_field,
)
from ollama_rx.client.host import base_url
from ollama_rx.client.hosts.host_settings import Host, checked_hosts
from ollama_rx.client.hosts.host_status import HostStatus
from ollama_rx.client.hosts.routes import Route, SeveralHosts, SingleHost
from ollama_rx.client.messages import Image, MessageLike, images_field, messages_field
from ollama_rx.client.web import SERVICE_URL, web_session
from ollama_rx.client.wrong_calls import explain_wrong_calls, missing_attribute
from ollama_rx.protocol.json_fields import text_of
from ollama_rx.protocol.ndjson import MAX_LINE_BYTES
from ollama_rx.protocol.readers import (
    ChunkReader,
    JsonReader,
    ProgressReader,
    ProgressTask,
    RawReader,
    Reader,
)
from ollama_rx.responses import (
    Embeddings,
    Model,
    ModelInfo,
    RunningModel,
    WebPage,
    WebSearchResults,
    embeddings_of,
    models_of,
    running_of,
)
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport
from ollama_rx.transport.request_stream import RequestStream
from ollama_rx.transport.run_request import RunRequest
from ollama_rx.transport.session import PreparedRequest, Session
from ollama_rx.transport.timeouts import Timeouts

T = TypeVar("T")

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")  # RFC 9110: a token
_HEADER_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")
_FRAMING = frozenset({"content-length", "transfer-encoding"})  # the client sends its own


class HasContext(Protocol):
    """Holds the context of an earlier answer; read when a stream is subscribed to. See `ContextBox`."""

    @property
    def value(self) -> Sequence[int] | None:
        """The tokens, or None."""
        ...


@explain_wrong_calls
class Client:
    """A client for one Ollama server, or for several, for threads and asyncio alike.

    Nothing is sent before a stream is subscribed to; two subscriptions are two requests. Disposing a
    subscription closes its connection, which stops the generation on the server.

    With ``hosts`` each stream goes to the server that suits it best, and to the next one if that fails before
    the first chunk; docs/hosts.md has the rules. What changes a server (``pull``, ``push``, ``create``,
    ``create_blob``, ``copy``, ``delete``) then needs `on_host`.

    Args:
        host: the server's address; by default that in OLLAMA_HOST, or else http://127.0.0.1:11434. A user and
            a password in it are sent as basic authorization, and shown nowhere.
        hosts: several servers in the place of ``host``, each an address or a `Host`; OLLAMA_HOST is ignored.
        model: the default model of all methods.
        headers: sent with every request. An ``authorization`` among them wins over a user and a password in
            the host, and both win over OLLAMA_API_KEY, which is sent to https://ollama.com only. With several
            hosts an ``authorization`` belongs in ``Host(headers=...)``.
        timeouts: time limits, in seconds.
        transport: an httpx transport to use instead of the built-in one (for proxies, HTTP/2 or tests);
            it is slower.
        max_line_bytes: the length of the longest line accepted in a stream.

    Raises:
        ValueError: an invalid host or header, or a proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY that cannot
            be used.
        TypeError: an argument of a wrong type.
    """

    def __init__(
        self,
        host: str | None = None,
        *,
        hosts: Sequence[str | Host] | None = None,
        model: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - immutable
        transport: httpx.AsyncBaseTransport | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        optional_texts(host=host, model=model)
        check_instance("timeouts", timeouts, Timeouts)
        check_whole("max_line_bytes", max_line_bytes, least=1)
        self._model = model
        self._run: RunRequest | None = None
        self._max_line_bytes = max_line_bytes
        self._route: Route
        if hosts is None:
            url = base_url(host) if _is_on_host(transport) else _placeholder_url(host)
            self._session = Session(url, _build_headers(_parse_url(url), headers), timeouts, transport)
            self._route = SingleHost(self._session)
            return
        if host is not None:
            raise ValueError("hosts: expected no other host beside it, got host= too")
        chosen = checked_hosts(hosts)
        sessions = _sessions(chosen, headers, timeouts, transport)
        self._session = sessions[0]
        self._route = SeveralHosts.of(tuple(zip(chosen, sessions, strict=True)), max_line_bytes)

    def __repr__(self) -> str:
        return f"<Client for {', '.join(host.url for host in self.hosts)}>"

    @property
    def url(self) -> str:
        """The server's base URL, without credentials; with several servers that of the first one."""
        return self.hosts[0].url

    @property
    def hosts(self) -> tuple[HostStatus, ...]:
        """What is known of each server at this moment."""
        return self._route.status()

    def on_host(self, url: str) -> Self:
        """Return a client for one of the servers that shares the connections of this one, and their end.

        Raises:
            ValueError: it is not one of this client's servers.
        """
        check_text("url", url)
        if url not in {host.url for host in self.hosts}:
            url = str(_parse_url(base_url(url)).copy_with(userinfo=b""))
        return self._with_route(self._route.on_host(url))

    def sticky(self) -> Self:
        """Return a client whose streams stay on the server of the last one, while that can serve.

        A conversation is answered sooner there, because the server has its beginning in the prompt cache. The
        two clients share their connections, and their end. With one server it is this client itself.
        """
        route = self._route.sticky()
        return self if route is self._route else self._with_route(route)

    def with_run(self, run: str) -> Self:
        """Return a client whose next answer is the run of this id, on a bus (see `ollama_rx.bus.jetstream`).

        The first subscription begins the run, and stops it when it is disposed of; all others, in this
        process or another one, join it and read the same answer from its beginning. Use each id once.

        Raises:
            ValueError: this client is not on a bus; or the id has other characters than letters, digits, "_"
                and "-", or more than 64.
        """
        request = RunRequest(run)
        self._check_has_runs("with_run")
        client = copy(self)
        client._run = request  # noqa: SLF001 - of its own class
        return client

    def attach(self, run: str, *, after: int = 0, attempt: int = 1) -> Observable[Chunk]:
        """Read an answer that another subscription or another process has begun, on a bus; see `with_run`.

        It comes from its beginning, or without the first ``after`` chunks of this ``attempt``, which were
        received before. Disposing does not stop the run. A run can be read for an hour.

        Raises:
            RestartedError: in the stream, if another attempt has begun since these chunks were received.
            StatusError: in the stream, 410, if nothing is known of the run.
            ValueError: as `with_run`.
        """
        attached = RunRequest(run, attached=True, after=after, attempt=attempt)
        self._check_has_runs("attach")
        path = "/api/attach"  # which no server has
        request = PreparedRequest("GET", path, run=attached)
        chunks = self._route.stream(path, lambda: request, lambda: ChunkReader(self._max_line_bytes), Chunk)
        return chunks.pipe(rx_operators.skip(after)) if after else chunks

    def _check_has_runs(self, method: str) -> None:
        if not self._session.transport.has_runs:
            raise ValueError(f"{method}: expected a client on a bus, got one for {self.url}")

    def _with_route(self, route: Route) -> Self:
        client = copy(self)
        client._route = route  # noqa: SLF001 - of its own class
        return client

    # generating

    def generate(
        self,
        prompt: str,
        *,
        model: str | None = None,
        system: str | None = None,
        context: Sequence[int] | HasContext | None = None,
        images: Sequence[Image] | None = None,
        format: Format | None = None,  # noqa: A002 - the API's own name
        options: Options | None = None,
        think: Think | None = None,
        keep_alive: KeepAlive | None = None,
        suffix: str | None = None,
        template: str | None = None,
        raw: bool | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        truncate: bool | None = None,
        shift: bool | None = None,
        width: int | None = None,
        height: int | None = None,
        steps: int | None = None,
    ) -> Observable[Chunk]:
        """Generate an answer to a prompt. A `ContextBox` is read when the stream is subscribed to.

        ``width``, ``height`` (in pixels) and ``steps`` are for models that draw; ``chunk.raw`` has the image.
        """
        check_text("prompt", prompt)
        body = {
            "model": self._model_name(model),
            "prompt": prompt,
            **optional_texts(suffix=suffix, system=system, template=template),
            **optional_flags(raw=raw),
            "images": images_field(images),
            **_answer_fields(
                format=format,
                options=options,
                think=think,
                keep_alive=keep_alive,
                truncate=truncate,
                shift=shift,
            ),
            **logprobs_fields(logprobs=logprobs, top_logprobs=top_logprobs),
            **optional_sizes(width=width, height=height, steps=steps),
        }
        if context is None or isinstance(context, Sequence):
            return self._chunks("/api/generate", {**body, "context": context_field(context)})
        return self._chunks_with_context(body, context)

    def chat(
        self,
        messages: Sequence[MessageLike],
        *,
        model: str | None = None,
        tools: Sequence[Tool] | None = None,
        format: Format | None = None,  # noqa: A002 - the API's own name
        options: Options | None = None,
        think: Think | None = None,
        keep_alive: KeepAlive | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        truncate: bool | None = None,
        shift: bool | None = None,
    ) -> Observable[Chunk]:
        """Generate the next message of a chat."""
        body = {
            "model": self._model_name(model),
            "messages": messages_field(messages),
            "tools": tools_field(tools),
            **_answer_fields(
                format=format,
                options=options,
                think=think,
                keep_alive=keep_alive,
                truncate=truncate,
                shift=shift,
            ),
            **logprobs_fields(logprobs=logprobs, top_logprobs=top_logprobs),
        }
        return self._chunks("/api/chat", body)

    def load(self, model: str | None = None, *, keep_alive: KeepAlive | None = None) -> Observable[Chunk]:
        """Load a model into memory; emits one chunk with ``done_reason`` "load"."""
        return self.generate("", model=model, keep_alive=keep_alive)

    def unload(self, model: str | None = None) -> Observable[Chunk]:
        """Unload a model from memory; emits one chunk with ``done_reason`` "unload".

        With several servers it is unloaded from all of them; each of them that had it sends a chunk.
        """
        name = self._model_name(model)
        body = {"model": name, "prompt": "", "stream": True, "keep_alive": 0}
        request = PreparedRequest("POST", "/api/generate", encode_body(body))
        return self._route.unload(request, lambda: ChunkReader(self._max_line_bytes), Chunk, name)

    def embed(
        self,
        text: str | Sequence[str],
        *,
        model: str | None = None,
        truncate: bool | None = None,
        dimensions: int | None = None,
        options: Options | None = None,
        keep_alive: KeepAlive | None = None,
    ) -> Observable[Embeddings]:
        """Compute the embedding of each text: as many vectors as texts, in the same order.

        Raises:
            BadJsonError: in the stream, if there are fewer or more vectors. Ollama sends none for ``""``, and
                refuses a list that contains ``""`` with a `StatusError`.
        """
        texts = text_or_texts("text", text)
        body = {
            "model": self._model_name(model),
            "input": texts,
            **optional_flags(truncate=truncate),
            "dimensions": optional_whole("dimensions", dimensions, least=1),
            "options": options_field(options),
            "keep_alive": keep_alive_field(keep_alive),
        }
        count = 1 if isinstance(texts, str) else len(texts)
        return self._single_item("POST", "/api/embed", body, lambda raw: embeddings_of(raw, count))

    # models

    def pull(self, model: str | None = None, *, insecure: bool | None = None) -> Observable[Progress]:
        """Download a model from its library."""
        body = {"model": self._model_name(model), **optional_flags(insecure=insecure)}
        return self._progress("pull", body)

    def push(self, model: str | None = None, *, insecure: bool | None = None) -> Observable[Progress]:
        """Upload a model to its library."""
        body = {"model": self._model_name(model), **optional_flags(insecure=insecure)}
        return self._progress("push", body)

    def create(
        self,
        model: str,
        *,
        from_: str | None = None,
        system: str | None = None,
        template: str | None = None,
        messages: Sequence[MessageLike] | None = None,
        parameters: Mapping[str, Any] | None = None,
        license: str | Sequence[str] | None = None,  # noqa: A002 - the API's own name
        quantize: str | None = None,
        files: LocalFiles | None = None,
        adapters: LocalFiles | None = None,
    ) -> Observable[Progress]:
        """Create a model from another one on the server (``from_``), or from files.

        ``files`` and ``adapters`` map the names that files have in the model to local paths, or to digests of
        blobs that are on the server; a list of paths stands for their own names. Local files are uploaded
        first, see `create_blob`; "success" is the status of the last step only.

        Raises:
            OSError: a value in ``files`` or ``adapters`` is neither a digest nor a file that exists.
            ValueError: it is not a regular file, or it is empty; or ``from_`` is a path.
        """
        check_text("model", model)
        if isinstance(from_, str) and from_.startswith((".", "/", "~")):
            raise wrong_value("from_", "the name of a model (a file goes into files=)", from_)
        body = {
            "model": model,
            "from": optional_texts(from_=from_)["from_"],
            **optional_texts(system=system, template=template, quantize=quantize),
            "messages": None if messages is None else messages_field(messages),
            "parameters": optional_mapping("parameters", parameters),
            "license": None if license is None else text_or_texts("license", license),
            "files": files_field("files", files),
            "adapters": files_field("adapters", adapters),
        }
        return create_with_uploads(
            self._route.only_session("create"), body, partial(self._progress, "create")
        )

    def create_blob(self, path: LocalFile) -> Observable[Progress]:
        """Upload a file, for ``create``; the last step has the status "success", and the digest.

        ::

            digest = client.create_blob("model.gguf").run().digest

        The file is hashed first, and only sent if the server does not have it. A step comes a few times a
        second. The server refuses a file that changes meanwhile; the stream's error is then often an OSError
        that says so.

        Raises:
            OSError: the file does not exist. A file that cannot be read is an OSError in the stream.
            ValueError: it is not a regular file, or it is empty.
        """
        return create_blob(self._route.only_session("create_blob"), checked_path("path", path))

    def show(self, model: str | None = None, *, verbose: bool | None = None) -> Observable[ModelInfo]:
        """Show the details of a model: capabilities, template, parameters."""
        body = {"model": self._model_name(model), **optional_flags(verbose=verbose)}
        return self._single_item("POST", "/api/show", body, ModelInfo.of)

    def models(self) -> Observable[tuple[Model, ...]]:
        """List the models on the server's disk; with several servers those of all that can be reached."""
        return self._route.listed("/api/tags", lambda: JsonReader(models_of, self._max_line_bytes))

    def running(self) -> Observable[tuple[RunningModel, ...]]:
        """List the models in memory; with several servers those of all that can be reached."""
        return self._route.listed("/api/ps", lambda: JsonReader(running_of, self._max_line_bytes))

    def version(self) -> Observable[str]:
        """Return the server's version."""
        return self._single_item("GET", "/api/version", None, lambda raw: text_of(raw.get("version")))

    def copy(self, source: str, destination: str) -> Observable[None]:
        """Copy a model to a second name; emits one item, None."""
        check_text("source", source)
        check_text("destination", destination)
        return self._no_content("POST", "/api/copy", {"source": source, "destination": destination})

    def delete(self, model: str) -> Observable[None]:
        """Delete a model from the server's disk; emits one item, None."""
        check_text("model", model)
        return self._no_content("DELETE", "/api/delete", {"model": model})

    # the web

    def web_search(self, query: str, max_results: int = 3) -> Observable[WebSearchResults]:
        """Search the web with Ollama's service at https://ollama.com, whatever server this client is for.

        Its key is the ``authorization`` header of a client, or a `Host`, for https://ollama.com, or else
        OLLAMA_API_KEY.

        Raises:
            ValueError: there is no key.
        """
        check_text("query", query)
        check_whole("max_results", max_results, least=1)
        body = {"query": query, "max_results": max_results}
        return self._from_web("/api/web_search", body, WebSearchResults.of)

    def web_fetch(self, url: str) -> Observable[WebPage]:
        """Fetch a web page as text with Ollama's service; see `web_search`."""
        check_text("url", url)
        return self._from_web("/api/web_fetch", {"url": url}, WebPage.of)

    # requests of others

    def forward(self, path: str, body: bytes | None = None, *, model: str | None = None) -> Observable[bytes]:
        """Send a request as it is, a POST if it has a body and else a GET, and emit the answer as it arrives.

        For programs that pass requests on, such as a proxy. An item is one or more whole lines of the answer,
        or a piece of a long line; all items joined are the answer. Nothing in them is read: a line that is an
        error is an item too, and an answer is complete when its body is. The errors of a request that is
        refused, and the way from one of several hosts to the next, are those of any other stream. ``model``
        helps to choose the host.

        Raises:
            ValueError: the path does not begin with ``/``.
        """
        check_text("path", path)
        if not path.startswith("/"):
            raise wrong_value("path", "a path that begins with /", path)
        if body is not None:
            check_instance("body", body, bytes)
        optional_texts(model=model)
        request = PreparedRequest("GET" if body is None else "POST", path, body or b"")
        return self._route.stream(path, lambda: request, RawReader, bytes, model=model)

    # closing

    def close(self) -> None:
        """Close all connections: streams that run end with a `ClientClosedError`, new ones are refused."""
        self._session.close()

    async def aclose(self) -> None:
        """Do what `close` does, from an event loop."""
        await self._session.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    if not TYPE_CHECKING:  # pragma: no branch - type checkers know the attributes

        def __getattr__(self, name: str) -> object:
            raise missing_attribute(type(self), name)

    # requests as Observables

    def _model_name(self, model: str | None) -> str:
        optional_texts(model=model)
        name = model or self._model or self._session.default_model
        if name is None:
            raise wrong_value("model", "a name, here or once in Client(model=...)", model)
        return name

    def _chunks(self, path: str, body: Mapping[str, Any]) -> Observable[Chunk]:
        return self._stream("POST", path, body, lambda: ChunkReader(self._max_line_bytes), Chunk)

    def _chunks_with_context(self, body: Mapping[str, Any], box: HasContext) -> Observable[Chunk]:
        if not hasattr(box, "value"):
            raise wrong_type("context", "a list of whole numbers or a ContextBox", box)
        encode_body(body)  # a body that cannot be encoded fails when the call is built

        def request() -> PreparedRequest:
            content = encode_body({**body, "context": context_field(box.value)})
            return PreparedRequest("POST", "/api/generate", content, run=self._run)

        return self._route.stream(
            "/api/generate", request, lambda: ChunkReader(self._max_line_bytes), Chunk, model=body["model"]
        )

    def _progress(self, task: ProgressTask, body: Mapping[str, Any]) -> Observable[Progress]:
        request = PreparedRequest("POST", f"/api/{task}", encode_body({**body, "stream": True}))
        session = self._route.only_session(task).with_long_idle()
        return RequestStream(
            session, lambda: request, lambda: ProgressReader(self._max_line_bytes, task=task), Progress
        )

    def _single_item(
        self, method: str, path: str, body: Mapping[str, Any] | None, item: Callable[[dict[str, Any]], T]
    ) -> Observable[T]:
        return self._stream(method, path, body, lambda: JsonReader(item, self._max_line_bytes))

    def _from_web(
        self, path: str, body: Mapping[str, Any], item: Callable[[dict[str, Any]], T]
    ) -> Observable[T]:
        key = _build_headers(httpx.URL(SERVICE_URL), None)
        session = web_session(self._session, self._route.sessions(), key)
        request = PreparedRequest("POST", path, encode_body(body))
        return RequestStream(session, lambda: request, lambda: JsonReader(item, self._max_line_bytes))

    def _no_content(self, method: str, path: str, body: Mapping[str, Any]) -> Observable[None]:
        def reader() -> Reader[None]:
            return JsonReader(_ignore, self._max_line_bytes, allow_empty=True)

        session = self._route.only_session(path.rpartition("/")[2])
        request = PreparedRequest(method, path, encode_body(body))
        return RequestStream(session, lambda: request, reader)

    def _stream(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        reader: Callable[[], Reader[T]],
        item_type: type[T] | None = None,
    ) -> Observable[T]:
        content = b"" if body is None else encode_body(body)
        request = PreparedRequest(method, path, content, run=self._run)
        model = None if body is None else body["model"]
        return self._route.stream(path, lambda: request, reader, item_type, model=model)


def _is_on_host(transport: httpx.AsyncBaseTransport | None) -> bool:
    return not isinstance(transport, LoopAgnosticTransport) or transport.url is None


def _placeholder_url(host: str | None) -> str:
    """Return the host in the requests to a transport that knows its servers itself."""
    if host is not None:
        raise ValueError("host: expected none beside a transport that has servers of its own")
    return "http://localhost"


def _ignore(_: dict[str, Any]) -> None:
    return None


def _answer_fields(
    *,
    format: Format | None,  # noqa: A002 - the API's own name
    options: Options | None,
    think: Think | None,
    keep_alive: KeepAlive | None,
    truncate: bool | None,
    shift: bool | None,
) -> dict[str, Any]:
    """Return the JSON fields of the arguments that ``generate`` and ``chat`` have in common."""
    return {
        "stream": True,
        "format": format_field(format),
        "options": options_field(options),
        "think": think_field(think),
        "keep_alive": keep_alive_field(keep_alive),
        **optional_flags(truncate=truncate, shift=shift),
    }


def _sessions(
    hosts: Sequence[Host],
    headers: Mapping[str, str] | None,
    timeouts: Timeouts,
    transport: httpx.AsyncBaseTransport | None,
) -> list[Session]:
    """Return the sessions of several hosts; closing the first one closes them all."""
    shared = optional_mapping("headers", headers) or {}
    if len(hosts) > 1 and "authorization" in {str(name).lower() for name in shared}:
        raise ValueError(
            "headers: expected no authorization for all hosts, got one; write it in Host(headers=...)"
        )
    sessions: list[Session] = []
    for host in hosts:
        url = base_url(host.url)
        own = _build_headers(
            _parse_url(url), {**_in_lower_case(shared), **_in_lower_case(host.headers or {})}
        )
        session = sessions[0].for_other_host(url, own) if sessions else Session(url, own, timeouts, transport)
        if session.shown_url in {other.shown_url for other in sessions}:
            raise wrong_value("hosts", "each host once", session.shown_url)
        sessions.append(session)
    return sessions


def _in_lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    for name in headers:
        check_text("headers", name, "text as the name of a header")
    return {name.lower(): text for name, text in headers.items()}


def _parse_url(url: str) -> httpx.URL:
    """Parse a URL; the error for an invalid URL does not show its user information."""
    try:
        found = httpx.URL(url)
        found.host.encode("idna")  # as for the DNS lookup
    except (httpx.InvalidURL, ValueError) as error:
        raise wrong_value("host", "an address", url.rpartition("@")[2]) from error
    return found


def _build_headers(url: httpx.URL, value: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's headers, with OLLAMA_API_KEY if it belongs to this server."""
    own = optional_mapping("headers", value) or {}
    headers = _in_lower_case(own)
    key = os.environ.get("OLLAMA_API_KEY", "").strip()
    has_credentials = bool(url.userinfo) or "authorization" in headers
    if key and url.scheme == "https" and url.host == "ollama.com" and not has_credentials:
        if not _HEADER_VALUE.fullmatch(key):
            raise ValueError("OLLAMA_API_KEY: expected characters that HTTP allows, got others")
        headers["authorization"] = f"Bearer {key}"
    for name, text in headers.items():
        check_text("headers", text, f"text as the value of {name!r}")
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(text)):
            # the value is not shown, it may be a secret
            raise ValueError(
                f"headers: expected characters that HTTP allows, got others in {name!r} or its value"
            )
        if name in _FRAMING:
            raise wrong_value("headers", "no header that describes the length of the body", name)
    return headers
