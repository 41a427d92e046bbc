"""Say in plain words why a request failed; httpx, h11 and sockets speak of their own parts."""

import os
import re

import httpx

from ollama_rx.errors import excerpt

# An error of asyncio names the address that the message has already; uvloop's has the number only.
_CONNECT_CALL = re.compile(r"\[Errno (\d+)\] Connect call failed \([^)]*\)")
_NUMBER = re.compile(r"\[Errno -?\d+\] ")
_HUNG_UP = re.compile("peer closed connection|server disconnected|the server hung up", re.IGNORECASE)
_NO_TLS = re.compile("WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG")


def connect_words(error: Exception) -> str:
    """Say why there is no connection.

    >>> connect_words(httpx.ConnectError("[Errno -2] Name or service not known"))
    'Name or service not known'
    """
    text = _CONNECT_CALL.sub(lambda found: os.strerror(int(found[1])), str(error))
    if _NO_TLS.search(text):
        return "the server does not speak TLS; try http:// instead of https://"
    return _NUMBER.sub("", text) or _deepest_reason(error)


def failure_words(error: Exception, *, url: str, answer_began: bool) -> str:
    """Say what happened to a request that had been sent, or to its answer.

    >>> cut = httpx.RemoteProtocolError("peer closed connection without ... (incomplete chunked read)")
    >>> failure_words(cut, url="http://ollama.example", answer_began=True)
    'the server http://ollama.example hung up in the middle of the answer; see its log'
    """
    when = "in the middle of the answer" if answer_began else "before the answer was complete"
    detail = excerpt(_NUMBER.sub("", str(error)) or _deepest_reason(error))
    match error:
        case httpx.RemoteProtocolError() if _HUNG_UP.search(detail):
            return f"the server {url} hung up {when}; see its log"
        case httpx.RemoteProtocolError():
            return f"what {url} sends is not HTTP ({detail}); does the host point at Ollama?"
        case httpx.DecodingError():
            return f"the compressed answer of {url} cannot be read ({detail})"
        case httpx.LocalProtocolError():
            return f"the request to {url} cannot be sent ({detail})"
        case httpx.TimeoutException():
            return f"the connection to {url} timed out {when}"
        case _:
            return f"the connection to {url} broke {when} ({detail}); see the server's log"


def _deepest_reason(error: BaseException) -> str:
    """Return the operating system's reason behind an error without text, as those of httpx often are."""
    reason = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return reason
