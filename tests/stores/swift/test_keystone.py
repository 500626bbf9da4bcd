"""Access by Keystone's word."""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from glancetx.errors import StoreUnavailable
from glancetx.keystone.exchange import Exchange
from glancetx.keystone.own_token import OwnToken
from glancetx.stores.swift.access import Access
from glancetx.stores.swift.keystone import Keystone
from tests.keystone.fake_keystone import (
    PASSWORD,
    URL,
    FakeKeystone,
    own_credentials,
    started_clock,
)

SERVICES = [
    {
        "type": "object-store",
        "endpoints": [
            {
                "interface": interface,
                "region_id": region,
                "url": f"http://{interface}.{region}.example/v1/AUTH_engines/",
            }
            for interface in ("public", "internal")
            for region in ("here", "there")
        ],
    }
]


class KeystoneTests(SynchronousTestCase):
    """Where the account is, and what opens it."""

    def setUp(self) -> None:
        self.clock = started_clock()
        self.keystone = FakeKeystone()
        self.keystone.services = SERVICES

    def make(
        self,
        interface: str = "public",
        region: str | None = "here",
        storage_url: str = "",
        password: str = PASSWORD,
    ) -> Keystone:
        exchange = Exchange(self.keystone.agent, self.clock)
        credentials = own_credentials(password)
        own = OwnToken(self.clock, exchange, URL, credentials, with_catalogue=True)
        return Keystone(own, interface, region, storage_url)

    def get(self, login: Keystone) -> Access:
        return self.successResultOf(ensureDeferred(login.get()))

    def test_catalogue(self) -> None:
        """The catalogue tells, by interface and region; its URL loses the slash at its end."""
        self.assertEqual(
            self.get(self.make()), Access("http://public.here.example/v1/AUTH_engines", "own-1")
        )
        self.assertEqual(
            self.get(self.make("internal", "there")).url,
            "http://internal.there.example/v1/AUTH_engines",
        )

    def test_storage_url(self) -> None:
        """What the operator says goes before what the catalogue says, or does not say."""
        login = self.make(region="nowhere", storage_url="http://swift.example/v1/AUTH_x/")
        self.assertEqual(self.get(login).url, "http://swift.example/v1/AUTH_x")

    def test_none(self) -> None:
        """Without an endpoint, or with a choice of them, or without a token, there is no access."""
        for login in (
            self.make(region="nowhere"),
            self.make("admin"),
            self.make(region=None),
            self.make(password="wrong"),
        ):
            self.failureResultOf(ensureDeferred(login.get()), StoreUnavailable)

    def test_kept(self) -> None:
        """A token is kept, until it is dropped; it is not shown."""
        login = self.make()
        access = self.get(login)
        self.assertEqual(self.get(login), access)
        login.drop(access)
        self.assertEqual(self.get(login).token, "own-2")
        self.assertNotIn("own-1", repr(access))
        self.successResultOf(ensureDeferred(login.close()))
