"""What an operator allows, by Glance's own option names (contract §11)."""

from __future__ import annotations

import re

from attrs import frozen

DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]
CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker"]


@frozen(kw_only=True)
class Limits:
    """
    Bounds on images and on listings.

    ``image_size_cap`` is bytes; ``user_storage_quota`` is the bytes that all images of one owner
    may take together, and 0 sets no limit;
    ``image_property_quota`` and ``image_member_quota`` count the properties and the members of one
    image, and a negative one lifts the limit;
    ``limit_param_default`` and ``api_limit_max`` count images of one page.
    """

    image_size_cap: int = 1 << 40
    user_storage_quota: int = 0
    image_property_quota: int = 128
    image_member_quota: int = 128
    disk_formats: tuple[str, ...] = tuple(DISK_FORMATS)
    container_formats: tuple[str, ...] = tuple(CONTAINER_FORMATS)
    limit_param_default: int = 25
    api_limit_max: int = 1000


_SIZE = re.compile(r"([0-9]{1,19})(|B|KB|MB|GB|TB)", re.ASCII)
_UNITS = ("", "B", "KB", "MB", "GB", "TB")


def read_size(text: str) -> int:
    """
    Bytes, from digits with an optional unit, of powers of 1024 and without a blank: ``20GB``.

    :raises ValueError: when it is written in another way.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no size")
    digits, unit = match.groups()
    return int(digits) << 10 * max(0, _UNITS.index(unit) - 1)
