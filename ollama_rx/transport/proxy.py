"""The proxy that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, and exceptions in NO_PROXY.

urllib reads the variables (lower case wins) and the settings of macOS and Windows. NO_PROXY follows the rules
of Go, and so of Ollama's own client, which urllib and httpx know only in part: networks such as 10.0.0.0/8,
IPv6, ``*.example.com``, and ports.
Source: https://pkg.go.dev/golang.org/x/net/http/httpproxy
"""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from ollama_rx.arguments import wrong_value

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_EXPECTED = "the URL of a proxy, such as http://proxy.example:3128"


class ProxyTransport(httpx.AsyncHTTPTransport):
    """httpx's transport through a proxy, with errors that name the proxy."""

    def __init__(self, proxy: httpx.Proxy, variable: str) -> None:
        super().__init__(proxy=proxy, limits=httpx.Limits(max_connections=None))
        self._shown = (
            f"the proxy {proxy.url} of {variable}"  # httpx has taken user and password out of the URL
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        try:
            return await super().handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise type(error)(f"{str(error) or type(error).__name__}, through {self._shown}") from error


def proxy_transport(url: httpx.URL) -> ProxyTransport | None:
    """Return a transport through the proxy for a server; None if the server is reached directly.

    Raises:
        ValueError: the proxy cannot be used; the message names the variable, and shows no password.
    """
    found = find_proxy(url)
    if found is None:
        return None
    text, variable = found
    proxy = _parse(text if "://" in text else f"http://{text}")
    if isinstance(proxy, str):
        raise wrong_value(variable, _EXPECTED, proxy)
    try:
        return ProxyTransport(proxy, variable)
    except ImportError as error:
        raise ValueError(
            f"{variable}: expected http:// or https://, got {proxy.url.scheme}://; "
            'for that, pip install "httpx[socks]"'
        ) from error
    except OSError as error:
        raise wrong_value(
            "SSL_CERT_FILE", "a file of certificates", os.environ.get("SSL_CERT_FILE")
        ) from error


def find_proxy(url: httpx.URL) -> tuple[str, str] | None:
    """Return the value and the name of the variable that holds the proxy for a URL."""
    if is_loopback(url):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - slow, and loopback never needs it

    settings = getproxies()
    kind = next((kind for kind in (url.scheme, "all") if settings.get(kind)), None)
    if kind is None:
        return None
    rules = settings.get("no")
    # Without NO_PROXY there may still be exceptions in the settings of the system.
    if proxy_bypass(url.netloc.decode()) if rules is None else is_excluded(url, rules):
        return None
    lower = f"{kind}_proxy"
    return settings[kind], lower if lower in os.environ else lower.upper()


def _parse(text: str) -> httpx.Proxy | str:
    """Return the proxy of a URL, or the part of an invalid URL that may be shown.

    An exception of httpx would show a part of a password that is not percent-encoded.
    """
    scheme, _, rest = (part.rpartition("@")[2] for part in text.partition("://"))
    shown = f"{scheme}://{rest}"
    try:
        proxy = httpx.Proxy(text)
    except (httpx.InvalidURL, ValueError):
        return shown
    url = proxy.url
    port_is_valid = url.port is None or 0 < url.port <= _MAX_PORT
    return proxy if url.host and port_is_valid and url.raw_path == b"/" and not url.fragment else shown


def is_loopback(url: httpx.URL) -> bool:
    """Tell whether a URL names this machine, which is always reached directly."""
    address = _address(url.host)
    return url.host == "localhost" or (address is not None and address.is_loopback)


def is_excluded(url: httpx.URL, rules: str) -> bool:
    """Tell whether the rules of NO_PROXY exclude a URL from using a proxy.

    The rules are separated by commas. ``*`` excludes all; ``example.com`` the name and its subdomains;
    ``.example.com`` and ``*.example.com`` the subdomains only; ``10.0.0.1``, ``::1`` and ``10.0.0.0/8`` an
    address or a network. All but ``*`` and networks may end with a port. A rule that says nothing is ignored.

    >>> is_excluded(httpx.URL("http://10.1.2.3:11434"), "intra.example, 10.0.0.0/8")
    True
    """
    return any(_matches(url, rule.strip().lower()) for rule in rules.split(","))


def _matches(url: httpx.URL, rule: str) -> bool:
    if rule == "*":
        return True
    address = _address(url.host)
    if "/" in rule:
        return address is not None and _is_within(address, rule)
    name, port = _split_port(rule)
    if port and port != str(url.port or _DEFAULT_PORTS[url.scheme]):
        return False
    if address is not None:
        return address == _address(name)
    domain = _to_ascii(name.removeprefix("*.").removeprefix("."))
    host = url.raw_host.decode()
    return bool(domain) and (host.endswith(f".{domain}") or (host == domain and name[0] not in "*."))


def _is_within(address: IPv4Address | IPv6Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _split_port(rule: str) -> tuple[str, str]:
    """Split ``name:port`` or ``[address]:port``; an IPv6 address without brackets has no port."""
    if rule.count(":") > 1 and not rule.startswith("["):
        return rule, ""
    name, _, port = rule.removeprefix("[").partition("]" if rule.startswith("[") else ":")
    return name, port.removeprefix(":")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address without its zone; an IPv4 address in an IPv6 one is the IPv4 address."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found


def _to_ascii(name: str) -> str:
    try:
        return name.encode("idna").decode()
    except UnicodeError:  # an empty or a very long label: it cannot be the name of a host
        return name
