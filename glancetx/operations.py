"""What the operator's command can do, on an open registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from attrs import field, frozen
from twisted.application.service import IService
from twisted.internet.defer import maybeDeferred

from glancetx.access import OPERATOR, Caller
from glancetx.config import Settings
from glancetx.errors import GlanceError
from glancetx.image import Image
from glancetx.interfaces import IRegistry
from glancetx.parts import make_deletions, make_janitor, make_shelf
from glancetx.usecases.activation import Activations
from glancetx.usecases.janitor import GOING
from glancetx.usecases.transfers import Transfers

#: How many images a dry run tells of at most.
MOST_SHOWN = 10_000


@frozen
class Failed:
    """An image that something could not be done to, and why."""

    id: str
    error: str


@frozen
class Outcome:
    """The ids of the images that something was done to, ``deed`` being the word for it."""

    deed: str
    done: list[str] = field(factory=list)
    failed: list[Failed] = field(factory=list)


class Operations:
    """Deeds of an operator; each returns its `Outcome`."""

    def __init__(self, reactor: Any, settings: Settings) -> None:
        """
        :raises ConfigError: when a store makes no sense.
        """
        self._reactor = reactor
        self._settings = settings
        self._shelf = make_shelf(reactor, settings)

    async def scrub(self, registry: IRegistry, *, is_dry: bool = False) -> Outcome:
        """Remove the bytes of deleted images whose time has come, or only tell which these are."""
        if is_dry:
            # Taken for no time at all, they are left to whoever comes next.
            due = await registry.take_overdue(0, MOST_SHOWN, GOING)
            return Outcome("due", [image.image_id for image in due])
        transfers = Transfers(self._reactor, registry, self._settings.transfer_lease)
        deletions = make_deletions(self._settings, registry, self._shelf, transfers)
        janitor = make_janitor(self._reactor, self._settings, registry, self._shelf, deletions)
        services = [IService(each.store) for each in self._shelf if IService.providedBy(each.store)]
        for service in services:
            service.startService()
        try:
            cleared = await janitor.clear(GOING)
        finally:
            for service in services:
                await maybeDeferred(service.stopService)
        outcome = Outcome("scrubbed", [each.image_id for each in cleared if each.trouble is None])
        outcome.failed.extend(Failed(c.image_id, c.trouble) for c in cleared if c.trouble)
        return outcome

    async def deactivate(self, registry: IRegistry, image_ids: Iterable[str]) -> Outcome:
        """Let nobody download these images from now on."""
        return await _each("deactivated", Activations(registry).deactivate, image_ids)

    async def reactivate(self, registry: IRegistry, image_ids: Iterable[str]) -> Outcome:
        """Let them be downloaded again."""
        return await _each("reactivated", Activations(registry).reactivate, image_ids)


async def _each(
    deed: str, do: Callable[[Caller, str], Awaitable[Image]], image_ids: Iterable[str]
) -> Outcome:
    outcome = Outcome(deed)
    for image_id in image_ids:
        try:
            await do(OPERATOR, image_id)
        except GlanceError as error:
            outcome.failed.append(Failed(image_id, str(error)))
        else:
            outcome.done.append(image_id)
    return outcome
