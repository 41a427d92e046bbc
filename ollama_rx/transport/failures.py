"""What httpx raises, in our own words."""

import httpx

from ollama_rx.errors import IncompleteStreamError, UnreachableError

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
