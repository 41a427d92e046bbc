"""Parse OLLAMA_HOST, in all the forms that people write it, into a base URL.

The rules are Ollama's own (in Go). Unlike the official Python client, this also trims spaces and quotes,
turns an unspecified address into loopback, keeps user information, and accepts IPv6 without brackets.
Source: https://github.com/ollama/ollama/blob/main/envconfig/config.go
"""

import logging
import os
import re
from ipaddress import IPv6Address
from urllib.parse import quote, unquote

from ollama_rx.arguments import wrong_value

DEFAULT_PORT = 11434
_log = logging.getLogger(__name__)
_UNSPECIFIED = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never bound
_MAX_PORT = 65535
_END_OF_PATH = re.compile("[?#]")
_HOST_NAME = re.compile(r"[\w.-]*")


def base_url(host: str | None = None) -> str:
    """Return the server's base URL without a trailing slash.

    ``host`` wins over the environment variable OLLAMA_HOST, which wins over the default.

    >>> base_url("https://example.com/ollama/")
    'https://example.com:443/ollama'
    >>> base_url("::1")
    'http://[::1]:11434'

    Raises:
        ValueError: a scheme other than http and https, or an invalid address. An invalid port is not an
            error: it is replaced by the default with a warning, as Ollama does.
    """
    text = os.environ.get("OLLAMA_HOST", "") if host is None else host
    text = text.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower() if separator else "http"
    if not separator:
        rest = text
    if scheme not in {"http", "https"}:
        raise wrong_value("host", "http:// or https://", f"{scheme}://")
    port = {"http": 80, "https": 443}[scheme] if separator else DEFAULT_PORT
    authority, _, path = rest.partition("/")
    user, at, address = authority.rpartition("@")
    name, port_text = _split_port(address)
    if port_text:
        port = _parse_port(port_text, port)
    if name == "ollama.com" and not separator and not port_text:
        scheme, port = "https", 443
    name = _UNSPECIFIED.get(name, name)
    shown = f"[{name}]" if ":" in name else name
    path = "/".join(part for part in _END_OF_PATH.split(path)[0].split("/") if part)
    return f"{scheme}://{_quote_user(user)}{at}{shown}:{port}" + (f"/{path}" if path else "")


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
        return str(IPv6Address(address))
    except ValueError as error:
        raise wrong_value("host", "an IPv6 address, or [address]:port", address) from error


def _parse_port(text: str, default: int) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _MAX_PORT:
        return int(text)
    _log.warning("host: expected a port, got %r; using %d", text, default)
    return default


def _quote_user(user: str) -> str:
    name, colon, password = user.partition(":")
    return quote(unquote(name), safe="") + colon + quote(unquote(password), safe="")
