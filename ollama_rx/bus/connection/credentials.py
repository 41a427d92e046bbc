"""How to log in to NATS. No `repr`, error or log line shows a secret."""

import os
import ssl
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from ollama_rx.arguments import optional_texts

StrPath = str | os.PathLike[str]

_LOGINS = ("user", "token", "creds")  # three ways to log in; only one may be given


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to log in to a NATS server, and which certificates to use.

    A login is a user and a password, or a token, or a credentials file. What is not given comes from the URL
    of the server (``nats://user:password@host``, ``nats://token@host``), then from the environment: NATS_USER
    and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS; NATS_CA, NATS_CERT and NATS_KEY. The whole login comes from the
    first of these places that has one. With a CA or a certificate the connection is always encrypted, as with
    a ``tls://`` URL.

    >>> Credentials(user="ada", password="secret")
    Credentials(creds=None, ca=None, cert=None, key=None)

    Args:
        user: a user of the server; without a password it is used as a token, as everywhere in NATS.
        password: the password of the user.
        token: a text that all clients share.
        creds: a file with a user's JWT and seed, as ``nsc`` writes it. It is read for each connection.
        ca: a file with the CA certificates for checking the server's certificate; None uses the system's.
        cert: a file with the certificate that this client shows to the server.
        key: a file with the private key of that certificate, unless ``cert`` holds it too.

    Raises:
        ValueError: more than one login is given, or a part of one is missing.
    """

    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    creds: StrPath | None = None
    ca: StrPath | None = None
    cert: StrPath | None = None
    key: StrPath | None = None

    def __post_init__(self) -> None:
        optional_texts(user=self.user, password=self.password, token=self.token)
        given = {name for name in self.__slots__ if getattr(self, name) is not None}
        _check_parts(given, {name: name for name in self.__slots__})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the credentials from the environment; an empty variable counts as missing.

        Raises:
            ValueError: the variables contradict each other.
        """
        spelled = {name: f"NATS_{name.upper()}" for name in cls.__slots__}
        found = {name: value for name in cls.__slots__ if (value := environment.get(spelled[name]))}
        _check_parts(found, spelled)
        return cls(**found)

    @property
    def has_login(self) -> bool:
        """Whether a login is given."""
        return any(getattr(self, name) is not None for name in _LOGINS)

    @property
    def has_certificates(self) -> bool:
        """Whether a CA or a certificate is given; they only matter to encrypted connections."""
        return self.ca is not None or self.cert is not None

    def or_else(self, other: Self) -> Self:
        """Return a copy that takes from ``other`` what is missing: the login as a whole, the certificates."""
        both = self
        if not both.has_login:
            both = replace(
                both, user=other.user, password=other.password, token=other.token, creds=other.creds
            )
        if both.ca is None:
            both = replace(both, ca=other.ca)
        if both.cert is None:
            both = replace(both, cert=other.cert, key=other.key)
        return both

    def tls_context(self) -> ssl.SSLContext:
        """Read the certificates into an SSL context.

        Raises:
            ValueError: a file is missing or is not what it should be.
        """
        ca, cert, key = map(_expanded, (self.ca, self.cert, self.key))
        with _naming("the CA certificates", ca):
            context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            with _naming("the certificate or its key", cert):
                context.load_cert_chain(cert, key, password=_refuse_passphrase)
        return context


def _check_parts(given: Collection[str], spelled: Mapping[str, str]) -> None:
    """Refuse contradictory credentials; ``spelled`` maps each field to its argument or variable name."""
    logins = [spelled[name] for name in _LOGINS if name in given]
    if len(logins) > 1:
        raise ValueError(f"credentials: expected one login, got {' and '.join(logins)}")
    for part, whole in (("password", "user"), ("key", "cert")):
        if part in given and whole not in given:
            raise ValueError(f"credentials: {spelled[part]} needs {spelled[whole]}")


def _expanded(path: StrPath | None) -> Path | None:
    return None if path is None else Path(path).expanduser()


@contextmanager
def _naming(what: str, path: Path | None) -> Generator[None]:
    """Name the unusable file in the error; TLS errors do not name a file."""
    try:
        yield
    except OSError as error:  # `ssl.SSLError` is an OSError, too
        raise ValueError(f"credentials: cannot read {what} in {path}: {error.strerror or error}") from error


def _refuse_passphrase() -> str:
    raise ValueError("credentials: the key has a passphrase; use one without")
