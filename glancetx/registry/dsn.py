"""
Where the database is, in libpq's own words.

libpq looks up host names itself, and the whole reactor waits meanwhile.
So names are resolved here, and libpq is given addresses; it keeps the names for checking
certificates and finding passwords.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import psycopg2
from attrs import frozen
from psycopg2.extensions import make_dsn, parse_dsn
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import (
    IAddress,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
)
from zope.interface import implementer

#: What connections ask for unless the DSN says otherwise. Looking for Kerberos tickets blocks.
DEFAULTS: Mapping[str, str] = {"fallback_application_name": "glancetx", "gssencmode": "disable"}


@frozen(repr=False)
class DSN:
    """What libpq has to know for a connection; its text never shows a password."""

    parameters: Mapping[str, str]

    def __str__(self) -> str:
        shown = ("host", "port", "dbname", "user")
        return " ".join(f"{k}={self.parameters[k]}" for k in shown if k in self.parameters)

    __repr__ = __str__

    async def resolved(self, reactor: IReactorPluggableNameResolver) -> str:
        """
        As a connection string without host names that libpq would have to look up.

        :raises DNSLookupError: when a name has no address.
        """
        parameters = dict(self.parameters)
        host = parameters.get("host") or os.environ.get("PGHOST", "")
        hosts = host.split(",")
        given = parameters.get("hostaddr") or os.environ.get("PGHOSTADDR")
        if given or not any(map(_is_name, hosts)):
            return make_dsn(**parameters)
        ports = (parameters.get("port") or os.environ.get("PGPORT", "")).split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        entries: list[tuple[str, str, str]] = []
        for host, port in zip(hosts, ports, strict=True):
            addresses = await _addresses(reactor, host) if _is_name(host) else [""]
            entries += [(host, address, port) for address in addresses]
        for name, column in zip(
            ("host", "hostaddr", "port"), zip(*entries, strict=True), strict=True
        ):
            parameters[name] = ",".join(column)
        return make_dsn(**parameters)


def read_dsn(text: str) -> DSN:
    """
    Read a libpq string, ``host=... dbname=...``, or an URI, ``postgresql://...``.

    :raises ValueError: when it is neither; the text does not repeat what may be a secret.
    """
    try:
        if "\0" in text:
            raise ValueError("libpq would stop reading there")
        parameters = {**DEFAULTS, **parse_dsn(text)}
    except (psycopg2.Error, UnicodeError, ValueError):
        # libpq would quote the part that it does not understand
        raise ValueError(
            "The address of the database must be written as 'host=... dbname=...' "
            "or 'postgresql://user@host/dbname'"
        ) from None
    hosts, ports = parameters.get("host", "").split(","), parameters.get("port", "").split(",")
    if len(ports) not in (1, len(hosts)) or not all(port.isdecimal() or not port for port in ports):
        raise ValueError(
            "The address of the database must give one port number, or one for each host"
        )
    return DSN(parameters)


def named(text: str, name: str) -> str:
    """
    The same address, whose connections the server shows by this name.

    :raises ValueError: as `read_dsn`.
    """
    return make_dsn(**{**read_dsn(text).parameters, "application_name": name})


def _is_name(host: str) -> bool:
    """Whether libpq would have to look it up; empty ones and socket directories it need not."""
    if not host or host.startswith(("/", "@")):
        return False
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False


@implementer(IResolutionReceiver)
class _Receiver:
    """Gathers the addresses of one name."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.done: Deferred[list[str]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        pass

    def addressResolved(self, address: IAddress) -> None:
        self.found.append(address.host)  # type: ignore[attr-defined]

    def resolutionComplete(self) -> None:
        self.done.callback(self.found)


async def _addresses(reactor: IReactorPluggableNameResolver, name: str) -> Sequence[str]:
    receiver = _Receiver()
    reactor.nameResolver.resolveHostName(receiver, name)
    found = await receiver.done
    if not found:
        raise DNSLookupError(f"no address found for {name}")
    return list(dict.fromkeys(found))
