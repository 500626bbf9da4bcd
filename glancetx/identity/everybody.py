"""No authentication: whoever reaches the daemon is its operator."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from glancetx.access import EVERYBODY, Identity
from glancetx.interfaces import IAuthenticator


@implementer(IAuthenticator)
class Everybody:
    """Recognises the operator in everybody, whatever his headers claim."""

    challenge: str | None = None

    def __init__(self, reactor: object = None) -> None:
        pass

    def authenticate(self, headers: Mapping[str, str], peer: str | None) -> Deferred[Identity]:
        return succeed(EVERYBODY)
