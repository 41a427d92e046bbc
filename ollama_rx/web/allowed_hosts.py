"""What a server may be called: a defence against pages of others in a browser on this machine.

A browser sends requests to any server for any page that is open in it, and a page's name can be made to point
to this machine at any time ("DNS rebinding"). What the browser was told is in the header ``Host``, which a
page cannot choose.
"""

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from ollama_rx.arguments import as_items, check_text, wrong_value

LOCAL_HOSTS: Final = ("localhost", "127.0.0.0/8", "::1")
"""Names and addresses of this machine, as only it can use them."""

EVERY_ADDRESS: Final = ("0.0.0.0/0", "::/0")
"""Addresses of any machine: a name can be made to point here by anybody, an address cannot."""

_ANY_BELOW: Final = "*."  # before a name: each name that ends with it


class AllowedHosts:
    """What a server may be called by its clients.

    Args:
        allowed: names, ``*.name`` for all names below one, and addresses or networks of them.

    Raises:
        ValueError, TypeError: one of them is something else.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._ends: tuple[str, ...] = ()
        self._networks: list[IPv4Network | IPv6Network] = []
        for host in as_items("allowed_hosts", allowed):
            check_text("allowed_hosts", host)
            try:
                self._networks.append(ip_network(host))
            except ValueError:
                self._add_name(host)

    def _add_name(self, host: str) -> None:
        name = host.removeprefix(_ANY_BELOW)
        if not name or set(name) & set("/:@ *[]"):
            expected = "names such as 'localhost' or '*.localhost', and addresses or networks of them"
            raise wrong_value("allowed_hosts", expected, host) from None
        name = name.lower().rstrip(".")
        if host.startswith(_ANY_BELOW):
            self._ends += (f".{name}",)
        else:
            self._names.add(name)

    def has(self, host: str) -> bool:
        """Check what a request says, which may have a port."""
        name, port = _split_port(host.lower())
        if port and not (port.isascii() and port.isdigit()):
            return False
        with suppress(ValueError):
            address = ip_address(name)
            return any(address in network for network in self._networks)
        name = name.rstrip(".")
        return name in self._names or name.endswith(self._ends)


def _split_port(host: str) -> tuple[str, str]:
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        return name, port.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port
