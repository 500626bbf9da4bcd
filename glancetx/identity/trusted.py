"""
An authenticating proxy stands before us, and says by headers who asks.

The headers are believed only when they come from an address that the operator has listed: from
anybody else they are what a stranger claims to be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from glancetx.access import Identity
from glancetx.errors import NotAuthenticated
from glancetx.interfaces import IAuthenticator
from glancetx.networks import Networks

STATUS = "x-identity-status"
CONFIRMED = "Confirmed"

#: The first that is there is believed, also when it is empty (contract §9.1).
USER = ("x-user-id", "x-user")
PROJECT = ("x-project-id", "x-tenant-id", "x-tenant")
ROLES = ("x-roles", "x-role")

#: What users and projects are called by.
#: A comma may be the trace of a header that came twice, once from the client.
_NAME = re.compile(r"[^\x00-\x1f\x7f,\ufffd]{1,255}")


@implementer(IAuthenticator)
class TrustedProxy:
    """Recognises whom the headers name, when an address in ``proxies`` has sent them."""

    challenge: str | None = None

    def __init__(self, reactor: object, proxies: str) -> None:
        """
        ``proxies`` are addresses, networks and the word ``unix``, separated by commas.

        :raises ValueError: when one of them is none of these, or stands for every address.
        """
        self._proxies = Networks(proxies.split(","))

    def authenticate(self, headers: Mapping[str, str], peer: str | None) -> Deferred[Identity]:
        try:
            return succeed(self._identity(headers, peer))
        except NotAuthenticated as error:
            return fail(error)

    def _identity(self, headers: Mapping[str, str], peer: str | None) -> Identity:
        if not self._proxies.has(peer) or headers.get(STATUS) != CONFIRMED:
            raise NotAuthenticated
        return Identity(
            user=_name(headers, USER),
            project=_name(headers, PROJECT),
            roles=(_first(headers, ROLES) or "").split(","),
        )


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name] for name in names if name in headers), None)


def _name(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """
    :raises NotAuthenticated: when nobody can be called so.
    """
    name = _first(headers, names)
    if not name:
        return None
    if _NAME.fullmatch(name) is None:
        raise NotAuthenticated
    return name
