"""What a caller may know of, and whether he may change anything at all."""

from __future__ import annotations

from glancetx.access import Caller, may_see
from glancetx.errors import NoSuchImage, ReadOnly
from glancetx.image import Image
from glancetx.interfaces import IRegistry


def check_not_read_only(caller: Caller) -> None:
    """
    :raises ReadOnly: when nobody has identified him: he changes nothing, whatever it is.
    """
    if caller.is_read_only:
        raise ReadOnly


async def fetch_visible(
    registry: IRegistry, caller: Caller, image_id: str, *, also_gone: bool = False
) -> Image:
    """
    The record, as far as the caller may know of it.

    With ``also_gone`` he may know of a deleted one if he might have before; its members have gone
    with it.
    The registry is asked for his membership only when nothing else lets him see the image.

    :raises NoSuchImage: when there is none that he may know of.
    """
    image = await registry.fetch(image_id)
    if may_see(caller, image, also_gone=also_gone):
        return image
    if caller.owner is not None and may_see(caller, image, is_member=True):
        if await registry.membership(image_id, caller.owner) is not None:
            return image
    raise NoSuchImage(image_id)
