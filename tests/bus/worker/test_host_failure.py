"""The failure of a host in the words of HTTP."""

import orjson
import pytest

from ollama_rx.bus.worker.host_failure import HostFailure
from ollama_rx.errors import (
    ClientClosedError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    StatusError,
    TotalTimeout,
    UnreachableError,
)


@pytest.mark.parametrize(
    ("error", "status", "is_worth_another_attempt"),
    [
        (StatusError.of(400, "bad"), 400, False),
        (StatusError.of(401, "sign in", signin_url="https://ollama.example"), 401, False),
        (StatusError.of(404, "model not found"), 404, True),
        (StatusError.of(500, "no memory"), 500, False),
        (StatusError.of(503, "busy"), 503, True),
        (UnreachableError("http://127.0.0.1:9", "refused"), 502, True),
        (IncompleteStreamError("cut"), 502, True),
        (FirstChunkTimeout(1.0), 504, True),
        (IdleTimeout(1.0), 504, True),
        (TotalTimeout(1.0), 504, False),
        (ClientClosedError(), 503, True),
        (RuntimeError("a fault"), 500, False),
        (RuntimeError(), 500, False),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'status', '')}" if value else None,
)
def test_an_error_has_a_status_and_may_be_worth_another_attempt(
    error: Exception, status: int, *, is_worth_another_attempt: bool
) -> None:
    failure = HostFailure.of(error)
    assert (failure.status, failure.is_worth_another_attempt) == (status, is_worth_another_attempt)
    assert failure.reason


def test_a_reason_of_any_length_fits_into_a_message() -> None:
    refusal = HostFailure.of(StatusError.of(500, "\x00" * 1_000_000))
    assert len(refusal.to_json()) < 64 * 1024
    assert refusal.reason.startswith("\x00")


def test_a_refusal_keeps_the_words_of_the_host() -> None:
    refusal = StatusError.of(401, "sign in", signin_url="https://ollama.example/connect")
    payload = orjson.loads(HostFailure.of(refusal).to_json())
    assert payload == {"status": 401, "reason": "sign in", "signin_url": "https://ollama.example/connect"}


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert HostFailure.of(RuntimeError()).reason == "RuntimeError"
