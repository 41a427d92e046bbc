"""OLLAMA_HOST: from what people write to a base URL.

The rules are Ollama's own (Go), with what its official Python client stumbles over put right:
spaces and quotes are trimmed, an unspecified address becomes loopback, user information stays, a
bare IPv6 address works. Source: https://github.com/ollama/ollama/blob/main/envconfig/config.go
"""

import logging
import os
import re
from ipaddress import IPv6Address
from urllib.parse import quote, unquote

DEFAULT_PORT = 11434
_log = logging.getLogger(__name__)
_UNSPECIFIED = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never bound
_HIGHEST_PORT = 65535
_NAME = re.compile(r"[\w.-]*")


def base_url(host: str | None = None) -> str:
    """Return the server's base URL without a trailing slash.

    ``host`` wins over the environment variable OLLAMA_HOST, which wins over the default.

    >>> base_url("https://example.com/ollama/")
    'https://example.com:443/ollama'
    >>> base_url("::1")
    'http://[::1]:11434'

    Raises:
        ValueError: a scheme other than http and https, or an address that is none. A port that is
            none is replaced by the default with a warning, as Ollama does.
    """
    text = os.environ.get("OLLAMA_HOST", "") if host is None else host
    text = text.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower() if separator else "http"
    if not separator:
        rest = text
    if scheme not in {"http", "https"}:
        raise ValueError(f"host: {scheme}:// is not a way to reach Ollama; use http:// or https://")
    port = {"http": 80, "https": 443}[scheme] if separator else DEFAULT_PORT
    authority, _, path = rest.partition("/")
    user, at, address = authority.rpartition("@")
    name, given = _split(address)
    if given:
        port = _port(given, port)
    if name == "ollama.com" and not separator and not given:
        scheme, port = "https", 443
    name = _UNSPECIFIED.get(name, name)
    shown = f"[{name}]" if ":" in name else name
    path = "/".join(part for part in path.split("?")[0].split("/") if part)
    return f"{scheme}://{_quoted(user)}{at}{shown}:{port}" + (f"/{path}" if path else "")


def _split(address: str) -> tuple[str, str]:
    """Split an address into name and port; either may be empty."""
    if address.startswith("["):
        name, _, rest = address[1:].partition("]")
        return _ipv6(name), rest.removeprefix(":")
    if address.count(":") > 1:
        return _ipv6(address), ""
    name, _, port = address.partition(":")
    if not _NAME.fullmatch(name):
        raise ValueError(f"host: {name!r} is no address")
    return name.lower(), port


def _ipv6(address: str) -> str:
    try:
        return str(IPv6Address(address))
    except ValueError as error:
        raise ValueError(f"host: {address!r} is no IPv6 address; write [address]:port") from error


def _port(text: str, default: int) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT:
        return int(text)
    _log.warning("host: %r is no port, using %d", text, default)
    return default


def _quoted(user: str) -> str:
    name, colon, password = user.partition(":")
    return quote(unquote(name), safe="") + colon + quote(unquote(password), safe="")
