"""Where the servers of the bus are, and how to connect to them."""

import os
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self, TypedDict
from urllib.parse import unquote, urlsplit

from nats.aio.client import Client as NatsClient

from ollama_rx.arguments import text_or_texts
from ollama_rx.bus.connection.credentials import Credentials
from ollama_rx.bus.connection.creds_file import CredsFile
from ollama_rx.bus.connection.nats_transport import new_client

DEFAULT_URL: Final = "nats://127.0.0.1:4222"
URL_VARIABLE: Final = "NATS_URL"
_DEFAULT_PORT = 4222
_SCHEMES = ("nats", "tls")
_HOST = re.compile(r"[\w.:%-]+")  # a name, or an address


class ConnectArguments(TypedDict, total=False):
    """Arguments of nats-py's ``connect``."""

    servers: list[str]
    user: str
    password: str
    token: str
    user_jwt_cb: Callable[[], bytes]
    signature_cb: Callable[[str], bytes]
    tls: ssl.SSLContext


class _ServerAddress(NamedTuple):
    """One server: its URL without credentials, and the credentials that the URL contained."""

    url: str
    credentials: Credentials


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionOptions:
    """The servers of the bus and the credentials for them; neither `repr` nor ``shown_url`` shows a secret.

    >>> ConnectionOptions.of("nats://ada:secret@bus.example, nats://ada:secret@bus2.example:5000")
    <ConnectionOptions nats://bus.example:4222,nats://bus2.example:5000>
    """

    urls: tuple[str, ...]
    _credentials: Credentials
    _tls: ssl.SSLContext | None

    @classmethod
    def of(cls, servers: str | Sequence[str] | None = None, credentials: Credentials | None = None) -> Self:
        """Read the arguments, and the environment for what they do not say.

        Args:
            servers: ``nats://host:port`` or ``tls://host:port``, several in a list or separated by commas.
                None means NATS_URL, or else the server on this machine. The host may be preceded by a token,
                or by a user and a password, percent-encoded (``nats://user:password@host``). Some servers of
                a cluster are enough: they announce the others.
            credentials: how to log in; what is missing comes from the URLs, then from the environment.

        Raises:
            ValueError: a URL or the credentials are invalid; a file that they name is missing or invalid.
        """
        found = _read_servers(servers)
        in_urls = {server.credentials for server in found if server.credentials.has_login}
        if len(in_urls) > 1:
            raise ValueError("servers: expected one login for all of them, got several")
        login = credentials or Credentials()
        for other in (*in_urls, Credentials.from_environment()):
            login = login.or_else(other)
        if login.creds is not None:
            CredsFile(login.creds).check()
        urls = tuple(server.url for server in found)
        is_encrypted = login.has_certificates or any(url.startswith("tls:") for url in urls)
        return cls(urls, login, login.tls_context() if is_encrypted else None)

    def __repr__(self) -> str:
        return f"<ConnectionOptions {self.shown_url}>"

    @property
    def shown_url(self) -> str:
        """The servers without credentials, for messages."""
        return ",".join(self.urls)

    def new_client(self) -> NatsClient:
        """Return a nats-py client that is not connected yet."""
        return new_client(demands_tls=self._tls is not None)

    def connect_arguments(self) -> ConnectArguments:
        """Return the arguments that tell the client where and how to connect."""
        arguments = ConnectArguments(servers=list(self.urls))
        login = self._credentials
        if login.creds is not None:
            file = CredsFile(login.creds)
            arguments["user_jwt_cb"] = file.user_jwt
            arguments["signature_cb"] = file.sign
        elif login.user is not None and login.password is not None:
            arguments["user"] = login.user
            arguments["password"] = login.password
        elif (token := login.token or login.user) is not None:
            arguments["token"] = token
        if self._tls is not None:
            arguments["tls"] = self._tls
        return arguments


def _read_servers(servers: str | Sequence[str] | None) -> list[_ServerAddress]:
    given = os.environ.get(URL_VARIABLE) or DEFAULT_URL if servers is None else servers
    texts = text_or_texts("servers", given)
    several = [texts] if isinstance(texts, str) else texts
    urls = [text for some in several for text in some.split(",") if text.strip()]
    if not urls:
        raise ValueError("servers: expected a URL such as nats://127.0.0.1:4222, got none")
    if not _has_plain_logins(urls):
        raise _wrong_url()
    return [_read_server(url) for url in urls]


def _has_plain_logins(urls: Sequence[str]) -> bool:
    """Whether all URLs have a login, or at most the first; otherwise a password may contain a comma."""
    have = ["@" in url for url in urls]
    return all(have) or not any(have[1:])


def _wrong_url() -> ValueError:
    """Build an error that does not show the URL: any part of an invalid URL may belong to a password."""
    return ValueError(
        "servers: expected nats://host:port or tls://host:port, got something else, which is not shown "
        "because it may hold a password; special characters of a password are written percent-encoded"
    )


def _read_server(text: str) -> _ServerAddress:
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "nats", text.strip()
    scheme = scheme.lower()
    login, at, address = rest.removesuffix("/").rpartition("@")
    host, port = _read_address(address)
    if scheme not in _SCHEMES or not host or (at and not login):
        raise _wrong_url()
    return _ServerAddress(f"{scheme}://{host}:{port}", _read_login(login))


def _read_address(address: str) -> tuple[str, int]:
    """Return the host and the port; the host is empty if the address is invalid."""
    try:
        parts = urlsplit(f"//{address}")
        port = parts.port
    except ValueError:
        return "", 0
    host = parts.hostname or ""
    if parts.netloc != address or not _HOST.fullmatch(host):
        return "", 0
    return f"[{host}]" if ":" in host else host, _DEFAULT_PORT if port is None else port


def _read_login(login: str) -> Credentials:
    user, has_password, password = login.partition(":")
    return Credentials(
        user=unquote(user) if login else None, password=unquote(password) if has_password else None
    )
