"""The routes of v1 by the names that they are counted under."""

from __future__ import annotations

from collections.abc import Sequence

#: Whatever leads nowhere, or has not been understood.
ELSEWHERE = "elsewhere"

HEALTH = "/healthcheck"
VERSIONS = "/versions"


def route_of(segments: Sequence[str]) -> str:
    """
    The route that the segments of a path below ``/v1`` mean, its variable parts as their names.

    There are as many as the API has, whatever clients ask for.
    """
    match segments:
        case [""]:
            return "/v1/"
        case ["images"]:
            return "/v1/images"
        case ["images", "detail"]:
            return "/v1/images/detail"
        case ["images", _]:
            return "/v1/images/{image_id}"
        case ["images", _, "members"]:
            return "/v1/images/{image_id}/members"
        case ["images", _, "members", _]:
            return "/v1/images/{image_id}/members/{member}"
        case ["shared-images", _]:
            return "/v1/shared-images/{member}"
        case [("cached_images" | "queued_images") as first]:
            return f"/v1/{first}"
        case [("cached_images" | "queued_images") as first, _]:
            return f"/v1/{first}/{{image_id}}"
    return ELSEWHERE
