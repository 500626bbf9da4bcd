"""The attic keeps what every store promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from acme_attic.store import AtticStore
from glancetx.interfaces import IStore
from glancetx.testing.maker_contract import MakerContract
from glancetx.testing.store_contract import StoreContract
from twisted.plugins import acme_stores

reactor: Any = installed_reactor


class AtticStoreTests(StoreContract, TestCase):
    """The store."""

    def make_store(self) -> IStore:
        self.store = AtticStore(reactor, self.mktemp())
        return self.store

    def leftovers(self) -> Iterable[object]:
        return self.store.root.glob("*.partial")


class AtticMakerTests(MakerContract, SynchronousTestCase):
    """What operators are told of it."""

    maker = acme_stores.attic
