"""Open connections. A name may have several addresses, of which some may be dead ("happy eyeballs").

The addresses are tried in turn, a quarter of a second apart, and the first that answers wins. This is done
here because uvloop cannot do it.

Source: https://www.rfc-editor.org/rfc/rfc8305
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, nullcontext
from itertools import zip_longest
from typing import TypeVar

import httpx

from ollama_rx.transport.timeouts import TimeLimit

P = TypeVar("P", bound=asyncio.BaseProtocol)

_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, _Address]
"""An address as `socket.getaddrinfo` returns it."""

_STAGGER = 0.25  # seconds between two attempts, as RFC 8305 recommends in section 8


async def connect(
    new_protocol: Callable[[], P], host: str, port: int, *, tls: ssl.SSLContext | None, seconds: float | None
) -> P:
    """Return the protocol of a new connection.

    Raises:
        httpx.ConnectTimeout: no address has answered within so many seconds.
        httpx.ConnectError: all addresses have failed, the name has none, or TLS has failed.
    """
    failures: list[str] = []
    server_hostname = None if tls is None else host.partition("%")[0]  # without the zone of an IPv6 address
    loop = asyncio.get_running_loop()
    try:
        async with nullcontext() if seconds is None else TimeLimit(seconds):
            addresses: Sequence[_AddressInfo] = () if _is_ip_address(host) else await _resolve(host, port)
            if len(addresses) > 1:
                connected = await _connect_to_any(addresses, failures)
                _, protocol = await loop.create_connection(
                    new_protocol, sock=connected, ssl=tls, server_hostname=server_hostname
                )
            else:
                address = str(addresses[0][4][0]) if addresses else host
                _, protocol = await loop.create_connection(
                    new_protocol, address, port, ssl=tls, server_hostname=server_hostname
                )
    except TimeoutError as error:
        raise httpx.ConnectTimeout("; ".join(["timed out while connecting", *failures])) from error
    except OSError as error:
        raise httpx.ConnectError(str(error) or type(error).__name__) from error
    return protocol


def _is_ip_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


async def _resolve(host: str, port: int) -> Sequence[_AddressInfo]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [_with_zone_in_text(address_info) for address_info in found]


def _with_zone_in_text(address_info: _AddressInfo) -> _AddressInfo:
    """Write the zone of a link-local address as part of its text, since uvloop ignores it elsewhere."""
    family, kind, protocol, name, address = address_info
    match address:
        case (str(text), port, flow, zone) if zone:
            return family, kind, protocol, name, (f"{text}%{zone}", port, flow, zone)
        case _:
            return address_info


def _alternate_families(addresses: Iterable[_AddressInfo]) -> list[_AddressInfo]:
    """Sort addresses so that one family does not delay the other, as RFC 8305 recommends in section 4."""
    families: dict[socket.AddressFamily, list[_AddressInfo]] = {}
    for address in dict.fromkeys(addresses):
        families.setdefault(address[0], []).append(address)
    rounds = zip_longest(*families.values())
    return [address for each in rounds for address in each if address is not None]


async def _connect_to_any(addresses: Iterable[_AddressInfo], failures: list[str]) -> socket.socket:
    """Return a socket that is connected to one of the addresses; ``failures`` says what became of others."""
    attempts: set[asyncio.Task[socket.socket | None]] = set()
    with ExitStack() as on_failure:
        try:
            connected = on_failure.enter_context(await _first_connected(addresses, attempts, failures))
        finally:
            for attempt in attempts:
                attempt.cancel()
                attempt.add_done_callback(_close_socket)
            if attempts:
                await asyncio.wait(attempts)  # which may be cancelled after an attempt has succeeded
        on_failure.pop_all()
        return connected


async def _first_connected(
    addresses: Iterable[_AddressInfo], attempts: set[asyncio.Task[socket.socket | None]], failures: list[str]
) -> socket.socket:
    """Return the socket of the first attempt that succeeds; ``attempts`` holds all others not yet handled."""
    waiting = _alternate_families(addresses)
    while waiting or attempts:
        if waiting:
            attempts.add(asyncio.create_task(_try_to_connect(waiting.pop(0), failures)))
        done, _ = await asyncio.wait(
            attempts, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
        )
        for attempt in done:
            attempts.remove(attempt)  # those after it may have succeeded at the same moment
            connected = attempt.result()
            if connected is not None:
                return connected
    raise OSError("; ".join(failures))


async def _try_to_connect(address_info: _AddressInfo, failures: list[str]) -> socket.socket | None:
    family, kind, protocol, _, address = address_info
    with ExitStack() as on_failure:
        try:
            connecting = on_failure.enter_context(socket.socket(family, kind, protocol))
            connecting.settimeout(0)
            await asyncio.get_running_loop().sock_connect(connecting, address)
        except OSError as error:
            failures.append(f"{address[0]!s}: {os.strerror(error.errno or 0)}")
            return None
        except asyncio.CancelledError:
            failures.append(f"{address[0]!s}: no answer")
            raise
        on_failure.pop_all()
        return connecting


def _close_socket(attempt: "asyncio.Task[socket.socket | None]") -> None:
    """Close the socket of an attempt that has succeeded although another one has won."""
    if not attempt.cancelled() and (connected := attempt.result()) is not None:
        connected.close()
