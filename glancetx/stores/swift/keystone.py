"""Logging in with Keystone, whose catalogue tells where the account is."""

from __future__ import annotations

from attrs import frozen
from twisted.logger import Logger

from glancetx.errors import StoreUnavailable
from glancetx.keystone.catalogue import NoSuchEndpoint
from glancetx.keystone.exchange import KeystoneAway
from glancetx.keystone.own_token import OwnToken
from glancetx.stores.swift.access import Access

_log = Logger()


@frozen
class Keystone:
    """
    Access by a token of Keystone, for a user or an application credential.

    ``interface`` and ``region`` choose among the endpoints of the catalogue; ``storage_url`` stands
    for what it says.
    """

    _own: OwnToken
    _interface: str
    _region: str | None
    _storage_url: str = ""

    async def get(self) -> Access:
        try:
            login = await self._own.login()
            url = self._storage_url or login.catalogue.endpoint(
                "object-store", self._interface, self._region
            )
        except (KeystoneAway, NoSuchEndpoint) as error:
            reason = str(error)
        else:
            return Access(url.rstrip("/"), login.text)
        _log.error("No access to Swift: {reason}", reason=reason)
        raise StoreUnavailable()

    def drop(self, access: Access) -> None:
        self._own.drop(access.token)

    async def close(self) -> None:
        """It keeps no connections."""
