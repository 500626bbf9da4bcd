"""Bytes that do not come with a POST or PUT, but lie elsewhere (contract §6.1 to §6.3)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, evolve, field, frozen

from glancetx.change import Change
from glancetx.errors import BadRequest
from glancetx.image import Image
from glancetx.shelf import ShelvedStore
from glancetx.usecases.copy import Copies
from glancetx.usecases.sources import Source, Sources, check_waits_for_source
from glancetx.web.v1.meta import RequestMeta
from glancetx.web.v1.uploading import Receiver, check_formats


@frozen
class Elsewhere:
    """Copies what lies elsewhere, or leaves it there, as requests wish."""

    _sources: Sources
    _copies: Copies
    _receiver: Receiver

    def wish(
        self, meta: RequestMeta, brings_data: bool, check_location: Callable[[], None]
    ) -> Wish | None:
        """
        What a request wishes, not judged yet; None when it speaks of no source.

        ``check_location`` raises when whoever asks may not name a location.
        """
        if meta.copy_from is None and meta.location is None:
            return None
        return Wish(self._sources, self._copies, self._receiver, meta, brings_data, check_location)


@define
class Wish:
    """
    What one request wants of a source elsewhere.

    First `find` it, then `probe` it, and when the record is there `fulfil` the wish; for a PUT it
    is a `glancetx.usecases.catalogue.Supplement` that does the first two.
    ``size`` is what a source was found to have when it was probed, 0 when it does not tell; None
    when the request told a size, and nobody is asked before the record is there (§6.2).
    """

    _sources: Sources
    _copies: Copies
    _receiver: Receiver
    _meta: RequestMeta
    _brings_data: bool
    _check_location: Callable[[], None]
    size: int | None = field(default=None, init=False)
    _source: Source | None = field(default=None, init=False)
    _target: ShelvedStore | None = field(default=None, init=False)

    @property
    def lease(self) -> float | None:
        """For how many seconds the image must be leased from the start."""
        return self._copies.lease if self._is_copy else None

    def find(self) -> None:
        """
        :raises Refused: when whoever asks may not name it.
        :raises BadRequest: when it is empty, malformed, not for users, or one of several.
        :raises NoSuchStore: when a copy is to go to a store that does not exist.
        :raises Overloaded: when too many copies run or wait.
        """
        self._check_location()
        named = [each for each in (self._meta.copy_from, self._meta.location) if each is not None]
        if not all(each.strip() for each in named):
            raise BadRequest("External source should not be empty")
        found = [self._sources.find(each) for each in named]
        if len(found) + self._brings_data > 1:
            raise BadRequest("It's invalid to provide multiple image sources.")
        self._source = found[0]
        if self._is_copy:
            self._target = self._receiver.chosen_store(self._meta)
            self._copies.check_room()

    async def probe(self) -> None:
        """
        :raises GlanceError: when the source is not there, or does not say what it should.
        """
        if self._source is None or self._meta.values.get("size"):
            return
        if self._is_copy:
            self.size = await self._sources.size_to_copy(self._source)
        else:
            self.size = await self._source.size() or 0

    def of(self, draft: Image) -> Image:
        """The record to make: what is copied has the size that was found."""
        return evolve(draft, size=self.size) if self.size and self._is_copy else draft

    async def fulfil(self, image: Image) -> Image:
        """
        Begin the copy into a queued image, or let it be active at once; the record.

        :raises BadMetadata: when a format is missing for one that stays; it is still queued.
        :raises Conflict: when that has another size than was said; it is still queued.
        """
        if self._source is None:
            raise RuntimeError("a wish is fulfilled only after its source was found")
        if self._target is not None:
            self._copies.start(image, self._source, self._target)
            return image
        check_formats(image)
        return await self._sources.attach(image, self._source, self.size)

    # -- as what a change is supplemented by

    def check(self, image: Image) -> None:
        """
        :raises BadRequest: as `find`, or when the image does not wait for its bytes.
        """
        self.find()
        check_waits_for_source(image)

    async def complete(self, change: Change) -> Change:
        """
        :raises GlanceError: as `probe`.
        """
        await self.probe()
        if not self._is_copy:
            return change
        found = {"size": self.size} if self.size else {}
        return evolve(change, values={**change.values, **found}, lease=self.lease)

    @property
    def _is_copy(self) -> bool:
        return self._meta.copy_from is not None
