"""How to log in at NATS. Secrets stay in here: no `repr`, error or log line shows one."""

import os
import ssl
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from ollama_rx.arguments import optional_texts

StrPath = str | os.PathLike[str]

_LOGINS = ("user", "token", "creds")  # three ways to log in, of which one is used


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to log in at a NATS server, and which certificates to use.

    A login is a user and a password, or a token, or a credentials file. What is not given comes from the URL
    of the server (``nats://user:password@host``, ``nats://token@host``), then from the environment: NATS_USER
    and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS; NATS_CA, NATS_CERT and NATS_KEY. The first of these places that
    has a login gives all of it. With a CA or a certificate the connection is always encrypted, as with a
    ``tls://`` URL.

    >>> Credentials(user="ada", password="secret")
    Credentials(creds=None, ca=None, cert=None, key=None)

    Args:
        user: a user of the server; without a password it is a token, as everywhere in NATS.
        password: that of the user.
        token: a text that all clients share.
        creds: a file with a user's JWT and seed, as ``nsc`` writes it. It is read for each connection.
        ca: a file with the certificates that the server's has to be signed with; the system's if it is None.
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
        """Return what the environment says; an empty variable says nothing.

        Raises:
            ValueError: its variables contradict each other.
        """
        spelled = {name: f"NATS_{name.upper()}" for name in cls.__slots__}
        found = {name: value for name in cls.__slots__ if (value := environment.get(spelled[name]))}
        _check_parts(found, spelled)
        return cls(**found)

    @property
    def has_login(self) -> bool:
        """Whether this says how to log in."""
        return any(getattr(self, name) is not None for name in _LOGINS)

    @property
    def has_certificates(self) -> bool:
        """Whether this says something about certificates, which only matter to encrypted connections."""
        return self.ca is not None or self.cert is not None

    def or_else(self, other: Self) -> Self:
        """Return these with what is missing taken from others: the login as a whole, and the certificates."""
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
        """Read the certificates.

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
    """Refuse credentials that contradict each other; ``spelled`` has the name of each where it was given."""
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
    """Name the file that cannot be used; errors of TLS name none."""
    try:
        yield
    except OSError as error:  # an error of TLS is one, too
        raise ValueError(f"credentials: cannot read {what} in {path}: {error.strerror or error}") from error


def _refuse_passphrase() -> str:
    raise ValueError("credentials: the key has a passphrase; use one without")
