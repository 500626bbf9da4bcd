"""What an operator allows, by Glance's own option names (contract §11)."""

from __future__ import annotations

import re

from attrs import evolve, frozen

DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]
CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker"]


@frozen(kw_only=True)
class Limits:
    """
    Bounds on images and on listings.

    ``image_size_cap`` is bytes; ``user_storage_quota`` is the bytes that all images of one owner
    may take together, and 0 sets no limit;
    ``image_count_total`` is how many images one owner may have, and 0 sets no limit;
    ``image_property_quota`` and ``image_member_quota`` count the properties and the members of one
    image, and a negative one lifts the limit;
    ``limit_param_default`` and ``api_limit_max`` count images of one page.
    """

    image_size_cap: int = 1 << 40
    user_storage_quota: int = 0
    image_count_total: int = 10_000
    image_property_quota: int = 128
    image_member_quota: int = 128
    disk_formats: tuple[str, ...] = tuple(DISK_FORMATS)
    container_formats: tuple[str, ...] = tuple(CONTAINER_FORMATS)
    limit_param_default: int = 25
    api_limit_max: int = 1000


@frozen(kw_only=True)
class Traffic:
    """
    Bounds on what clients do at the same time; 0 lifts each of them.

    ``max_connections`` and ``max_connections_per_address`` count open connections,
    ``max_transfers`` uploads and downloads, and ``max_copies`` copies from elsewhere that run or
    wait for their turn.
    The head of a request has ``client_header_timeout`` seconds to come, of which no more than
    ``client_header_idle_timeout`` may pass without a byte.
    A project may send ``request_rate`` requests a second, and ``request_burst`` at once after it
    has been silent.
    """

    max_connections: int = 4096
    max_connections_per_address: int = 2048
    max_transfers: int = 1024
    max_copies: int = 1024
    client_header_timeout: float = 60.0
    client_header_idle_timeout: float = 20.0
    request_rate: float = 200.0
    request_burst: int = 4000

    def divided(self, workers: int) -> Traffic:
        """
        What each of so many workers allows, so that together they allow as much.

        Requests are counted by all of them together.
        """
        return evolve(
            self,
            max_connections=_divided(self.max_connections, workers),
            max_connections_per_address=_divided(self.max_connections_per_address, workers),
            max_transfers=_divided(self.max_transfers, workers),
            max_copies=_divided(self.max_copies, workers),
        )


def _divided(most: int, workers: int) -> int:
    """Rounded up: 0 would be no limit."""
    return -(-most // workers)


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
