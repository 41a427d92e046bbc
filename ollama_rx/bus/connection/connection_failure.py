"""Explain in plain words why a connection to NATS failed."""

import re

from ollama_rx.errors import OllamaError, UnauthorizedError, UnreachableError
from ollama_rx.transport.failure_words import connect_words

_UNAUTHORIZED = 401
# How the server refuses a login: 'Authorization Violation', 'User Authentication Expired', 'Account
# Authentication Expired', 'User Authentication Revoked', 'Authentication Timeout'.
# Source: https://github.com/nats-io/nats-server/blob/main/server/errors.go
_LOGIN_REFUSED = re.compile("authorization violation|authentication ", re.IGNORECASE)
_WORDS = {
    "empty response|json parse error": "what answers there is not a NATS server",
    "unable to get local issuer|self-signed": (
        "the server's certificate is signed by an unknown CA; NATS_CA names the file of one"
    ),
    "CERTIFICATE_VERIFY_FAILED": "the server's certificate does not hold: {text}",
    "CERTIFICATE_REQUIRED": "the server asks for a certificate; NATS_CERT and NATS_KEY name its files",
    "ALERT": "the server does not accept this client's certificate",
}
_TLS_WORDS = re.compile(r"^\[SSL[^]]*\] (certificate verify failed: )?| \(_ssl\.c:\d+\)$")


def failure_of(url: str, error: Exception) -> OllamaError:
    """Return the error for a connection that failed; the message shows ``url``, which has no credentials.

    >>> from nats.errors import Error
    >>> print(failure_of("nats://bus.example:4222", Error("nats: 'Authorization Violation'")))
    HTTP 401: cannot log in at nats://bus.example:4222 (Authorization Violation); ...
    """
    text = str(error)
    if is_refused_login(text):
        reason = text.removeprefix("nats: ").strip("'")
        return UnauthorizedError(_UNAUTHORIZED, f"cannot log in at {url} ({reason})")
    return UnreachableError(url, _words(error))


def is_refused_login(text: str) -> bool:
    """Whether an error's text says that the server refuses the login, or no longer accepts it."""
    return _LOGIN_REFUSED.search(text) is not None


def _words(error: Exception) -> str:
    text = str(error)
    for pattern, words in _WORDS.items():
        if re.search(pattern, text):
            return words.format(text=_TLS_WORDS.sub("", text))
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the server hung up; if it asks for a certificate, NATS_CERT and NATS_KEY name its files"
    return connect_words(error)
