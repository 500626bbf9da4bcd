"""Bytes that nobody owns go: when the records say so, and again right before."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from attrs import define, evolve, field, frozen
from twisted.logger import Logger

from glancetx.errors import DataInUse, ImageExists, NoSuchData, StoreForbids, StoreReadOnly
from glancetx.image import Image, Status, Visibility
from glancetx.interfaces import IListedStore, IRegistry
from glancetx.shelf import ShelvedStore
from glancetx.usecases.comparison import Comparison, Finding, Verdict

#: What the record says of bytes that had none.
ADOPTED = "These bytes had no record, and were removed."


@define
class Tally:
    """How many things of a kind were found, and how many bytes they have."""

    count: int = 0
    size: int = 0

    def add(self, finding: Finding) -> None:
        self.count += 1
        self.size += finding.size


@frozen
class Orphans:
    """Removes orphans; any number of daemons and commands may do so at the same time."""

    _comparison: Comparison
    _registry: IRegistry
    _log = Logger()

    async def sweep(
        self, shelved: ShelvedStore, *, is_dry: bool = False, with_unknown: bool = False
    ) -> AsyncGenerator[tuple[Finding, bool], None]:
        """
        All that the store holds, and whether it was removed.

        Unknown bytes are removed only ``with_unknown``.

        :raises StoreError: when the store cannot be reached.
        :raises RegistryUnavailable: when the registry cannot be reached.
        """
        async with aclosing(self._comparison.held(shelved)) as findings:
            async for finding in findings:
                try:
                    is_removed = not is_dry and await self.remove(
                        shelved, finding, with_unknown=with_unknown
                    )
                except (StoreForbids, StoreReadOnly) as error:
                    is_removed = False
                    finding = evolve(finding, trouble=str(error))
                    self._log.warn(
                        "orphaned bytes of {image_id} stay in the store {store}: {error}",
                        image_id=finding.image_id,
                        store=finding.store,
                        error=error,
                    )
                yield finding, is_removed

    async def remove(
        self, shelved: ShelvedStore, finding: Finding, *, with_unknown: bool = False
    ) -> bool:
        """
        Remove what was found, if nobody owns it; whether that was done here.

        Unknown bytes get the record of a deleted image first: so nobody can come to own them.
        """
        if finding.verdict is Verdict.UNKNOWN and with_unknown:
            await self._adopt(finding)
        elif finding.verdict is not Verdict.ORPHAN:
            return False
        try:
            is_removed = await self._remove(shelved, finding)
        except (NoSuchData, DataInUse):
            # Somebody was quicker, or is at it.
            return False
        if is_removed:
            self._log.info(
                "{size} bytes of {image_id} in the store {store} were nobody's: removed",
                size=finding.size,
                image_id=finding.image_id,
                store=finding.store,
            )
        return is_removed

    async def _remove(self, shelved: ShelvedStore, finding: Finding) -> bool:
        store, holding = IListedStore(shelved.store), finding.holding
        if holding is not None and holding.is_finished:
            holding = await store.look_up(holding.key)
        if holding is None:
            return False
        again = await self._comparison.judged(shelved, holding)
        if again.verdict is not Verdict.ORPHAN:
            return False
        if holding.is_finished:
            await store.delete(holding.key)
        else:
            await store.drop_unfinished(holding.key)
        return True

    async def _adopt(self, finding: Finding) -> None:
        if finding.image_id is None:
            return
        dead = Image(
            image_id=finding.image_id,
            status=Status.DELETED,
            visibility=Visibility.PRIVATE,
            status_reason=ADOPTED,
        )
        try:
            await self._registry.insert(dead)
        except ImageExists:
            # Then its record decides.
            pass


@define
class Summary:
    """
    What came of a comparison, as counts.

    ``found`` is by store and verdict; ``removed`` what of it was removed.
    """

    found: dict[tuple[str, Verdict], Tally] = field(factory=dict)
    removed: Tally = field(factory=Tally)

    def add(self, finding: Finding, is_removed: bool = False) -> None:
        """Count something."""
        self.found.setdefault((finding.store, finding.verdict), Tally()).add(finding)
        if is_removed:
            self.removed.add(finding)

    def of(self, verdict: Verdict) -> Tally:
        """What there was of one kind in all stores."""
        those = [tally for (_, each), tally in self.found.items() if each is verdict]
        return Tally(sum(each.count for each in those), sum(each.size for each in those))
