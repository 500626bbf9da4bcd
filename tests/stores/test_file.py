"""The file store keeps what every store promises, and what it promises about files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from glancetx.interfaces import IStore
from glancetx.stores.file import FileStore
from glancetx.testing.store_contract import StoreContract


class FileStoreTests(StoreContract, TestCase):
    """The contract, on a real file system."""

    def make_store(self) -> IStore:
        self.root = self.mktemp()
        return FileStore(IReactorFromThreads(reactor), self.root)

    def leftovers(self) -> Iterable[object]:
        return glob.glob(os.path.join(self.root, ".partial", "*"))
