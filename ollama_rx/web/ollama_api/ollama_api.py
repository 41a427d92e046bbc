"""Ollama's API as an ASGI application, whatever answers behind it."""

import socket
from collections.abc import Iterable
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from ollama_rx.arguments import check_instance, check_text, check_whole, wrong_value
from ollama_rx.web.allowed_hosts import LOCAL_HOSTS, AllowedHosts
from ollama_rx.web.ollama_api.allowed_origins import LOCAL_ORIGINS, AllowedOrigins
from ollama_rx.web.ollama_api.api_guard import ApiGuard
from ollama_rx.web.ollama_api.relay import Relay

OLLAMA_HOSTS: Final = (
    *LOCAL_HOSTS,
    *("0.0.0.0", "::"),  # noqa: S104 - not listened on
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    *("*.localhost", "*.local", "*.internal"),
)
"""The names that Ollama accepts for a server which only this machine reaches, besides the machine's name."""


def ollama_api(
    transport: httpx.AsyncBaseTransport,
    *,
    url: str = "http://127.0.0.1:11434",
    allowed_hosts: Iterable[str] | None = None,
    allowed_origins: Iterable[str] = LOCAL_ORIGINS,
    max_body_bytes: int = 100 * 2**20,
) -> Starlette:
    """Return an application that any ASGI server can run, and any client of Ollama can use.

    ::

        uvicorn.run(ollama_api(embedded()), port=11434)

    Each request becomes a request to ``transport``, and what that answers is passed on as it arrives. A
    client that leaves, or takes nothing for half a minute, cancels it. A transport that fails before it
    answers becomes a status 502 with Ollama's ``{"error": ...}``; if it fails in the middle, the connection
    is broken off, so that no part of an answer looks like the whole.

    Which names and pages are let in is the same as with Ollama: see `AllowedHosts` and `AllowedOrigins`.
    There is no token: anybody who reaches the address may use it.

    Args:
        transport: what answers, such as ``embedded()``; it stays open.
        url: the address that its requests are for.
        allowed_hosts: what the server may be called: names, ``*.name``, and addresses or networks of them.
            By default the names that Ollama accepts for a server on this machine.
        allowed_origins: the pages in browsers that may use it, besides pages from its own address.
        max_body_bytes: the longest request, except for the files of models, which are passed on as they come.

    Raises:
        ValueError, TypeError: a wrong argument.
    """
    check_instance("transport", transport, httpx.AsyncBaseTransport)
    check_text("url", url)
    check_whole("max_body_bytes", max_body_bytes, least=1)
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise wrong_value("url", "such as 'http://127.0.0.1:11434'", url) from error
    if base.scheme not in {"http", "https"} or not base.host:
        raise wrong_value("url", "such as 'http://127.0.0.1:11434'", url)
    hosts = AllowedHosts((*OLLAMA_HOSTS, socket.gethostname()) if allowed_hosts is None else allowed_hosts)
    relay = Relay(transport, base, max_body_bytes)
    return Starlette(routes=[Mount("/", ApiGuard(relay, hosts, AllowedOrigins(allowed_origins)))])
