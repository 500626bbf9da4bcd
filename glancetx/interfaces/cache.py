"""What keeps copies of images near at hand."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from zope.interface import Attribute, Interface

from glancetx.copies import CachedImage, Original
from glancetx.interfaces.streams import IByteStream


class Source(Protocol):
    """Opens the bytes of one image where they lie; as `IReadableStore.open`, without the key."""

    def __call__(self, offset: int, length: int | None) -> Awaitable[IByteStream]: ...


class IImageCache(Interface):
    """
    Keeps copies of images on this node.

    Several processes may share one cache.
    It never stands in the way: what it cannot keep or find is read from its source.
    Who may have an image is decided before it is asked.

    It is an `twisted.application.service.IService`.
    """

    hits: int = Attribute("How many downloads were given from a copy.")
    joins: int = Attribute("How many followed the making of a copy that was under way.")
    misses: int = Attribute("How many asked the source.")

    def open(
        original: Original, source: Source, offset: int = 0, length: int | None = None
    ) -> Awaitable[IByteStream]:
        """
        The bytes of an image from ``offset`` on, at most ``length`` of them.

        They come from the copy, if there is one.
        If not, and the whole is wanted, a copy is begun, and everybody who wants the whole
        meanwhile follows its making: the source is read once, and at its own pace.
        Who follows gets the last bytes only when the copy has been verified.
        When the last one who follows has left, the copy is given up.
        When it cannot be kept, each goes on from the source where he is.

        The stream has to be poured: until then it counts as somebody who follows.
        It raises `glancetx.errors.DataCorrupted` when the source gave other bytes than those of
        the original, and whatever broke the source.

        :raises RangeOutside: when ``offset`` is beyond the end.
        :raises StoreError, NoSuchData: as the source does.
        """

    def fill(original: Original, source: Source) -> Awaitable[bool]:
        """
        Make a copy for nobody yet; whether there is one in the end.

        :raises StoreError, NoSuchData: as the source does.
        """

    def can_hold(original: Original) -> bool:
        """Whether there could ever be room for it."""

    def holds(original: Original) -> Awaitable[bool]:
        """Whether there is a copy now."""

    def entries() -> Awaitable[list[CachedImage]]:
        """All copies, ordered by the image's id."""

    def drop(image_id: str) -> Awaitable[bool]:
        """
        Forget the copy of an image, also one that is being made; whether there was a finished one.

        Those who read or follow it read on.
        """

    def drop_all() -> Awaitable[int]:
        """As `drop`, for all; how many finished ones there were."""

    def queue(image_id: str) -> Awaitable[None]:
        """Note that a copy is wanted, unless there is one, or one is being made."""

    def queued() -> Awaitable[list[str]]:
        """The ids of images of which a copy is wanted, oldest wish first."""

    def unqueue(image_id: str) -> Awaitable[bool]:
        """Forget a wish; whether there was one."""

    def unqueue_all() -> Awaitable[int]:
        """Forget all wishes; how many there were."""
