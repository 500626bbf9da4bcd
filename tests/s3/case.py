"""What is asked of the store before every real server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.threads import deferToThread

from glancetx.interfaces import IStore
from glancetx.stores.s3.options import s3_store
from glancetx.testing.shared_store_contract import SharedStoreContract
from tests.s3.bucket import real_bucket

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object


class BucketCase(TestCase):
    """Each test has a prefix of its own."""

    #: The script that starts the server.
    server = ""
    timeout = 300.0

    def setUp(self) -> Deferred[None]:  # type: ignore[override]
        return ensureDeferred(self._set_up())

    async def _set_up(self) -> None:
        self.bucket = await deferToThread(real_bucket, self.server)
        self.bucket.take_prefix()
        self.addCleanup(deferToThread, self.bucket.empty)


class S3Contract(BucketCase, SharedStoreContract):
    """What every store promises."""

    def make_store(self) -> IStore:
        return s3_store(reactor, **self.bucket.options())

    def another_store(self) -> IStore:
        return s3_store(reactor, **self.bucket.options())

    async def leftovers(self) -> Iterable[object]:
        return await deferToThread(self.bucket.uploads)
