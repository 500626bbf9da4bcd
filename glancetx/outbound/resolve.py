"""From a name to all of its addresses, asking the reactor's resolver once."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
)
from zope.interface import implementer

from glancetx.outbound.addresses import Address, parse_address
from glancetx.outbound.target import Target


class Strange(Exception):
    """The resolver gave something that is no address."""


async def addresses_of(reactor: IReactorPluggableNameResolver, target: Target) -> Sequence[Address]:
    """
    Every address of the target's host, in the resolver's order; none when there is none.

    May be cancelled; an answer that comes after that is not heard.
    :raises Strange: when one of them cannot be judged.
    """
    if target.address is not None:
        return [target.address]
    receiver = _Receiver()
    reactor.nameResolver.resolveHostName(receiver, target.host, target.port)
    found = await receiver.done
    addresses = []
    for one in found:
        if not isinstance(one, IPv4Address | IPv6Address):
            raise Strange()
        address = parse_address(one.host)
        if address is None:
            raise Strange()
        addresses.append(address)
    return addresses


@implementer(IResolutionReceiver)
class _Receiver:
    """Gathers what a resolver finds."""

    def __init__(self) -> None:
        self._found: list[IAddress] = []
        self.done: Deferred[list[IAddress]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        pass

    def addressResolved(self, address: IAddress) -> None:
        self._found.append(address)

    def resolutionComplete(self) -> None:
        if not self.done.called:
            self.done.callback(self._found)
