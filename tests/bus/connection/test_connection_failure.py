"""A connection that fails has a reason in plain words."""

import ssl

import pytest
from nats.errors import Error as NatsError

from ollama_rx import UnauthorizedError, UnreachableError
from ollama_rx.bus.connection.connection_failure import failure_of

URL = "nats://bus.example:4222"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 4222)"), "Connection refused"),
        (OSError(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError(), "no answer in time"),
        (NatsError("nats: empty response from server"), "what answers there is not a NATS server"),
        (NatsError("nats: info message, json parse error"), "what answers there is not a NATS server"),
        (
            ssl.SSLCertVerificationError(
                1,
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: it has expired (_ssl.c:1)",
            ),
            "the server's certificate does not hold: it has expired",
        ),
        (
            ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate (_ssl.c:1)"),
            "the server's certificate is signed by an unknown CA; NATS_CA names the file of one",
        ),
        (
            ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"),
            "the server asks for a certificate; NATS_CERT and NATS_KEY name its files",
        ),
        (
            ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)"),
            "the server does not accept this client's certificate",
        ),
        (
            BrokenPipeError(32, "Broken pipe"),
            "the server hung up; if it asks for a certificate, NATS_CERT and NATS_KEY name its files",
        ),
    ],
)
def test_the_reason_is_in_plain_words(error: Exception, words: str) -> None:
    failure = failure_of(URL, error)
    assert isinstance(failure, UnreachableError)
    assert str(failure) == f"cannot reach {URL} ({words}); is the NATS server running?"


@pytest.mark.parametrize(
    "reason",
    ["Authorization Violation", "User Authentication Expired", "User Authentication Revoked"],
)
def test_a_refused_login_is_no_failure_of_the_network(reason: str) -> None:
    failure = failure_of(URL, NatsError(f"nats: '{reason}'"))
    assert isinstance(failure, UnauthorizedError)
    assert failure.status == 401
    assert failure.reason == f"cannot log in at {URL} ({reason})"
