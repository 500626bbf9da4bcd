"""Members ↔ v1's JSON (contract §2.2). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

from glancetx.errors import BadRequest
from glancetx.member import Member

#: Characters of a member's id.
LONGEST = 255


def members_document(members: Iterable[Member]) -> bytes:
    """The body that lists an image's members."""
    rows = [{"member_id": each.member, "can_share": each.can_share} for each in members]
    return json.dumps({"members": rows}).encode("ascii")


def shared_images_document(memberships: Iterable[Member]) -> bytes:
    """The body that lists what is shared with a member."""
    rows = [{"image_id": each.image_id, "can_share": each.can_share} for each in memberships]
    return json.dumps({"shared_images": rows}).encode("ascii")


def read_can_share(document: Any) -> bool | None:
    """
    Whether a member may share, or None when the body of a PUT leaves that open.

    Any value counts by its truth: the text ``"false"`` is true.
    Some languages write an object without members as ``[]``.

    :raises BadRequest: when it is not ``{"member": {"can_share": …}}``, or less of that.
    """
    member = _object(document).get("member", {})
    if member != [] and not isinstance(member, dict):
        raise BadRequest("Unexpected body type. The member must be an object.")
    return _can_share(_object(member))


def read_memberships(document: Any) -> list[tuple[str, bool | None]]:
    """
    Each member and whether he may share, None where that is left open.

    An object without ``memberships`` is one of them itself.

    :raises BadRequest: when it is not ``{"memberships": [{"member_id": …}, …]}``.
    """
    if not isinstance(document, dict):
        _refuse_body()
    entries = document.get("memberships", [document])
    if not isinstance(entries, list):
        _refuse_body()
    return [_membership(entry) for entry in entries]


def check_member_id(text: str) -> str:
    """
    The id as it is.

    :raises BadRequest: when no member can have it.
    """
    if not 0 < len(text) <= LONGEST or "\0" in text or not _is_text(text):
        raise BadRequest(f"A member id has 1 to {LONGEST} characters, and NUL is none of them.")
    return text


def _membership(entry: Any) -> tuple[str, bool | None]:
    member = entry.get("member_id") if isinstance(entry, dict) else None
    if not isinstance(member, str):
        raise BadRequest("Invalid membership association: each must be an object with a member_id.")
    return check_member_id(member), _can_share(entry)


def _can_share(entry: dict[str, Any]) -> bool | None:
    return bool(entry["can_share"]) if "can_share" in entry else None


def _object(value: Any) -> dict[str, Any]:
    if value == []:
        return {}
    if not isinstance(value, dict):
        _refuse_body()
    return value


def _refuse_body() -> NoReturn:
    raise BadRequest("Unexpected body type. Expected an object.")


def _is_text(text: str) -> bool:
    """Whether no character is half of one, as JSON's escapes allow."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
