"""Version negotiation: which API a request means (contract §1.2 to §1.4)."""

from __future__ import annotations

import json

from attrs import frozen

VENDOR_TYPE = "application/vnd.openstack.images-"
V1_TOKENS = ("v1", "v1.0", "v1.1")


@frozen
class V1Request:
    """A request for the v1 API; the path segments are those after the version."""

    segments: tuple[str, ...]


@frozen
class VersionDocument:
    """A request to be answered with the list of versions."""

    status: int


@frozen
class Redirect:
    """A request to be sent to this absolute path."""

    path: str


def negotiate_version(
    segments: list[str], accept: str, *, enable_v1: bool = True
) -> V1Request | VersionDocument | Redirect:
    """
    What a request means, by its path (segments after the first slash) and Accept header.

    The vendor type in Accept wins over the path, and then the path is left as it is.
    """
    path = _without_leading_empty(segments)
    if path and path[0] == "versions":
        return VersionDocument(200)
    if accept.startswith(VENDOR_TYPE):
        token, rest = accept.removeprefix(VENDOR_TYPE), path or [""]
    elif path:
        token, rest = path[0], path[1:]
    else:
        return VersionDocument(300)
    if not enable_v1 or token not in V1_TOKENS:
        return VersionDocument(300)
    return V1Request(tuple(rest)) if rest else Redirect("/v1/")


def version_document(base_url: str, *, enable_v1: bool = True) -> bytes:
    """The JSON list of versions; ``base_url`` is scheme, host and port without a slash."""
    links = [{"rel": "self", "href": f"{base_url}/v1/"}]
    versions = [
        {"id": version, "status": "DEPRECATED", "links": links} for version in ("v1.1", "v1.0")
    ]
    return json.dumps({"versions": versions if enable_v1 else []}).encode("ascii")


def _without_leading_empty(segments: list[str]) -> list[str]:
    """Several leading slashes count as one."""
    for index, segment in enumerate(segments):
        if segment:
            return segments[index:]
    return []
