"""The client: every endpoint of Ollama as a cold Observable."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx
from reactivex import Observable

from ollama_rx.chunks import Chunk
from ollama_rx.host import base_url
from ollama_rx.library import Library
from ollama_rx.lines import MAX_LINE_BYTES
from ollama_rx.replies import Embeddings
from ollama_rx.requests.bodies import (
    Format,
    KeepAlive,
    Think,
    Tool,
    context_field,
    encode,
    format_field,
    keep_alive_field,
    logprobs_fields,
    options_field,
    think_field,
    tools_field,
)
from ollama_rx.requests.checks import check_text, count_field, flags, mapping_field, texts, texts_of
from ollama_rx.requests.messages import Image, MessageLike, images_field, messages_field
from ollama_rx.timeouts import Timeouts
from ollama_rx.transport.session import Request, Session
from ollama_rx.transport.source import Source
from ollama_rx.wire import ChunkReader

Options = Mapping[str, Any]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")  # RFC 9110: a token
_HEADER_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")


class HasContext(Protocol):
    """A box that holds the context of an earlier answer, read when a stream is subscribed."""

    @property
    def value(self) -> Sequence[int] | None:
        """The tokens, or None."""
        ...


class Client(Library):
    """Talks to one Ollama server, from threads and asyncio alike.

    Nothing is sent before a stream is subscribed; two subscriptions are two requests. Disposing a
    subscription closes its connection, which stops the generation on the server.

    Args:
        host: the server, as in OLLAMA_HOST; without it that variable, else http://127.0.0.1:11434.
        model: the default for all methods.
        headers: sent with every request. With an ``authorization`` here OLLAMA_API_KEY is not used;
            otherwise it goes to https://ollama.com and nowhere else.
        timeouts: how long to wait for what, in seconds.
        transport: an httpx transport of your own (proxies, HTTP/2, tests); slower than ours.
        max_line_bytes: the longest line accepted in a stream.

    Raises:
        ValueError: a host that is no address, a header that is none.
        TypeError: an argument of a wrong type.
    """

    def __init__(
        self,
        host: str | None = None,
        *,
        model: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - immutable
        transport: httpx.AsyncBaseTransport | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        texts(host=host, model=model)
        if not isinstance(timeouts, Timeouts):
            raise TypeError(f"timeouts: expected Timeouts, got {type(timeouts).__name__}")
        count_field("max_line_bytes", max_line_bytes, least=1)
        url = base_url(host)
        session = Session(url, _headers(_checked(url), headers), timeouts, transport)
        super().__init__(session, model=model, max_line_bytes=max_line_bytes)

    def generate(
        self,
        prompt: str,
        *,
        model: str | None = None,
        system: str | None = None,
        context: Sequence[int] | HasContext | None = None,
        images: Sequence[Image] | None = None,
        format: Format | None = None,  # noqa: A002 - the wire's own name
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
    ) -> Observable[Chunk]:
        """Continue a prompt. A ``context`` box is read when the stream is subscribed."""
        check_text("prompt", prompt)
        body = {
            "model": self._named(model),
            "prompt": prompt,
            **texts(suffix=suffix, system=system, template=template),
            **flags(raw=raw),
            "images": images_field(images),
            **self._common(
                format=format,
                options=options,
                think=think,
                keep_alive=keep_alive,
                truncate=truncate,
                shift=shift,
            ),
            **logprobs_fields(logprobs=logprobs, top_logprobs=top_logprobs),
        }
        if context is None or isinstance(context, Sequence):
            return self._chunks("/api/generate", {**body, "context": context_field(context)})
        return self._with_context(body, context)

    def chat(
        self,
        messages: Sequence[MessageLike],
        *,
        model: str | None = None,
        tools: Sequence[Tool] | None = None,
        format: Format | None = None,  # noqa: A002 - the wire's own name
        options: Options | None = None,
        think: Think | None = None,
        keep_alive: KeepAlive | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        truncate: bool | None = None,
        shift: bool | None = None,
    ) -> Observable[Chunk]:
        """Answer the last of several messages."""
        body = {
            "model": self._named(model),
            "messages": messages_field(messages),
            "tools": tools_field(tools),
            **self._common(
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
        """Load a model into memory; one chunk, ``done_reason`` "load"."""
        return self.generate("", model=model, keep_alive=keep_alive)

    def unload(self, model: str | None = None) -> Observable[Chunk]:
        """Free a model's memory; one chunk, ``done_reason`` "unload"."""
        return self.generate("", model=model, keep_alive=0)

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
        """Turn texts into vectors."""
        body = {
            "model": self._named(model),
            "input": texts_of("text", text),
            **flags(truncate=truncate),
            "dimensions": count_field("dimensions", dimensions, least=1),
            "options": options_field(options),
            "keep_alive": keep_alive_field(keep_alive),
        }
        return self._one("POST", "/api/embed", body, Embeddings.of)

    def _common(
        self,
        *,
        format: Format | None,  # noqa: A002 - the wire's own name
        options: Options | None,
        think: Think | None,
        keep_alive: KeepAlive | None,
        truncate: bool | None,
        shift: bool | None,
    ) -> dict[str, Any]:
        return {
            "stream": True,
            "format": format_field(format),
            "options": options_field(options),
            "think": think_field(think),
            "keep_alive": keep_alive_field(keep_alive),
            **flags(truncate=truncate, shift=shift),
        }

    def _chunks(self, path: str, body: Mapping[str, Any]) -> Observable[Chunk]:
        return self._source("POST", path, body, lambda: ChunkReader(self._max))

    def _with_context(self, body: Mapping[str, Any], box: HasContext) -> Observable[Chunk]:
        if not hasattr(box, "value"):
            raise TypeError(f"context: give a list of ints or a ContextBox, not {type(box).__name__}")
        encode(body)  # what can't be sent fails now

        def request() -> Request:
            content = encode({**body, "context": context_field(box.value)})
            return Request("POST", "/api/generate", content)

        return Source(self._session, request, lambda: ChunkReader(self._max))


def _checked(url: str) -> httpx.URL:
    """Return a URL that can be asked; without its user information in the error if it can't."""
    try:
        found = httpx.URL(url)
        found.host.encode("idna")  # as it is done to look the name up
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"host: {url.rpartition('@')[2]!r} is no address") from error
    return found


def _headers(url: httpx.URL, given: Mapping[str, str] | None) -> dict[str, str]:
    own = mapping_field("headers", given) or {}
    for name in own:
        check_text("headers", name)
    headers = {name.lower(): value for name, value in own.items()}
    key = os.environ.get("OLLAMA_API_KEY", "").strip()
    if key and url.scheme == "https" and url.host == "ollama.com" and "authorization" not in headers:
        headers["authorization"] = f"Bearer {key}"
    for name, value in headers.items():
        check_text(f"headers: {name}", value)
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise ValueError(f"headers: {name!r} or its value has characters that HTTP does not allow")
    return headers
