"""The bytes of an image are read again, and compared with all that its record tells of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing

from attrs import frozen

from glancetx.digests import is_digest
from glancetx.errors import GlanceError, NoSuchData
from glancetx.image import Image, Location
from glancetx.interfaces import ISurveyedRegistry
from glancetx.shelf import Shelf, ShelvedStore
from glancetx.streams import Metering, chunks
from glancetx.threads import Threads
from glancetx.usecases.comparison import READABLE
from glancetx.usecases.pace import Pace


@frozen(kw_only=True)
class Flaw:
    """What is wrong with the bytes of an image in one store."""

    id: str
    store: str
    error: str


class Verification:
    """
    Verifies images, hashing in ``threads`` and at the pace of so many bytes in a second.

    ``count`` is told of bytes as they are read.
    What a location of a user's own leads to is not ours to verify.
    """

    def __init__(
        self,
        registry: ISurveyedRegistry,
        shelf: Shelf,
        threads: Threads,
        pace: Pace,
        count: Callable[[int], None],
    ) -> None:
        self._registry = registry
        self._shelf = shelf
        self._threads = threads
        self._pace = pace
        self._count = count
        #: By the digests that they compute.
        self._meterings: dict[tuple[str, ...], Metering] = {}

    async def verify(self, image: Image, store: str | None = None) -> list[Flaw]:
        """
        What is wrong with an image, in one store or in all.

        What was deleted meanwhile has no flaws.

        :raises RegistryUnavailable: when that cannot be known.
        """
        flaws = []
        for location in image.locations:
            if store not in (None, location.store):
                continue
            for error in await self._errors(image, location):
                flaws.append(Flaw(id=image.image_id, store=location.store, error=error))
        return flaws if flaws and await self._is_still_so(image) else []

    async def _errors(self, image: Image, location: Location) -> list[str]:
        try:
            shelved = self._shelf.holding(location)
            if shelved.is_foreign:
                return []
            return await self._compare(shelved, image, location)
        except NoSuchData:
            return ["the bytes are not there"]
        except GlanceError as error:
            return [f"cannot be read: {error}"]

    async def _compare(self, shelved: ShelvedStore, image: Image, location: Location) -> list[str]:
        expected = expected_digests(image)
        metered = self._metering(tuple(sorted(expected))).meter(
            await shelved.store.open(location.key)
        )
        async with aclosing(chunks(metered)) as pieces:
            async for piece in pieces:
                self._count(len(piece))
                await self._pace.spend(len(piece))
        errors = []
        if metered.size != image.size:
            errors.append(f"{metered.size} bytes instead of {image.size}")
        for name, digest in expected.items():
            if metered.digests[name] != digest:
                errors.append(f"{name} {metered.digests[name]} instead of {digest}")
        return errors

    def _metering(self, algorithms: tuple[str, ...]) -> Metering:
        if algorithms not in self._meterings:
            self._meterings[algorithms] = Metering(self._threads, algorithms)
        return self._meterings[algorithms]

    async def _is_still_so(self, image: Image) -> bool:
        return any(
            each.image.status in READABLE and each.image.locations == image.locations
            for each in await self._registry.survey_of([image.image_id])
        )


def expected_digests(image: Image) -> Mapping[str, str]:
    """What the record tells of the bytes, as far as we can compute it."""
    told = {name: digest for name, digest in image.digests.items() if is_digest(name)}
    if image.checksum is not None:
        told["md5"] = image.checksum
    return told
