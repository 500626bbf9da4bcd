"""The Swift store against Swift itself, with auth version 1 and with Keystone."""

import hashlib
import random

from twisted.internet.threads import deferToThread

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    DataExists,
    GlanceError,
    NoSuchData,
    StoreForbids,
    StoreFull,
    StoreUnavailable,
)
from glancetx.holding import Holding
from glancetx.stores.swift.sizes import Sizes
from glancetx.testing.store_contract import StoreContract, new_id
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.services import FaultProxy
from tests.swift.case import DATA, PIECES, SMALL, ClusterCase
from tests.swift.cluster import forget_tokens, swift, swift_with_keystone, write_secret

MIB = 1 << 20


class SwiftCase(ClusterCase):
    """With auth version 1."""

    def cluster(self):
        return swift()


class ContractTests(SwiftCase, StoreContract):
    """The contract, with Swift's own sizes."""


class SegmentsContractTests(SwiftCase, StoreContract):
    """The contract, with small segments and many of them."""

    sizes = SMALL


class KeystoneCase(ClusterCase):
    """With Keystone, in whose catalogue Swift is."""

    def cluster(self):
        return swift_with_keystone()


class KeystoneContractTests(KeystoneCase, StoreContract):
    """The contract, with Keystone's tokens."""


class KeystoneTests(KeystoneCase):
    """What Keystone gives and takes."""

    async def test_application_credential(self):
        """An application credential does as well as a user."""
        url, token = await self.spy(self.here.log_in)
        del url
        identity, secret = await self.spy(self.make_application_credential, token)
        path = write_secret(
            self.mktemp(), application_credential_id=identity, application_credential_secret=secret
        )
        store = self.started(credentials=path, region="RegionOne", interface="internal")
        key = await store.add(new_id(), ScriptedStream(PIECES))
        self.assertEqual(await self.read(store, key), DATA)

    def make_application_credential(self, token):
        import requests

        headers = {"X-Auth-Token": token}
        subject = {**headers, "X-Subject-Token": token}
        shown = requests.get(f"{self.here.auth}/auth/tokens", headers=subject, timeout=60)
        user = shown.json()["token"]["user"]["id"]
        made = requests.post(
            f"{self.here.auth}/users/{user}/application_credentials",
            json={"application_credential": {"name": self.id()}},
            headers=headers,
            timeout=60,
        ).json()["application_credential"]
        return made["id"], made["secret"]

    async def test_no_such_region(self):
        """A region that is not in the catalogue has no Swift."""
        store = self.started(region="nowhere", attempts="0")
        with self.assertRaises(StoreUnavailable):
            await store.open("abc")

    async def test_revoked_mid_upload(self):
        """A token that is revoked between two segments is replaced, and no byte is lost."""
        store = self.started()
        store._sizes = SMALL
        source, adding = await self.begun(store, "abc")
        held = store._account._login._own._held
        await self.spy(self.revoke, held.text)
        source.finish()
        key = await adding
        self.assertNotEqual(store._account._login._own._held.text, held.text)
        self.assertEqual(await self.read(store, key), b"".join(PIECES[:5]))

    def revoke(self, token):
        import requests

        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        requests.delete(f"{self.here.auth}/auth/tokens", headers=headers, timeout=60)
        # Swift remembers for a while what Keystone has said.
        forget_tokens(self.here.server)


class LayoutTests(SwiftCase):
    """What is where."""

    sizes = SMALL

    async def test_listings(self):
        """The container of images lists images, with their sizes; nothing is open to everybody."""
        store = self.started()
        await store.add("small", ScriptedStream([b"hello"], length=5))
        await store.add("large", ScriptedStream(PIECES))
        await store.add("empty", ScriptedStream())
        ask = self.here.spy.ask
        listing = (await self.spy(ask, "GET", f"/{self.container}?format=json")).json()
        sizes = {each["name"]: each["bytes"] for each in listing}
        self.assertEqual(sizes, {"empty": 0, "large": len(DATA), "small": 5})
        found = await self.spy(self.here.spy.segments_of, self.container, "large")
        self.assertGreater(len(found), 2)
        self.assertTrue(all(name.startswith("large/") for name in found))
        for container in (self.container, f"{self.container}_segments"):
            head = await self.spy(ask, "HEAD", f"/{container}")
            self.assertNotIn("X-Container-Read", head.headers)
        for key in ("small", "large", "empty"):
            await store.delete(key)
        self.assertEqual(await self.spy(self.here.spy.names, self.container), [])
        await self.assert_no_leftovers()

    async def test_two_daemons(self):
        """Of two daemons that write one image one wins, and nothing of the other is left."""
        stores = [self.started(), self.started()]
        sources = [ScriptedStream(PIECES, then=HANG) for _ in stores]
        adding = [
            as_deferred(store.add("abc", source))
            for store, source in zip(stores, sources, strict=True)
        ]
        while any(source.written < len(DATA) for source in sources):
            await stores[0].add(new_id(), ScriptedStream([b"time passes"]))
        sources[0].finish()
        await adding[0]
        sources[1].finish()
        with self.assertRaises(DataExists):
            await adding[1]
        self.assertEqual(await self.read(stores[1], "abc"), DATA)
        await self.assert_no_leftovers()

    async def test_what_was_left_is_told(self):
        """Another daemon sees what one is writing as one unfinished thing, and may drop it."""
        store, another = self.started(), self.started()
        await store.add("whole", ScriptedStream(PIECES))
        source, adding = await self.begun(store, "half")
        found: list[Holding] = []
        # A listing may come late.
        while len(found) < 2 or not all(each.size for each in found):
            found = [e async for e in another.listing() if e.image_id in ("whole", "half")]
        whole, half = sorted(found, key=lambda each: not each.is_finished)
        self.assertEqual(
            (whole.image_id, whole.size, whole.is_finished), ("whole", len(DATA), True)
        )
        self.assertEqual((half.image_id, half.is_finished), ("half", False))
        self.assertLess(half.size, len(DATA))
        await another.drop_unfinished(half.key)
        source.finish()
        with self.assertRaises(GlanceError):
            await adding
        with self.assertRaises(NoSuchData):
            await another.drop_unfinished(half.key)
        self.assertEqual(await self.read(store, "whole"), DATA)
        await self.assert_no_leftovers()

    async def test_not_to_be_made(self):
        """A missing container is an error where it is not to be made."""
        store = self.started(create_container="false")
        with self.assertRaises(StoreUnavailable):
            await store.add("abc", ScriptedStream(PIECES))

    async def test_not_ours(self):
        """A user who may not write is told so."""
        path = write_secret(self.mktemp(), user="test:tester2", key=self.here.key)
        store = self.started(credentials=path)
        with self.assertRaises(StoreForbids):
            await store.add("abc", ScriptedStream(PIECES))

    async def test_quota(self):
        """An image that exceeds a quota has no room."""
        quota = {"X-Container-Meta-Quota-Bytes": "1000"}
        await self.spy(self.here.spy.ask, "PUT", f"/{self.container}", headers=quota)
        store = self.started()
        with self.assertRaises(StoreFull):
            await store.add("abc", ScriptedStream([b"x" * 2000], length=2000))
        self.assertEqual(await self.spy(self.here.spy.names, self.container), [])


class TroubleTests(SwiftCase):
    """Swift restarts, or a part of it is away."""

    sizes = SMALL

    async def test_tokens_forgotten(self):
        """Forgotten tokens are got again, between requests and in the middle of an upload."""
        store = self.started()
        source, adding = await self.begun(store, "abc")
        await deferToThread(forget_tokens, self.here.server)
        source.finish()
        await adding
        await deferToThread(forget_tokens, self.here.server)
        self.assertEqual(await self.read(store, "abc"), b"".join(PIECES[:5]))
        await deferToThread(forget_tokens, self.here.server)
        await store.delete("abc")
        await self.assert_no_leftovers()

    async def test_restart(self):
        """A restart of all that there is forgets tokens too, and breaks connections."""
        store = self.started()
        await store.add("abc", ScriptedStream(PIECES))
        await deferToThread(self.here.server.restart)
        self.assertEqual(await self.read(store, "abc"), DATA)

    async def test_object_server_away(self):
        """Without object servers the store is unavailable, and as before when they are back."""
        store = self.started(attempts="0")
        await store.add("abc", ScriptedStream(PIECES))
        await deferToThread(self.here.server.kill, "object")
        try:
            with self.assertRaises(StoreUnavailable):
                await store.add("abd", ScriptedStream(PIECES))
            with self.assertRaises(StoreUnavailable):
                await store.open("abc")
        finally:
            await deferToThread(self.here.server.start)
        self.assertEqual(await self.read(store, "abc"), DATA)
        await store.discard("abd")
        await self.assert_no_leftovers()


class BrokenLineTests(SwiftCase):
    """Connections break anywhere."""

    sizes = Sizes(single=2 * MIB, segment=MIB, most=100, largest=4 * MIB)

    async def _set_up(self):
        await super()._set_up()
        self.proxy = await deferToThread(self.make_proxy)
        self.addCleanup(deferToThread, self.proxy.stop)
        url, _ = await self.spy(self.here.log_in)
        there = url.removeprefix(self.here.server.values["SWIFT_URL"])
        self.store = self.started(storage_url=self.proxy.url + there)
        # Bytes that cannot be confused.
        dice = random.Random(7)
        self.image = [dice.randbytes(65_536) for _ in range(100)]
        self.md5 = hashlib.md5(b"".join(self.image)).hexdigest()

    def make_proxy(self):
        proxy = FaultProxy(self.here.server.values["SWIFT_URL"])
        proxy.start()
        return proxy

    async def test_downloads(self):
        """Downloads go on when their connection is cut, wherever that is."""
        await self.store.add("abc", ScriptedStream(self.image))
        dice = random.Random(5)
        for way in ("close_after", "reset_after"):
            for _ in range(3):
                await deferToThread(
                    self.proxy.disturb, "down", **{way: dice.randrange(1_500_000, 3_000_000)}
                )
                consumer = RecordingConsumer(keep=False)
                await (await self.store.open("abc")).flow_to(consumer)
                self.assertEqual(consumer.md5, self.md5)
                await deferToThread(self.proxy.clear)

    async def test_uploads(self):
        """Uploads end whole or leave nothing, wherever their connection is cut."""
        dice = random.Random(6)
        outcomes = []
        for number in range(12):
            is_known = bool(number % 2)
            length = len(self.image) * 65_536 if is_known else None
            fault = {"reset_after": dice.randrange(1000, 3_000_000)}
            await deferToThread(self.proxy.disturb, "up", **fault)
            image_id = f"image{number}"
            adding = as_deferred(
                self.store.add(image_id, ScriptedStream(self.image, length=length))
            )
            try:
                await adding
                outcomes.append("kept")
            except GlanceError:
                outcomes.append("lost")
            await deferToThread(self.proxy.clear)
            if outcomes[-1] == "kept":
                consumer = RecordingConsumer(keep=False)
                await (await self.store.open(image_id)).flow_to(consumer)
                self.assertEqual(consumer.md5, self.md5)
            else:
                await self.store.discard(image_id)
                with self.assertRaises(NoSuchData):
                    await self.store.open(image_id)
            await self.assert_no_leftovers()
        self.assertEqual({*outcomes}, {"kept", "lost"})

    async def test_corrupted(self):
        """A bit that flips on the way is noticed by the digest that Swift tells."""
        await deferToThread(self.proxy.disturb, "up", corrupt=500_000)
        with self.assertRaises(StoreUnavailable):
            await self.store.add("abc", ScriptedStream(self.image))
        await deferToThread(self.proxy.clear)
        await self.assert_no_leftovers()
