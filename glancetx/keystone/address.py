"""The address of a Keystone, as an operator writes it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_URL = re.compile(
    r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", re.ASCII
)


def plain_url(what: str, text: str) -> str:
    """
    The URL itself, which has neither a user nor a query, and may stand in a header.

    :raises ValueError: when it is none; the text begins with ``what``.
    """
    if _URL.fullmatch(text) is None:
        raise ValueError(f"{what} must be a plain http or https URL")
    return text


def v3_url(what: str, text: str) -> str:
    """
    The URL of the identity API v3, without a slash at its end.

    ``/v3`` is added where it is missing.
    Keystone's own list of versions is not asked: behind a proxy it often names addresses that
    only Keystone itself can reach, and the credentials are for the address that was written.

    :raises ValueError: when it is none, or that of an older version.
    """
    url = plain_url(what, text).rstrip("/")
    if url.endswith("/v2.0"):
        raise ValueError(f"{what} is that of version 2.0, which cannot be used: leave out /v2.0")
    return url if url.endswith("/v3") else f"{url}/v3"


def is_exposed(url: str) -> bool:
    """Whether what is sent there leaves this machine unencrypted."""
    if url.startswith("https:"):
        return False
    host = urlsplit(url).hostname or ""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
