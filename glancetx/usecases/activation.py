"""Operators withdraw the bytes of an image, and give them back."""

from __future__ import annotations

from attrs import frozen

from glancetx.access import Caller
from glancetx.change import move
from glancetx.errors import NoSuchImage, NotAllowed, StatusConflict, WrongStatus
from glancetx.image import Image, Status
from glancetx.interfaces import IRegistry
from glancetx.usecases.sight import fetch_visible


@frozen
class Activations:
    """Deactivates images and reactivates them; all else about them stays as it is."""

    _registry: IRegistry

    async def deactivate(self, caller: Caller, image_id: str) -> Image:
        """
        Let nobody download the image from now on; downloads that run go on.

        :raises NotAllowed: when the caller is no operator.
        :raises NoSuchImage: when there is none, or it is deleted.
        :raises WrongStatus: when it is neither active nor deactivated already.
        """
        return await self._move(caller, image_id, Status.ACTIVE, Status.DEACTIVATED)

    async def reactivate(self, caller: Caller, image_id: str) -> Image:
        """
        Let it be downloaded again.

        :raises NotAllowed: when the caller is no operator.
        :raises NoSuchImage: when there is none, or it is deleted.
        :raises WrongStatus: when it is neither deactivated nor active already.
        """
        return await self._move(caller, image_id, Status.DEACTIVATED, Status.ACTIVE)

    async def _move(self, caller: Caller, image_id: str, old: Status, new: Status) -> Image:
        await fetch_visible(self._registry, caller, image_id)
        if not caller.is_admin:
            raise NotAllowed()
        try:
            return await self._registry.update(image_id, move(new), expect={old})
        except StatusConflict as conflict:
            if conflict.found is new:
                return await self._registry.fetch(image_id)
            if conflict.found.is_gone:
                raise NoSuchImage(image_id) from None
            raise WrongStatus(image_id, conflict.found, old) from None
