"""Which addresses a connection may go to, so that a mail host that a user names never leads inside.

The address that was checked is the one to connect to: asking the name server a second time could give
another answer (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from zena_sse.errors import HostNotAllowed, MailboxUnreachable

# How a NAT64 gateway writes an IPv4 address (RFC 6052): to us it is that address.
NAT64 = IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], list[str]]


def is_public(address: str) -> bool:
    """Whether this address belongs to a host on the public internet."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.is_site_local:
            return False
        if (inner := _inner_address(ip)) is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def caller_of(address: str) -> str | None:
    """Whom an address counts for: itself, or its /64, which one IPv6 customer has whole.

    None for this machine: that is a proxy, with many users behind it. `address` may have a port, as some
    proxies write it; what is no address counts for itself.
    """
    host = address[1:].partition("]")[0] if address.startswith("[") else address
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        ip = ip_address(host)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return None
    return str(IPv6Network((int(ip), 64), strict=False)) if isinstance(ip, IPv6Address) else str(ip)


def vetted_addresses(host: str, port: int, *, allow_private: bool, resolve: Resolve) -> list[str]:
    """The addresses of a host, all of them public unless `allow_private`.

    Raises `HostNotAllowed`, or `MailboxUnreachable` when the host has none.
    """
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or too long
        raise MailboxUnreachable(f"{host}:{port}: there is no host of this name") from error
    if not allow_private and not all(is_public(address) for address in addresses):
        raise HostNotAllowed(f"{host}:{port} is on a private address, which is not allowed here")
    return addresses


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host, in the order in which to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _inner_address(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one stands for: mapped, 6to4, NAT64."""
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
