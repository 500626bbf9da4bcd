"""Addresses that an operator lists, and whether somebody's is among them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

#: How to list connections over a unix socket: they have no address.
UNIX = "unix"


class Networks:
    """Addresses, networks and the word ``unix``."""

    def __init__(self, listed: Iterable[str] = ()) -> None:
        """
        :raises ValueError: when one of them is none of these, or stands for every address.
        """
        texts = [each.strip() for each in listed]
        self._has_unix = UNIX in texts
        self._networks = [_network(each) for each in texts if each != UNIX]

    def __bool__(self) -> bool:
        return self._has_unix or bool(self._networks)

    def has(self, host: str | None) -> bool:
        """Whether an address is among them; None is that of a unix socket."""
        if host is None:
            return self._has_unix
        try:
            address = plain_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def plain_address(host: str) -> IPv4Address | IPv6Address:
    """
    An address; one of IPv4 that came through a socket of IPv6 as what it is.

    :raises ValueError: when it is none.
    """
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an address, a network or the word {UNIX}") from None
    if network.prefixlen == 0:
        raise ValueError(f"{text!r} would believe everybody")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{text!r} must be written as an address of IPv4")
    return network
