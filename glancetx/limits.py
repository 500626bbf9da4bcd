"""What an operator allows, by Glance's own option names (contract §11)."""

from __future__ import annotations

from attrs import frozen

DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]
CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker"]


@frozen(kw_only=True)
class Limits:
    """
    Bounds on images and on listings.

    ``image_size_cap`` is bytes; ``image_property_quota`` and ``image_member_quota`` count the
    properties and the members of one image, and a negative one lifts the limit;
    ``limit_param_default`` and ``api_limit_max`` count images of one page.
    """

    image_size_cap: int = 1 << 40
    image_property_quota: int = 128
    image_member_quota: int = 128
    disk_formats: tuple[str, ...] = tuple(DISK_FORMATS)
    container_formats: tuple[str, ...] = tuple(CONTAINER_FORMATS)
    limit_param_default: int = 25
    api_limit_max: int = 1000
