"""No authentication."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.trial.unittest import TestCase

from glancetx.access import EVERYBODY
from glancetx.identity.everybody import Everybody
from glancetx.interfaces import IAuthenticator
from glancetx.testing.authenticator_contract import AuthenticatorContract, Credentials


class EverybodyTests(AuthenticatorContract, TestCase):
    """Whoever comes is the operator."""

    expected = EVERYBODY
    asks_nobody = True

    def make_authenticator(self) -> IAuthenticator:
        return Everybody()

    def good(self) -> Credentials:
        return {"x-anything": "whatever"}, None

    def bad(self) -> Iterable[Credentials]:
        return ()

    async def test_the_very_one(self) -> None:
        """It is the one identity by which operators without authentication are known."""
        self.assertIs(await Everybody().authenticate({"x-roles": "member"}, None), EVERYBODY)
