"""Where an object is: which host is asked, and for what path."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from attrs import frozen

from glancetx.errors import NoSuchData
from glancetx.stores.s3.signature import encode_path

#: What Amazon's servers are called, by region.
AMAZON = "https://s3.{region}.amazonaws.com"

PATH = "path"
VIRTUAL = "virtual"

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9]", re.ASCII)
#: Of a bucket that can stand in a host name.
_LABELS = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX = re.compile(r"(?:[\w.~!$'()*+,;@-]+/)*", re.ASCII)
#: The ids of images, and nothing by which one could leave the prefix.
_IMAGE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,254}", re.ASCII)


@frozen
class Place:
    """
    A bucket behind an endpoint, and what the names of its objects begin with.

    ``url`` is that of the server to ask, ``path`` what the paths of all requests begin with.
    """

    url: str
    path: str
    bucket: str
    prefix: str

    def name_of(self, key: str) -> str:
        """
        The name of the object of an image.

        :raises NoSuchData: when this is the id of no image.
        """
        if not _IMAGE_ID.fullmatch(key):
            raise NoSuchData()
        return self.prefix + key

    def key_of(self, name: str) -> str | None:
        """The key of an object, or None when no image's object has this name."""
        key = name.removeprefix(self.prefix)
        if self.prefix + key != name or not _IMAGE_ID.fullmatch(key):
            return None
        return key

    def path_of(self, name: str | None = None) -> str:
        """What to send as the path of an object, or of the bucket."""
        if name is None:
            return self.path or "/"
        return f"{self.path}/{encode_path(name)}"


def place(endpoint: str, region: str, bucket: str, prefix: str, addressing: str) -> Place:
    """
    A place from an operator's words.

    With ``path`` the bucket is the first part of each path, with ``virtual`` of the host's name.
    Without an endpoint it is Amazon's of the region.

    :raises ValueError: when they make no sense; the text says what to write.
    """
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{bucket!r} is no name of a bucket")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    if not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise ValueError(
            f"the prefix {prefix!r} must be letters, digits and dashes between slashes"
        )
    url, root = _endpoint(endpoint or AMAZON.format(region=region))
    if addressing == PATH:
        return Place(url, encode_path(f"{root}/{bucket}"), bucket, prefix)
    if addressing != VIRTUAL:
        raise ValueError(f"addressing must be path or virtual, not {addressing!r}")
    if not _LABELS.fullmatch(bucket):
        raise ValueError(f"the bucket {bucket!r} cannot stand in a host name: use addressing=path")
    scheme, _, host = url.partition("://")
    return Place(f"{scheme}://{bucket}.{host}", encode_path(root), bucket, prefix)


def _endpoint(text: str) -> tuple[str, str]:
    """Scheme and authority of an endpoint, and its path without a slash at the end."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or "@" in parts.netloc:
        # What is wrong may be a secret in it: it is not repeated.
        raise ValueError("the endpoint must be a URL such as https://s3.example.com:9000")
    return f"{parts.scheme}://{parts.netloc.lower()}", parts.path.rstrip("/")
