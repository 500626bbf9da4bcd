"""A store before a real cluster."""

from attrs import evolve
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from glancetx.deferreds import as_deferred
from glancetx.stores.swift.options import swift as make_swift
from glancetx.stores.swift.sizes import Sizes
from glancetx.testing.store_contract import new_id
from glancetx.testing.streams import HANG, RecordingConsumer, ScriptedStream
from tests.integration.daemon import reactor
from tests.swift.cluster import new_container

#: An image whose pieces can be told apart.
PIECES = [bytes([number]) * 10_000 for number in range(11)]
DATA = b"".join(PIECES)

#: So small that what the contract brings goes into many segments.
SMALL = Sizes(single=100_000, segment=30_000, most=100, largest=4 << 20)


class ClusterCase(TestCase):
    """
    A store in a container of its own, which need not be there yet.

    `cluster` gives the one to use; ``sizes`` are those of the store.
    """

    timeout = 300.0
    sizes = Sizes()

    def cluster(self):
        """The author supplies this; it blocks."""
        raise NotImplementedError()

    def setUp(self):
        return ensureDeferred(self._set_up())

    async def _set_up(self):
        self.here = await deferToThread(self.cluster)
        self.container = new_container()
        self.credentials = self.here.credentials(self.mktemp())

    def make_store(self, **options):
        """A store that nobody has started."""
        store = make_swift(
            reactor,
            options.pop("container", self.container),
            options.pop("auth", self.here.auth),
            options.pop("credentials", self.credentials),
            **options,
        )
        store._sizes = self.sizes
        return store

    def started(self, **options):
        """A store that runs until the test is over, and does not wait long between its tries."""
        store = self.make_store(**options)
        store._account.backoff = evolve(store._account.backoff, wait=0.1, longest=2.0)
        store.startService()
        self.addCleanup(store.stopService)
        return store

    def leftovers(self):
        return self.spy(self.here.spy.leftovers, self.container)

    def spy(self, look, *args, **details):
        """What somebody sees who looks past the store."""
        return deferToThread(look, *args, **details)

    async def assert_no_leftovers(self):
        self.assertEqual(await self.leftovers(), [])

    async def read(self, store, key, *part):
        consumer = RecordingConsumer()
        await (await store.open(key, *part)).flow_to(consumer)
        return consumer.data

    async def begun(self, store, image_id):
        """An image of which one segment has come and another is coming; its source and the add."""
        source = ScriptedStream(PIECES[:5], then=HANG)
        adding = as_deferred(store.add(image_id, source))
        while not await self.spy(self.here.spy.names, f"{self.container}_segments"):
            pass
        # Time passes, until Swift has let the second one in.
        for _ in range(3):
            await store.add(new_id(), ScriptedStream([b"time passes"]))
        return source, adding
