"""Where requests may go: the public internet, and what the operator names besides."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from attrs import frozen

from glancetx.errors import InvalidLocation
from glancetx.outbound.addresses import Address, is_public
from glancetx.outbound.target import Target, ascii_name

Network = IPv4Network | IPv6Network


@frozen
class Entry:
    """
    One thing that an operator allows: a network, a name, or all names below one.

    ``port`` None means the ports that are usual anyway.
    """

    network: Network | None = None
    name: str = ""
    is_wildcard: bool = False
    port: int | None = None

    def covers(self, host: str, address: Address) -> bool:
        """Whether an address that was found for a host is meant by this entry."""
        if self.network is not None:
            return address in self.network
        return host.endswith("." + self.name) if self.is_wildcard else host == self.name


def is_usual(port: int) -> bool:
    """Whether images are served there: no other well-known service of ours listens there."""
    return port in (80, 443) or port >= 1024


@frozen
class Rules:
    """
    Decides on targets and addresses.

    Without entries: public addresses at usual ports.
    An entry for a name allows whatever the name resolves to, one for a network allows its
    addresses whatever they are called, and one with a port allows that port too.
    """

    entries: Sequence[Entry] = ()

    def permits(self, target: Target, address: Address) -> bool:
        """Whether a connection may be made to this address on behalf of the target."""
        ports = {entry.port for entry in self.entries if entry.covers(target.host, address)}
        if target.port in ports:
            return True
        return is_usual(target.port) and (None in ports or is_public(address))

    def permits_all(self, target: Target, addresses: Sequence[Address]) -> bool:
        """Whether there is an address, and none that is forbidden."""
        return bool(addresses) and all(self.permits(target, address) for address in addresses)

    def may_permit(self, target: Target) -> bool:
        """Whether the target could be permitted, as far as one can say without resolving it."""
        if target.address is not None:
            return self.permits(target, target.address)
        return is_usual(target.port) or any(entry.port == target.port for entry in self.entries)


def parse_rules(allow: str) -> Rules:
    """
    Rules from a comma-separated list, as ``10.0.0.0/8,images.example.com:80,*.example.org``.

    :raises ValueError: when an entry makes no sense; the text says which.
    """
    return Rules(tuple(_entry(text) for item in allow.split(",") if (text := item.strip())))


def _entry(text: str) -> Entry:
    network = _network(text)
    if network is not None:
        return Entry(network)
    place, colon, digits = text.rpartition(":")
    port = None
    if colon:
        if not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536):
            raise ValueError(f"{text!r} in the allow-list has no valid port")
        port = int(digits)
    else:
        place = text
    network = _network(place[1:-1] if place.startswith("[") and place.endswith("]") else place)
    if network is not None:
        return Entry(network, port=port)
    is_wildcard = place.startswith("*.")
    try:
        name = ascii_name(place[2:] if is_wildcard else place)
    except InvalidLocation:
        name = ""
    if not name or name.rpartition(".")[2].isdigit():
        raise ValueError(
            f"{text!r} in the allow-list is neither an address, a network, a host name nor *.DOMAIN"
        )
    return Entry(name=name, is_wildcard=is_wildcard, port=port)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None
