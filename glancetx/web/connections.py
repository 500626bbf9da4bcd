"""How many connections there may be, in all and from one address."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import IPv4Address, ip_network

from glancetx.networks import plain_address

#: Clients that are told of it at the same time when there are too many; further ones are not.
MOST_REFUSED = 64

#: Of an IPv6 address as much counts as one customer is given as a rule.
PREFIX_LENGTH = 64


class Connections:
    """
    Counts them; 0 is no limit.

    What is counted by address is a `source_of` it.
    """

    def __init__(self, most: int = 0, most_per_address: int = 0) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._admitted: dict[object, str | None] = {}
        self._refused: set[object] = set()
        self._by_source: Counter[str] = Counter()

    @property
    def is_flooded(self) -> bool:
        """Whether so many are being refused that the next one is not even told."""
        return len(self._refused) >= MOST_REFUSED

    def admit(self, connection: object, source: str | None) -> bool:
        """Whether it may stay; its source is None when it does not matter where it is from."""
        if self._is_full(source):
            self._refused.add(connection)
            return False
        self._admitted[connection] = source
        if source is not None:
            self._by_source[source] += 1
        return True

    def gone(self, connection: object) -> None:
        """It is over, admitted or refused."""
        if connection in self._refused:
            self._refused.remove(connection)
            return
        source = self._admitted.pop(connection, None)
        if source is not None:
            self._by_source[source] -= 1
            if not self._by_source[source]:
                del self._by_source[source]

    def _is_full(self, source: str | None) -> bool:
        if 0 < self._most <= len(self._admitted):
            return True
        return source is not None and 0 < self._most_per_address <= self._by_source[source]


@lru_cache(1000)
def source_of(host: str) -> str:
    """What an address counts as: itself, or the network of an IPv6 address."""
    try:
        address = plain_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, PREFIX_LENGTH), strict=False))
