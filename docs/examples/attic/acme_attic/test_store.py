"""The attic keeps what every store promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from acme_attic.store import AtticStore
from glancetx.interfaces import IStore
from glancetx.testing.maker_contract import MakerContract
from glancetx.testing.shared_store_contract import SharedStoreContract
from twisted.plugins import acme_stores

reactor: Any = installed_reactor


class AtticStoreTests(SharedStoreContract, TestCase):
    """The store."""

    def make_store(self) -> IStore:
        self.store = AtticStore(reactor, self.mktemp())
        return self.store

    def another_store(self) -> IStore:
        return AtticStore(reactor, str(self.store.root))

    def leftovers(self) -> Iterable[object]:
        return self.store.root.glob("*.partial")


class AtticMakerTests(MakerContract, SynchronousTestCase):
    """What operators are told of it."""

    maker = acme_stores.attic
