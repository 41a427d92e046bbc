"""What httpx raises and what servers refuse, in our own words."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import httpx

from ollama_rx.errors import IncompleteStreamError, StatusError, UnreachableError
from ollama_rx.wire import reason_of

_MAX_REASON = 65536  # bytes of an HTTP error's body that are read

_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


def translate(error: Exception, *, url: str, partial: str = "") -> Exception:
    """Return the error a subscriber sees, with the original as its cause; others pass as they are."""
    if isinstance(error, _NO_CONNECTION):
        found: Exception = UnreachableError(url, str(error) or type(error).__name__)
    elif isinstance(error, httpx.TransportError | httpx.DecodingError):
        found = IncompleteStreamError(
            f"the connection to {url} broke ({str(error) or type(error).__name__}); see the server's log",
            partial=partial,
        )
    else:
        return error
    found.__cause__ = error
    return found


async def refusal(response: httpx.Response) -> StatusError:
    """Read the reason out of an HTTP error's body, which may be anything."""
    body = b""
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > _MAX_REASON:
                break
    reason, signin_url = reason_of(body)
    return StatusError.of(response.status_code, reason or response.reason_phrase, signin_url=signin_url)
