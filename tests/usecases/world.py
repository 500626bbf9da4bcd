"""Daemons that share one registry and one store, for tests of races, faults and cancellation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.task import Clock

from glancetx.change import Change
from glancetx.deferreds import as_deferred
from glancetx.errors import RegistryUnavailable
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry, ISurveyedRegistry
from glancetx.limits import Limits
from glancetx.registry.memory import MemoryRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.stores.memory import MemoryStore
from glancetx.streams import Metering
from glancetx.testing.streams import HANG, ScriptedStream
from glancetx.testing.threads import InlineThreads
from glancetx.usecases.announcements import Announcements
from glancetx.usecases.catalogue import Catalogue
from glancetx.usecases.copy import Copies
from glancetx.usecases.delete import Deletions
from glancetx.usecases.download import Downloads
from glancetx.usecases.janitor import LONGEST_WAIT, Janitor
from glancetx.usecases.sources import Sources
from glancetx.usecases.transfers import Transfers
from glancetx.usecases.upload import Uploads
from tests.elsewhere import HELLO as HELLO
from tests.elsewhere import HERE, Elsewhere
from tests.told import Told

LEASE = 30.0
FINAL = {Status.QUEUED, Status.ACTIVE, Status.DEACTIVATED, Status.KILLED, Status.DELETED}

Call = Callable[[], Awaitable[Any]]


class InterceptedRegistry:
    """A registry whose every call goes through `intercept`, which a subclass overrides."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self._registry = registry

    async def intercept(self, call: Call) -> Any:
        return await call()

    def __getattr__(self, name: str) -> Any:
        if name not in IRegistry and name not in ISurveyedRegistry:
            raise AttributeError(name)

        async def method(*args: Any, **options: Any) -> Any:
            return await self.intercept(lambda: getattr(self._registry, name)(*args, **options))

        return method


class FaultyRegistry(InterceptedRegistry):
    """Fails at call number ``fails_at`` and the ``outage`` - 1 next ones, 0 being the first."""

    calls = 0
    fails_at: int | None = None
    outage = 1
    takes_effect = False

    async def intercept(self, call: Call) -> Any:
        number, self.calls = self.calls, self.calls + 1
        if self.fails_at is None or not self.fails_at <= number < self.fails_at + self.outage:
            return await call()
        if self.takes_effect:
            await call()
        raise RegistryUnavailable()


class GatedRegistry(InterceptedRegistry):
    """
    Each call waits at two gates, before and after it takes effect, until the test lets it pass.

    One that is cancelled at the second gate has taken effect all the same.
    """

    is_open = True

    def __init__(self, registry: MemoryRegistry) -> None:
        super().__init__(registry)
        self.waiting: list[Deferred[None]] = []

    async def intercept(self, call: Call) -> Any:
        await self._gate()
        try:
            result = await call()
        finally:
            await self._gate()
        return result

    async def _gate(self) -> None:
        if not self.is_open:
            place: Deferred[None] = Deferred(self.waiting.remove)
            self.waiting.append(place)
            await place

    def pass_one(self, index: int = 0) -> None:
        self.waiting.pop(index).callback(None)

    def open(self) -> None:
        """Let everybody pass, from now on."""
        self.is_open = True
        while self.waiting:
            self.pass_one()


class Daemon:
    """The use-cases of one daemon, which copies two images at once."""

    def __init__(
        self,
        clock: Clock,
        registry: Any,
        store: Any,
        elsewhere: Elsewhere | None = None,
        told: Sequence[Any] = (),
    ) -> None:
        announce = Announcements(told, now=clock.seconds)
        limits = Limits(image_size_cap=100)
        self.shelved = ShelvedStore("file", store)
        self.registry = registry
        self.elsewhere = elsewhere or Elsewhere()
        shelf = Shelf([self.shelved, self.elsewhere.shelved])
        self.transfers = Transfers(clock, registry, LEASE)
        self.uploads = Uploads(
            registry, self.transfers, Metering(InlineThreads()), limits, announce
        )
        self.turns = DeferredSemaphore(2)
        self.copies = Copies(clock, self.uploads, self.transfers, limits, self.turns, lambda: 1.0)
        self.sources = Sources(registry, shelf, limits, announce)
        self.catalogue = Catalogue(registry, limits, announce=announce)
        self.downloads = Downloads(shelf)
        self.deletions = Deletions(registry, shelf, self.transfers, announce=announce)
        self.janitor = Janitor(clock, registry, shelf, self.deletions)

    def upload(self, image: Image, data: Any, shelved: ShelvedStore | None = None) -> Deferred[Any]:
        """Begin an upload."""
        return as_deferred(self.uploads.upload(image, data, shelved or self.shelved))

    async def copy(self, image: Image, location: str = HERE) -> None:
        """Make the record of a new image, and begin to copy into it."""
        image = await self.catalogue.reserve(image, self.copies.lease)
        self.copies.start(image, self.sources.find(location), self.shelved)

    async def copy_to(self, image_id: str, location: str = HERE) -> None:
        """Begin to copy into an image that was reserved."""
        change = Change(lease=self.copies.lease)
        image = await self.registry.update(image_id, change, {Status.QUEUED})
        self.copies.start(image, self.sources.find(location), self.shelved)


@define
class World:
    """One registry, one store, one clock, and a daemon by each of two views of the registry."""

    clock: Clock = field(factory=Clock)
    store: Any = None
    kept: MemoryStore = field(init=False)
    truth: MemoryRegistry = field(init=False)
    registry: Any = None
    elsewhere: Elsewhere = field(factory=Elsewhere)
    told: Told = field(factory=Told)
    here: Daemon = field(init=False)
    there: Daemon = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.kept = MemoryStore(self.clock)
        self.truth = MemoryRegistry(self.clock)
        self.store = self.kept if self.store is None else self.store(self.kept)
        self.registry = self.truth if self.registry is None else self.registry(self.truth)
        self.here = Daemon(self.clock, self.registry, self.store, self.elsewhere, [self.told])
        self.there = Daemon(self.clock, self.truth, self.store, self.elsewhere, [self.told])

    def do(self, work: Awaitable[Any]) -> Any:
        """
        The result of work that waits for nothing.

        :raises: what the work raised.
        """
        results: list[Any] = []
        as_deferred(work).addBoth(results.append)
        (result,) = results
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result

    def reserve(self, image_id: str = "i", **values: Any) -> Image:
        image: Image = self.do(self.truth.insert(Image(image_id=image_id, **values)))
        return image

    def fetch(self, image_id: str = "i") -> Image:
        image: Image = self.do(self.truth.fetch(image_id))
        return image

    def active(self, image_id: str = "i", **values: Any) -> Image:
        """A new active image of five bytes."""
        image = self.reserve(image_id, **values)
        active: Image = self.do(self.there.upload(image, ScriptedStream([HELLO])))
        return active

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)

    def clear_up(self) -> None:
        """Let every lease run out, and a janitor come, also for what was put off."""
        self.pass_time(2 * LEASE)
        self.do(self.there.janitor.clean())
        self.pass_time(LONGEST_WAIT + 1)
        self.do(self.there.janitor.clean())

    def faults(self) -> list[str]:
        """What is wrong once everything has come to rest."""
        found = []
        images = [record.image for record in self.truth._records.values()]
        recorded = {location.key for image in images for location in image.locations}
        kept = self.kept._images
        if lost := kept.keys() - recorded:
            found.append(f"bytes without a record: {lost}")
        for image in images:
            if image.status not in FINAL:
                found.append(f"{image.image_id} is {image.status.value}")
            if image.status is Status.ACTIVE and bytes(kept.get(image.image_id, b"")) != HELLO:
                found.append(f"{image.image_id} is active without its bytes")
            if image.status in (Status.KILLED, Status.DELETED) and image.locations:
                found.append(f"{image.image_id} is {image.status.value} and has locations")
        if leases := [r.image.image_id for r in self.truth._records.values() if r.lease_until]:
            found.append(f"leases of nobody: {leases}")
        return found


def hanging() -> ScriptedStream:
    """A source that has brought its bytes, and does not end."""
    return ScriptedStream([b"he", b"llo"], then=HANG)
