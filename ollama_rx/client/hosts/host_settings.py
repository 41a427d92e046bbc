"""One of the servers of a client, as the caller describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ollama_rx.arguments import (
    as_items,
    check_positive,
    check_text,
    optional_mapping,
    optional_whole,
    wrong_type,
    wrong_value,
)
from ollama_rx.client.host import base_url


@dataclass(frozen=True, slots=True)
class Host:
    """One of several servers: its address, its share of the streams, and headers of its own.

    Args:
        url: the address, in any form that ``Client(host)`` takes. It is not shown by ``repr``, because there
            may be a password in it; `HostStatus.url` is the address without that.
        weight: a host of weight 2 gets twice as many streams as one of weight 1.
        max_streams: so many streams at most at the same time; None for no limit.
        headers: sent to this host only, such as its ``authorization``.

    Raises:
        ValueError: an invalid address, a weight that is not above zero, a limit below one.
        TypeError: an argument of a wrong type.
    """

    url: str = field(repr=False)
    weight: float = 1.0
    max_streams: int | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_text("url", self.url)
        base_url(self.url)
        check_positive("weight", self.weight)
        optional_whole("max_streams", self.max_streams, least=1)
        optional_mapping("headers", self.headers)


def checked_hosts(hosts: Sequence[str | Host]) -> tuple[Host, ...]:
    """Return the hosts of a client, each as a `Host`."""
    found = tuple(_checked(host) for host in as_items("hosts", hosts, "a list of addresses or Hosts"))
    if not found:
        raise wrong_value("hosts", "at least one host", [])
    return found


def _checked(host: object) -> Host:
    if isinstance(host, Host):
        return host
    if isinstance(host, str):
        return Host(host)
    raise wrong_type("hosts", "addresses or Hosts in the list", host)
