"""The Swift store against the gateway of Ceph, which has Swift's API and none of its code."""

from urllib.parse import urlsplit

from twisted.internet.threads import deferToThread

from glancetx.testing.store_contract import StoreContract
from glancetx.testing.streams import ScriptedStream
from tests.services import FaultProxy
from tests.swift.case import PIECES, SMALL, ClusterCase
from tests.swift.cluster import ceph

MIB = 1 << 20


class CephCase(ClusterCase):
    """Before a real gateway, with auth version 1."""

    def cluster(self):
        return ceph()

    def leftovers(self):
        # It shows no manifests.
        return self.spy(self.here.spy.strays, self.container)


class ContractTests(CephCase, StoreContract):
    """The contract, with Swift's own sizes."""


class SegmentsContractTests(CephCase, StoreContract):
    """The contract, with small segments and many of them."""

    sizes = SMALL


class DifferenceTests(CephCase):
    """What Ceph does otherwise than Swift."""

    sizes = SMALL

    async def test_nothing_is_left(self):
        """It shows no manifests, and an image goes with all its segments all the same."""
        store = self.started()
        await store.add("abc", ScriptedStream(PIECES))
        names = await self.spy(self.here.spy.names, f"{self.container}_segments")
        self.assertGreater(len(names), 2)
        await store.delete("abc")
        for container in (self.container, f"{self.container}_segments"):
            self.assertEqual(await self.spy(self.here.spy.names, container), [])

    async def test_broken_line(self):
        """Downloads go on when their connection is cut."""
        proxy = await deferToThread(self.make_proxy)
        self.addCleanup(deferToThread, proxy.stop)
        there, _ = await self.spy(self.here.log_in)
        store = self.started(storage_url=proxy.url + urlsplit(there).path)
        pieces = [bytes([number]) * MIB for number in range(8)]
        await store.add("abc", ScriptedStream(pieces))
        await deferToThread(proxy.disturb, "down", reset_after=3 * MIB)
        self.assertEqual(await self.read(store, "abc"), b"".join(pieces))

    def make_proxy(self):
        proxy = FaultProxy(self.here.server.values["SWIFT_URL"])
        proxy.start()
        return proxy
