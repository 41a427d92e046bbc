"""What a client is told about a host that has failed, and whether another attempt may do better."""

from dataclasses import dataclass

import orjson

from ollama_rx.client.hosts.failures import Failure, failure_of
from ollama_rx.errors import ClientClosedError, StatusError, TimedOutError

_INTERNAL_ERROR = 500
_BAD_GATEWAY = 502
_UNAVAILABLE = 503
_GATEWAY_TIMEOUT = 504
_LONGEST_REASON = 8 * 1024  # characters; as JSON below 64 KiB, the smallest max_payload of a server


@dataclass(frozen=True, slots=True)
class HostFailure:
    """A failure as an HTTP status and reason, which the client's transport turns into a response."""

    status: int
    reason: str
    signin_url: str | None = None
    is_worth_another_attempt: bool = False

    @classmethod
    def of(cls, error: Exception) -> "HostFailure":
        """Return the failure for an error of `Client.forward`."""
        if isinstance(error, StatusError):
            status, reason, signin_url = error.status, error.reason, error.signin_url
        else:
            status, reason, signin_url = _status_of(error), str(error) or type(error).__name__, None
        return cls(status, reason[:_LONGEST_REASON], signin_url, _is_worth_another_attempt(error))

    def to_json(self) -> bytes:
        """Return the payload of the event that reports the failure."""
        return orjson.dumps({"status": self.status, "reason": self.reason, "signin_url": self.signin_url})


def _status_of(error: Exception) -> int:
    if isinstance(error, TimedOutError):
        return _GATEWAY_TIMEOUT
    if isinstance(error, ClientClosedError):
        return _UNAVAILABLE
    return _BAD_GATEWAY if failure_of(error) is Failure.REST else _INTERNAL_ERROR


def _is_worth_another_attempt(error: Exception) -> bool:
    """Check whether another worker, or this one a moment later, may be able to answer."""
    return isinstance(error, ClientClosedError) or failure_of(error) in {Failure.REST, Failure.NO_MODEL}
