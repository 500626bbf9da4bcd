"""The store as a whole, against a Swift on loopback that fails as it is told."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

from attrs import evolve
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import CancelledError, gatherResults
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from glancetx.deferreds import as_deferred
from glancetx.errors import (
    DataExists,
    NoSuchData,
    RangeOutside,
    RemoteBroken,
    RemoteChanged,
    StoreForbids,
    StoreFull,
    StoreUnavailable,
)
from glancetx.interfaces import IProbed, IStore
from glancetx.stores.swift.options import swift
from glancetx.stores.swift.sizes import Sizes
from glancetx.stores.swift.store import SwiftStore
from glancetx.testing.store_contract import StoreContract
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.stores.swift.fake_swift import CUT, CUT_AFTER, KEY, LIE, USER, FakeSwift, Fault, Stored

E = TypeVar("E", bound=BaseException)

reactor: Any = installed_reactor

#: So small that what the contract brings goes into many segments.
SMALL = Sizes(single=100_000, segment=30_000, most=100, largest=4 << 20)

#: An image of four segments, by `SMALL`.
PIECES = [bytes([number]) * 10_000 for number in range(11)]
DATA = b"".join(PIECES)

SEGMENT = "images_segments/abc/"


class StoreCase(TestCase):
    """A store in a fake Swift."""

    timeout = 60.0
    sizes = Sizes()

    def setUp(self) -> None:
        self.swift = FakeSwift().listen(self)

    def write(self, key: str = KEY) -> str:
        path = str(self.mktemp())
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(f'user = "{USER}"\nkey = "{key}"\n')
        return path

    def make_store(self, **options: Any) -> SwiftStore:
        self.credentials = options.pop("credentials", None) or self.write()
        store = swift(reactor, "images", self.swift.auth_url, self.credentials, **options)
        store._sizes = self.sizes
        # Whatever is tried again is tried at once.
        store._account.backoff = evolve(store._account.backoff, wait=0.01)
        return store


class ReadyTests(StoreCase):
    """Whether Swift could be used now."""

    async def test_ready(self) -> None:
        """It is when it answers for the container, which may still have to be made."""
        store = self.make_store()
        verifyObject(IProbed, store)
        await store.check_ready()
        self.swift.faults = [Fault("HEAD", "/images$", 503)] * 20
        with self.assertRaises(StoreUnavailable):
            await store.check_ready()
        await as_deferred(store.stopService())


class ContractTests(StoreCase, StoreContract):
    """The contract, with Swift's own sizes."""

    def make_store(self, **options: Any) -> IStore:  # type: ignore[override]
        return IStore(super().make_store(**options))

    def leftovers(self) -> Iterable[object]:
        return self.swift.leftovers("images")


class SegmentsContractTests(ContractTests):
    """The contract, with small segments and many of them."""

    sizes = SMALL


class FaultCase(StoreCase):
    """A store that runs, and a Swift that will fail."""

    sizes = SMALL

    def setUp(self) -> None:
        super().setUp()
        self.store = self.started()

    def started(self, **options: Any) -> SwiftStore:
        store = self.make_store(**options)
        store.startService()
        self.addCleanup(store.stopService)
        return store

    def fail_once(self, method: str, path: str, how: int | str, after: int = 0) -> None:
        self.swift.faults.append(Fault(method, path, how, after))

    async def add(self, *, is_known: bool = False, image_id: str = "abc") -> str:
        source = ScriptedStream(PIECES, length=len(DATA) if is_known else None)
        return await self.store.add(image_id, source)

    async def read(self, key: str = "abc", *part: int) -> bytes:
        consumer = RecordingConsumer()
        await (await self.store.open(key, *part)).flow_to(consumer)
        return consumer.data

    async def assert_fails(self, expected: type[E], work: Awaitable[object]) -> E:
        try:
            result = await work
        except expected as error:
            return error
        self.fail(f"{expected.__name__} was not raised, but {result!r} returned")

    def assert_empty(self) -> None:
        """Nothing is in the account."""
        left = [self.swift.names(each) for each in self.swift.containers]
        self.assertEqual(sum(left, []), [])
        self.assertEqual(self.swift.faults, [], "a fault did not happen")


class ShapeTests(FaultCase):
    """What an image becomes."""

    def stored(self, name: str = "abc") -> Stored:
        return self.swift.containers["images"][name]

    async def test_small(self) -> None:
        """A small image of known length is one object, with no container of segments."""
        await self.store.add("abc", ScriptedStream([b"hello"], length=5))
        self.assertIsNone(self.stored().segments)
        self.assertEqual([*self.swift.containers], ["images"])

    async def test_large(self) -> None:
        """A large one goes into even segments in a container of their own."""
        await self.add(is_known=True)
        found = self.stored().segments or ()
        self.assertEqual([each["size_bytes"] for each in found], [30_000] * 3 + [20_000])
        self.assertEqual(len(self.swift.names("images_segments")), 4)
        self.assertEqual(self.swift.names("images"), ["abc"])
        self.assertEqual(await self.read(), DATA)

    async def test_unknown_length(self) -> None:
        """One of unknown length too, however small it turns out to be."""
        await self.store.add("abc", ScriptedStream([b"hello"]))
        self.assertEqual(len(self.stored().segments or ()), 1)
        await self.add(image_id="abd")
        self.assertGreater(len(self.stored("abd").segments or ()), 1)
        self.assertEqual([await self.read(), await self.read("abd")], [b"hello", DATA])

    async def test_empty(self) -> None:
        """An empty one is an empty object."""
        for image_id, length in (("abc", 0), ("abd", None)):
            await self.store.add(image_id, ScriptedStream([], length=length))
            self.assertIsNone(self.stored(image_id).segments)
            self.assertEqual(await self.read(image_id), b"")

    async def test_too_large(self) -> None:
        """One that no manifest could name is refused before the first byte."""
        source = ScriptedStream(PIECES, length=100 * (4 << 20) + 1)
        await self.assert_fails(StoreFull, self.store.add("abc", source))
        self.assertEqual(self.swift.count("PUT /images_segments/"), 0)
        self.assert_empty()

    async def test_containers_missing(self) -> None:
        """Containers are made when they are missing, and only when that is wanted."""
        store = self.started(create_container="false")
        await self.assert_fails(StoreUnavailable, store.add("abc", ScriptedStream(PIECES)))
        self.assertEqual(self.swift.containers, {})
        await self.add()
        self.assertEqual([*self.swift.containers], ["images", "images_segments"])
        await store.add("abd", ScriptedStream(PIECES))


class TokenTests(FaultCase):
    """A token ends when it ends, also in the middle of an image."""

    async def test_once(self) -> None:
        """However many requests come at once, there is one login."""
        await gatherResults([as_deferred(self.add(image_id=f"a{number}")) for number in range(5)])
        self.assertEqual(self.swift.logins, 1)

    async def test_expired_between(self) -> None:
        """A token that is good no more between two segments is renewed, and no byte is lost."""
        source = ScriptedStream(PIECES[:5], then=HANG)
        adding = as_deferred(self.store.add("abc", source))
        while self.swift.count("PUT /images_segments/") < 1:
            await self.add(image_id=f"x{len(self.swift.requests)}")
        self.swift.expire()
        source.finish()
        await adding
        self.assertEqual(self.swift.logins, 2)
        self.assertEqual(await self.read(), b"".join(PIECES[:5]))

    async def test_expired_in_between(self) -> None:
        """The same before manifest, read, deletion, and everything else that is small."""
        for step in (self.add, self.read, lambda: self.store.delete("abc")):
            self.swift.expire()
            await step()
        self.assertEqual(self.swift.logins, 3)
        self.assert_empty()

    async def test_renewed_in_time(self) -> None:
        """A token is renewed before it ends, where Swift tells when that is."""
        self.swift.life = 0
        await self.add()
        self.assertGreater(self.swift.logins, 5)

    async def test_no_end_told(self) -> None:
        """Where it does not, a token is used until it is refused."""
        self.swift.life = None
        await self.add()
        self.assertEqual(self.swift.logins, 1)

    async def test_refused_mid_segment(self) -> None:
        """Refused while bytes flow, the upload fails, and the next one has a new token."""
        for is_known in (True, False):
            self.fail_once("PUT", SEGMENT, 401, after=1)
            logins = self.swift.logins
            await self.assert_fails(StoreForbids, self.add(is_known=is_known))
            self.assert_empty()
            await self.add(is_known=is_known)
            self.assertEqual(self.swift.logins, max(logins, 1) + 1)
            await self.store.delete("abc")

    async def test_refused_for_good(self) -> None:
        """Refused with a new token too, it is forbidden: a request is not repeated for ever."""
        self.swift.faults = [Fault("HEAD", "/images$", 401)] * 2
        await self.assert_fails(StoreForbids, self.add())
        self.assertEqual(self.swift.logins, 2)

    async def test_wrong_key(self) -> None:
        """With a wrong key nothing is to be had."""
        store = self.started(credentials=self.write("wrong"))
        await self.assert_fails(StoreForbids, store.open("abc"))

    async def test_login_fails(self) -> None:
        """A login that fails for a moment is tried again; one that tells nothing is no login."""
        self.fail_once("GET", "auth", 503)
        self.fail_once("GET", "auth", CUT)
        self.fail_once("GET", "auth", 200)
        await self.assert_fails(NoSuchData, self.store.open("abc"))
        self.assertEqual(self.swift.faults, [])

    async def test_reload(self) -> None:
        """On SIGHUP the file is read again; one that makes no sense changes nothing."""
        store = self.started(credentials=self.write("wrong"))
        await self.assert_fails(StoreForbids, store.open("abc"))
        with open(self.credentials, "w") as file:
            file.write("nonsense")
        await store.reload()
        await self.assert_fails(StoreForbids, store.open("abc"))
        with open(self.credentials, "w") as file:
            file.write(f'user = "{USER}"\nkey = "{KEY}"\n')
        await store.reload()
        await self.assert_fails(NoSuchData, store.open("abc"))


class UploadTests(FaultCase):
    """An upload ends whole, or leaves nothing."""

    async def test_passing(self) -> None:
        """What is small is repeated until it succeeds."""
        for method, path in (
            ("HEAD", "/images$"),
            ("PUT", "/images$"),
            ("HEAD", "/images/abc"),
            ("HEAD", "/images_segments$"),
            ("PUT", "/images_segments$"),
            ("PUT", "/images/abc"),
        ):
            for how in (503, 498, CUT, CUT_AFTER):
                self.fail_once(method, path, how)
        await self.add()
        self.assertEqual(self.swift.faults, [])
        self.assertEqual(await self.read(), DATA)
        self.assertEqual(self.swift.leftovers("images"), [])

    async def test_broken_segment(self) -> None:
        """A segment whose connection breaks ends the upload."""
        for how in (CUT, CUT_AFTER, 503):
            for after in (1, 15_000):
                for is_known in (True, False):
                    self.fail_once("PUT", f"{SEGMENT}.*2$", how, after)
                    await self.assert_fails(StoreUnavailable, self.add(is_known=is_known))
                    self.assert_empty()

    async def test_broken_object(self) -> None:
        """So does a broken connection of an image in one piece, also when all has been kept."""
        for how in (CUT, CUT_AFTER, 503):
            self.fail_once("PUT", "/images/abc", how, 1)
            await self.assert_fails(
                StoreUnavailable, self.store.add("abc", ScriptedStream([b"hello"], length=5))
            )
            self.assert_empty()

    async def test_full(self) -> None:
        """A quota or a full disk is told as such."""
        for status, error in ((413, StoreFull), (507, StoreFull), (403, StoreForbids)):
            for path in (SEGMENT, "/images/abc"):
                self.fail_once("PUT", path, status)
                await self.assert_fails(error, self.add())
                self.assert_empty()

    async def test_refused_early(self) -> None:
        """A refusal that comes while most is still to be sent is heard at once."""
        self.store._sizes = Sizes()
        self.fail_once("PUT", "/images/abc", 413)
        source = ScriptedStream([b"x" * 65_536] * 512, length=32 << 20)
        await self.assert_fails(StoreFull, self.store.add("abc", source))
        self.assertLess(source.written, 32 << 20)
        self.assert_empty()

    async def test_other_bytes(self) -> None:
        """What Swift has got otherwise than it was sent is no image."""
        self.fail_once("PUT", f"{SEGMENT}.*3$", LIE)
        await self.assert_fails(StoreUnavailable, self.add())
        self.assert_empty()
        self.fail_once("PUT", "/images/abc", LIE)
        await self.assert_fails(
            StoreUnavailable, self.store.add("abc", ScriptedStream([b"hello"], length=5))
        )
        self.assert_empty()

    async def test_lost_answer(self) -> None:
        """A manifest that was written though its answer was lost is known as ours."""
        self.fail_once("PUT", "/images/abc", CUT_AFTER)
        await self.add()
        self.assertEqual(await self.read(), DATA)

    async def test_somebody_was_quicker(self) -> None:
        """Who loses a race for a name removes his own segments, and nothing of the winner."""
        other = self.started()
        sources = [ScriptedStream(PIECES, then=HANG) for _ in range(2)]
        first = as_deferred(self.store.add("abc", sources[0]))
        second = as_deferred(other.add("abc", sources[1]))
        while not all(source.written == len(DATA) for source in sources):
            await self.add(image_id=f"x{len(self.swift.requests)}")
        sources[0].finish()
        await first
        sources[1].finish()
        await self.assert_fails(DataExists, second)
        self.assertEqual(self.swift.leftovers("images"), [])
        self.assertEqual(await self.read(), DATA)

    async def test_somebody_was_quicker_with_a_small_one(self) -> None:
        """The same for an image in one piece."""
        other = self.started()
        source = ScriptedStream(then=HANG, length=5)
        adding = as_deferred(self.store.add("abc", source))
        while not source.was_poured:
            await self.add(image_id=f"x{len(self.swift.requests)}")
        await other.add("abc", ScriptedStream([b"world"], length=5))
        assert source._consumer is not None
        source._consumer.write(b"hello")
        source.finish()
        await self.assert_fails(DataExists, adding)
        self.assertEqual(await self.read(), b"world")

    async def test_cannot_clear_up(self) -> None:
        """When something may be left the store says that it is unavailable: the janitor comes."""
        source = ScriptedStream(PIECES, then=HANG)
        adding = as_deferred(self.store.add("abc", source))
        while not self.swift.count("PUT /images_segments/"):
            await self.add(image_id=f"x{len(self.swift.requests)}")
        self.swift.faults = [Fault("DELETE", SEGMENT, 403)]
        adding.cancel()
        await self.assert_fails(StoreUnavailable, adding)
        self.assertNotEqual(self.swift.leftovers("images"), [])
        await self.store.discard("abc")
        self.assertEqual(self.swift.leftovers("images"), [])

    async def test_cancelled_mid_segment(self) -> None:
        """Cancelled while bytes flow, an upload leaves nothing."""
        for length in (None, len(DATA), 50_000):
            source = ScriptedStream(PIECES[:4], then=HANG, length=length)
            adding = as_deferred(self.store.add("abc", source))
            while source.written < 40_000:
                await self.add(image_id=f"x{len(self.swift.requests)}")
            adding.cancel()
            await self.assert_fails(CancelledError, adding)
            self.assertTrue(source.has_ended)
            self.assertEqual(self.swift.leftovers("images"), [])
            self.assertNotIn("abc", self.swift.names("images"))


class DownloadTests(FaultCase):
    """A download brings the right bytes, or breaks off."""

    async def test_resumed(self) -> None:
        """A connection that breaks is taken up by another, and nobody notices."""
        await self.add()
        await self.store.add("abd", ScriptedStream([DATA[:90_000]], length=90_000))
        for key, whole in (("abc", DATA), ("abd", DATA[:90_000])):
            for after in (1, 70_000, 1):
                self.fail_once("GET", f"/images/{key}", CUT, after)
            self.assertEqual(await self.read(key), whole)
            self.assertEqual(self.swift.faults, [])

    async def test_part_resumed(self) -> None:
        """So is a part of it, within its bounds, and with a new token if need be."""
        await self.add()
        self.fail_once("GET", "/images/abc", CUT, 1000)
        stream = await self.store.open("abc", 500, 70_000)
        self.swift.expire()
        consumer = RecordingConsumer()
        await stream.flow_to(consumer)
        self.assertEqual(consumer.data, DATA[500:70_500])

    async def test_replaced(self) -> None:
        """Another object under the same name is not taken for the rest of the first."""
        await self.add()
        self.fail_once("GET", "/images/abc", CUT, 1000)
        stream = await self.store.open("abc")
        await self.store.delete("abc")
        await self.store.add("abc", ScriptedStream([b"z" * len(DATA)]))
        await self.assert_fails(RemoteChanged, stream.flow_to(RecordingConsumer()))

    async def test_gives_up(self) -> None:
        """What breaks again and again is broken."""
        await self.add()
        self.swift.faults = [Fault("GET", "/images/abc", CUT, 10)] * 100
        await self.assert_fails(RemoteBroken, self.read())
        self.assertEqual(len(self.swift.faults), 94)

    async def test_refusals(self) -> None:
        """What Swift says instead of giving is told as it is meant."""
        await self.add()
        for status, error in ((403, StoreForbids), (418, StoreUnavailable)):
            self.fail_once("GET", "/images/abc", status)
            await self.assert_fails(error, self.store.open("abc"))
        outside = await self.assert_fails(RangeOutside, self.store.open("abc", len(DATA) + 1))
        self.assertEqual(outside.size, len(DATA))

    async def test_outside_without_size(self) -> None:
        """Where a refused range tells no size, as in Ceph, the size is asked for."""
        await self.add()
        for offset, error in ((len(DATA) + 1, RangeOutside), (5, StoreUnavailable)):
            self.fail_once("GET", "/images/abc", 416)
            await self.assert_fails(error, self.store.open("abc", offset))
        self.fail_once("GET", "/images/abc", 416)
        self.assertEqual((await self.store.open("abc", len(DATA))).length, 0)
        self.fail_once("GET", "/images/abd", 416)
        await self.assert_fails(NoSuchData, self.store.open("abd", 5))

    async def test_nonsense(self) -> None:
        """An answer that is not of what was asked for is refused."""
        await self.add()
        for how in (200, 206):
            self.fail_once("GET", "/images/abc", how)
            await self.assert_fails(StoreUnavailable, self.store.open("abc", 0, 10))


class RemovalTests(FaultCase):
    """A deletion leaves nothing, also when it takes several attempts."""

    async def test_passing(self) -> None:
        """It is not stopped by what passes."""
        await self.add()
        for path in ("/images/abc", SEGMENT):
            for how in (503, CUT, 429):
                self.fail_once("DELETE", path, how)
        await self.store.delete("abc")
        self.assert_empty()

    async def test_interrupted(self) -> None:
        """One that broke off after the name was gone is completed by the next."""
        await self.add()
        self.fail_once("DELETE", f"{SEGMENT}.*2$", 403)
        await self.assert_fails(StoreForbids, self.store.delete("abc"))
        await self.assert_fails(NoSuchData, self.store.open("abc"))
        await self.store.delete("abc")
        self.assert_empty()
        await self.assert_fails(NoSuchData, self.store.delete("abc"))

    async def test_nothing_changed(self) -> None:
        """One that is refused at once has changed nothing."""
        await self.add()
        self.fail_once("DELETE", "/images/abc", 403)
        await self.assert_fails(StoreForbids, self.store.delete("abc"))
        self.assertEqual(await self.read(), DATA)

    async def test_lost_answer(self) -> None:
        """One whose answer was lost is repeated, and finds nothing: that is as good."""
        await self.add()
        self.fail_once("DELETE", "/images/abc", CUT_AFTER)
        self.fail_once("DELETE", SEGMENT, CUT_AFTER)
        await self.assert_fails(NoSuchData, self.store.delete("abc"))
        self.assert_empty()

    async def test_discard(self) -> None:
        """Discarding removes segments that no manifest names, and those of no other image."""
        await self.add()
        await self.add(image_id="abcd")
        inside = self.swift.containers["images_segments"]
        inside.update({f"abc/left/{number}": next(iter(inside.values())) for number in range(9)})
        await self.store.discard("abc")
        self.assertEqual(self.swift.names("images"), ["abcd"])
        self.assertEqual(self.swift.leftovers("images"), [])
        self.assertEqual(await self.read("abcd"), DATA)

    async def test_endless_listing(self) -> None:
        """A listing whose pages are all the same is not read for ever."""
        await self.add()
        self.swift.stuck_page = ["abc/1/0", "abc/1/1"]
        await self.assert_fails(StoreUnavailable, self.store.discard("abc"))

    async def test_hidden_manifest(self) -> None:
        """Where manifests are not shown, as in Ceph, segments are found by their names."""
        self.swift.shows_manifests = False
        await self.add()
        await self.store.delete("abc")
        self.assert_empty()

    async def test_no_manifest(self) -> None:
        """What should be a manifest and makes no sense is left to people."""
        await self.add()
        self.fail_once("GET", "multipart-manifest=get", 200)
        await self.assert_fails(StoreUnavailable, self.store.delete("abc"))
        self.assertEqual(await self.read(), DATA)


class AwayTests(FaultCase):
    """Nobody is there."""

    async def test_nobody(self) -> None:
        """Without a Swift the store is unavailable, for each of its verbs."""
        await self.add()
        self.swift.url = "http://127.0.0.1:1"
        self.swift.expire()
        for work in (
            self.store.open("abc"),
            self.store.add("abd", ScriptedStream(PIECES)),
            self.store.delete("abc"),
            self.store.discard("abc"),
        ):
            await self.assert_fails(StoreUnavailable, work)

    async def test_strange_address(self) -> None:
        """An address that cannot be asked is no reason to fall over."""
        self.swift.url = "http://user@127.0.0.1:1"
        await self.assert_fails(StoreUnavailable, self.store.open("abc"))
