"""What the parts of `glancetx.testing.registry_contract` share."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from attrs import evolve

from glancetx.image import Image, Location, Status, Visibility
from glancetx.interfaces import IRegistry
from glancetx.query import ImageQuery

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as _Base
else:
    _Base = object

#: Nobody answers any more: a lease of less than nothing is overdue at once, without waiting.
OVERDUE = -1.0

FULL = Image(
    image_id="2f1b8a3c-0000-4000-8000-0123456789ab",
    status=Status.DEACTIVATED,
    name="Größe 💾 \\ ' \" %s %(x)s {} \n",
    owner="tenant",
    visibility=Visibility.COMMUNITY,
    protected=True,
    disk_format="qcow2",
    container_format="bare",
    size=2**63 - 1,
    virtual_size=2**63 - 1,
    min_disk=2**31 - 1,
    min_ram=7,
    checksum="d41d8cd98f00b204e9800998ecf8427e",
    digests={"sha256": "e3b0c442", "md5": "d41d8cd9"},
    properties={"os": "plan 9", "empty": "", "null": None, "schlüssel 🔑 '\"%": "ü\\u0041"},
    locations=(Location("file", "ab/cd/ü"), Location("http", "http://a:b@example.org/%20x")),
    status_reason="because",
)


async def outcome_of(work: Awaitable[Any]) -> Any:
    """What the work returned or raised, as a value."""
    try:
        return await work
    except Exception as error:
        return error


def stamped(image: Image, like: Image) -> Image:
    """The image with the times of another one."""
    return evolve(image, created_at=like.created_at, updated_at=like.updated_at)


class RegistryCase(_Base):
    """What all tests of a registry need."""

    def make_registry(self) -> Awaitable[IRegistry]:
        """An empty registry. Each test calls it once and cleans up with ``addCleanup``."""
        raise NotImplementedError

    async def registry_with(self, *images: Image) -> IRegistry:
        """A registry that was given these, one after the other."""
        registry = await self.make_registry()
        for image in images:
            await registry.insert(image)
        return registry

    async def assert_raises(self, expected: type[Exception], work: Awaitable[object]) -> Any:
        """The error of this type that the work raises."""
        error = await outcome_of(work)
        self.assertIsInstance(error, expected)
        return error

    async def listed_ids(self, registry: IRegistry, **query: Any) -> list[str]:
        """The ids of all images of a listing, in its order."""
        images = await registry.select(ImageQuery(**query, limit=1000))
        return [image.image_id for image in images]
