"""What an error before the first item says about a host, and so what happens next."""

from enum import Enum

from ollama_rx.errors import (
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    ModelNotFoundError,
    ServerError,
    StatusError,
    UnreachableError,
)

_INTERNAL_SERVER_ERROR = 500
_BROKEN = (UnreachableError, FirstChunkTimeout, IdleTimeout)


class Failure(Enum):
    """The meaning of an error before the first item."""

    REST = "the host is broken or busy: avoid it for a while, and try the next one"
    NO_MODEL = "the host does not have the model: remember that, and try the next one"
    NEXT = "the host cannot answer this request: try the next one"
    FINAL = "another host would say the same"


def failure_of(error: Exception) -> Failure:
    """Return what an error means."""
    if isinstance(error, _BROKEN):
        return Failure.REST
    if isinstance(error, ModelNotFoundError):
        return Failure.NO_MODEL
    if isinstance(error, IncompleteStreamError | StatusError | ServerError) and error.retryable:
        return Failure.REST
    if isinstance(error, StatusError | ServerError):
        is_servers_fault = (error.status or _INTERNAL_SERVER_ERROR) >= _INTERNAL_SERVER_ERROR
        return Failure.NEXT if is_servers_fault else Failure.FINAL
    return Failure.FINAL
