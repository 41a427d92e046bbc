"""What an error before the first item says about a host."""

import pytest

from ollama_rx.client.hosts.failures import Failure, failure_of
from ollama_rx.errors import (
    BadLineError,
    ClientClosedError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    ServerError,
    StatusError,
    TotalTimeout,
    UnreachableError,
)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (UnreachableError("http://a", "refused"), Failure.REST),
        (FirstChunkTimeout(1), Failure.REST),
        (IdleTimeout(1), Failure.REST),
        (IncompleteStreamError("cut"), Failure.REST),
        (IncompleteStreamError("ended by the server", retryable=False), Failure.FINAL),
        (StatusError.of(503, "busy"), Failure.REST),
        (StatusError.of(429, "too many"), Failure.REST),
        (ServerError("busy", status=503), Failure.REST),
        (StatusError.of(404, "model 'a' not found"), Failure.NO_MODEL),
        (StatusError.of(500, "out of memory"), Failure.NEXT),
        (ServerError("out of memory"), Failure.NEXT),
        (ServerError("bad", status=400), Failure.FINAL),
        (StatusError.of(400, "bad"), Failure.FINAL),
        (StatusError.of(401, "sign in"), Failure.FINAL),
        (TotalTimeout(1), Failure.FINAL),
        (BadLineError(b"x"), Failure.FINAL),
        (ClientClosedError(), Failure.FINAL),
        (KeyError("a bug"), Failure.FINAL),
    ],
    ids=repr,
)
def test_each_error_has_a_meaning(error: Exception, failure: Failure) -> None:
    assert failure_of(error) is failure
