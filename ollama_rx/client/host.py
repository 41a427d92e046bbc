"""Parse OLLAMA_HOST, in all the forms that people write it, into a base URL.

The rules are Ollama's own (in Go). Unlike the official Python client, this also trims spaces and quotes,
turns an unspecified address into loopback, keeps user information, and accepts IPv6 without brackets and with
a zone. Unlike Ollama, it refuses what can only be a mistake: a query, a fragment, an ``@`` in the path. No
error and no warning shows user information.
Source: https://github.com/ollama/ollama/blob/main/envconfig/config.go
"""

import logging
import os
import re
from ipaddress import IPv6Address
from urllib.parse import quote, unquote_to_bytes

from ollama_rx.arguments import wrong_value

DEFAULT_PORT = 11434
_log = logging.getLogger(__name__)
_UNSPECIFIED = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never bound
_BUS_SCHEMES = frozenset({"nats", "tls"})
_MAX_PORT = 65535
_HOST_NAME = re.compile(r"[\w.-]*")
_ENCODED_ZONE = re.compile("%25(?=.)")  # RFC 6874: how a URL writes the % before the zone of an IPv6 address


def base_url(host: str | None = None) -> str:
    """Return the server's base URL without a trailing slash.

    ``host`` wins over the environment variable OLLAMA_HOST, which wins over the default.

    >>> base_url("https://example.com/ollama/")
    'https://example.com:443/ollama'
    >>> base_url("::1")
    'http://[::1]:11434'

    Raises:
        ValueError: a scheme other than http and https, an invalid address, a query or a fragment. An invalid
            port is not an error: it is replaced by the default with a warning, as Ollama does.
    """
    text = os.environ.get("OLLAMA_HOST", "") if host is None else host
    text = text.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower() if separator else "http"
    if not separator:
        rest = text
    if scheme in _BUS_SCHEMES:
        raise ValueError(
            f"host: expected http:// or https://, got {scheme}://; for a bus write "
            "Client(transport=ollama_rx.bus.jetstream(...))"
        )
    if scheme not in {"http", "https"}:
        raise wrong_value("host", "http:// or https://", f"{scheme.rpartition('@')[2]}://")
    port = {"http": 80, "https": 443}[scheme] if separator else DEFAULT_PORT
    authority, _, path = rest.partition("/")
    _refuse_what_would_be_lost(rest, path)
    user, at, address = authority.rpartition("@")
    name, port_text = _split_port(address)
    if port_text:
        port = _parse_port(port_text, port)
    if name == "ollama.com" and not separator and not port_text:
        scheme, port = "https", 443
    name = _UNSPECIFIED.get(name, name)
    shown = f"[{name}]" if ":" in name else name
    path = "".join(f"/{part}" for part in path.split("/") if part)
    return f"{scheme}://{_quote_user(user)}{at}{shown}:{port}{path}"


def _refuse_what_would_be_lost(rest: str, path: str) -> None:
    """Refuse text that an HTTP library would drop or read differently; it may be a part of a password."""
    if not rest.isprintable():
        raise ValueError("host: expected printable characters, got others; write those percent-encoded")
    if "?" in rest or "#" in rest:
        raise ValueError(
            "host: expected no query and no fragment, got ? or #; in a password or a path, write %3F or %23"
        )
    if "@" in path:
        raise ValueError(
            "host: expected no @ in the path, got one; write %40 there, or %2F for a / in a password"
        )


def _split_port(address: str) -> tuple[str, str]:
    """Split an address into name and port; either may be empty."""
    if address.startswith("["):
        name, _, rest = address[1:].partition("]")
        return _parse_ipv6(name), rest.removeprefix(":")
    if address.count(":") > 1:
        return _parse_ipv6(address), ""
    name, _, port = address.partition(":")
    if not _HOST_NAME.fullmatch(name):
        raise wrong_value("host", "an address", name)
    return name.lower(), port


def _parse_ipv6(address: str) -> str:
    try:
        return str(IPv6Address(_ENCODED_ZONE.sub("%", address, count=1)))
    except ValueError as error:
        raise wrong_value("host", "an IPv6 address, or [address]:port", address) from error


def _parse_port(text: str, default: int) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _MAX_PORT:
        return int(text)
    _log.warning("host: expected a port, got %r; using %d", text, default)
    return default


def _quote_user(user: str) -> str:
    """Encode a user and a password, which may be encoded already; their bytes need not be UTF-8."""
    name, colon, password = user.partition(":")
    return quote(unquote_to_bytes(name), safe="") + colon + quote(unquote_to_bytes(password), safe="")
