"""The reference store keeps what every store promises."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.trial.unittest import TestCase

from glancetx.interfaces import IStore
from glancetx.stores.memory import MemoryStore
from glancetx.testing.readable_store_contract import MIB
from glancetx.testing.store_contract import StoreContract


class MemoryStoreTests(StoreContract, TestCase):
    """The contract, without any medium that something could be left in."""

    #: Memory is its medium; a bytearray that grows is at times there twice.
    allocation_bound = 160 * MIB

    def make_store(self) -> IStore:
        return MemoryStore(None)

    def leftovers(self) -> Iterable[object]:
        return ()
