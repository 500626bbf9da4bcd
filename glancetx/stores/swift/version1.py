"""Logging in as Swift did before there was Keystone, and as Ceph's gateway still does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from glancetx.credentials_file import read_values
from glancetx.errors import RemoteBroken, RemoteUnavailable, StoreForbids, StoreUnavailable
from glancetx.flights import Flights
from glancetx.httpclient import Answer, Server
from glancetx.stores.swift.access import Access

#: The part of its life after which a token is renewed.
RENEW_AFTER = 0.8

_FITS_IN_HEADER = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)

_log = Logger()


@frozen
class Key:
    """A user, as ``account:user``, and his key, which never appears in ``repr``."""

    user: str
    key: str = field(repr=False)


def read_key(path: str, whose: str) -> Key:
    """
    The user and the key in a TOML file; this blocks.

    :raises ValueError: when it cannot be read or makes no sense, in words without secrets.
    """
    return read_values(path, whose, _parse_key)


def _parse_key(values: Mapping[str, Any]) -> Key:
    for name in values:
        if name not in ("user", "key"):
            raise ValueError(f"{name!r} is not known")
    for name in ("user", "key"):
        value = values.get(name)
        if not isinstance(value, str) or not _FITS_IN_HEADER.fullmatch(value):
            raise ValueError(f"{name} is missing, or not a text that fits in a header")
    return Key(values["user"], values["key"])


class Version1:
    """
    Auth version 1, as of TempAuth: user and key in headers, and so are token and URL.

    ``server`` is asked for nothing but its own URL.
    ``storage_url`` stands for what the server says about where the account is.
    """

    def __init__(
        self, clock: IReactorTime, server: Server, key: Key, storage_url: str = ""
    ) -> None:
        self._clock = clock
        self._server = server
        self._key = key
        self._storage_url = storage_url
        self._held: Access | None = None
        self._renew_at: float | None = None
        self._flights: Flights[None, Access] = Flights()

    async def get(self) -> Access:
        is_old = self._renew_at is not None and self._clock.seconds() >= self._renew_at
        if self._held is not None and not is_old:
            return self._held
        return await self._flights.join(None, self._log_in)

    def drop(self, access: Access) -> None:
        if self._held == access:
            self._held = None

    async def close(self) -> None:
        await self._server.close()

    async def _log_in(self) -> Access:
        now = self._clock.seconds()
        answer = await self._ask()
        token, url = answer.header("X-Auth-Token"), answer.header("X-Storage-Url")
        url = self._storage_url or url
        if not token or not url:
            _log.error("{origin} gives neither token nor URL", origin=self._server.origin)
            raise StoreUnavailable()
        life = answer.header("X-Auth-Token-Expires") or ""
        is_told = life.isascii() and life.isdigit()
        self._renew_at = now + int(life) * RENEW_AFTER if is_told else None
        self._held = Access(url.rstrip("/"), token)
        return self._held

    async def _ask(self) -> Answer:
        headers = {"X-Auth-User": self._key.user, "X-Auth-Key": self._key.key}
        try:
            answer = await self._server.ask("GET", "", headers)
        except (RemoteUnavailable, RemoteBroken):
            # The log has been told.
            raise StoreUnavailable() from None
        answer.close()
        if answer.status in (401, 403):
            _log.error(
                "{origin} refuses our credentials with status {status}",
                origin=self._server.origin,
                status=answer.status,
            )
            raise StoreForbids()
        if answer.status not in (200, 204):
            _log.error(
                "{origin} answers a login with status {status}",
                origin=self._server.origin,
                status=answer.status,
            )
            raise StoreUnavailable()
        return answer
