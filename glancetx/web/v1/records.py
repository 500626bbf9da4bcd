"""What a POST or PUT asks of an image's record (contract §6.1, §7)."""

from __future__ import annotations

import uuid

from glancetx.access import Caller
from glancetx.change import Change
from glancetx.errors import Immutable
from glancetx.image import Image, Status
from glancetx.web.v1 import words
from glancetx.web.v1.meta import RequestMeta

MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"


def draft(caller: Caller, meta: RequestMeta, brings_data: bool) -> Image:
    """
    The record that a POST asks for.

    A size of 0 and no data make an empty image, active at once (§6.1); it claims no other
    checksum than its own.

    :raises BadMetadata: when it names an id that does not look like a UUID.
    """
    values = dict(meta.values)
    if not (caller.is_admin and "owner" in values):
        values["owner"] = caller.owner
    is_empty = values.get("size") == 0 and not brings_data
    if is_empty and values.get("checksum") != MD5_OF_NOTHING:
        values["checksum"] = None
    return Image(
        image_id=words.image_id(meta.image_id) if meta.image_id else str(uuid.uuid4()),
        status=Status.ACTIVE if is_empty else Status.QUEUED,
        properties=meta.properties,
        **values,
    )


def revision(caller: Caller, image: Image, meta: RequestMeta, brings_data: bool) -> Change:
    """
    What a PUT changes in an image as it is now (§7).

    :raises Immutable: when it names another id or status than the image has.
    """
    if meta.image_id is not None and meta.image_id != image.image_id:
        raise Immutable("id")
    if meta.status is not None and meta.status != image.status.value:
        raise Immutable("status")
    values = dict(meta.values)
    if not caller.is_admin:
        values.pop("owner", None)
    purge = not brings_data and meta.purge is not False
    return Change(values, properties=meta.properties, purge=purge)
