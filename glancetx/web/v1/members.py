"""The handlers of v1's members: with whom an image is shared, and what with somebody."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.web.iweb import IRequest

from glancetx.usecases.members import Members, check_may_write
from glancetx.web.bodies import parse_json, read_body
from glancetx.web.errors import HttpError
from glancetx.web.request import StreamingRequest
from glancetx.web.v1.handling import dispatch, json_answer, no_content
from glancetx.web.v1.memberships import (
    check_member_id,
    members_document,
    read_can_share,
    read_memberships,
    shared_images_document,
)
from glancetx.web.v1.permissions import Permissions


@frozen
class MembersV1:
    """Answers the paths of members, whose routes are among the others of v1."""

    _members: Members
    _permissions: Permissions

    async def of_image(self, request: IRequest, image_id: str) -> bytes | None:
        """``/images/{id}/members``"""
        return await dispatch(
            request,
            GET=lambda request: self._list(request, image_id),
            PUT=lambda request: self._replace(request, image_id),
        )

    async def one(self, request: IRequest, image_id: str, member: str) -> bytes | None:
        """``/images/{id}/members/{member}``"""
        return await dispatch(
            request,
            GET=_refuse,
            PUT=lambda request: self._add(request, image_id, member),
            DELETE=lambda request: self._remove(request, image_id, member),
        )

    async def shared_images(self, request: IRequest, member: str) -> bytes | None:
        """``/shared-images/{member}``"""
        return await dispatch(
            request,
            GET=lambda request: self._list_shared(request, member),
            HEAD=lambda request: self._list_shared(request, member),
        )

    async def _list(self, request: StreamingRequest, image_id: str) -> bytes:
        self._permissions.check("get_members", request.caller)
        members = await self._members.of_image(request.caller, image_id)
        return json_answer(request, 200, members_document(members))

    async def _list_shared(self, request: StreamingRequest, member: str) -> bytes:
        shared = await self._members.shared_with(request.caller, check_member_id(member))
        return json_answer(request, 200, shared_images_document(shared))

    async def _replace(self, request: StreamingRequest, image_id: str) -> bytes:
        self._check_may_write("modify_member", request)
        memberships = read_memberships(await _document(request))
        await self._members.replace(request.caller, image_id, memberships)
        return no_content(request)

    async def _add(self, request: StreamingRequest, image_id: str, member: str) -> bytes:
        self._check_may_write("modify_member", request)
        can_share = read_can_share(await _document(request))
        await self._members.add(request.caller, image_id, check_member_id(member), can_share)
        return no_content(request)

    async def _remove(self, request: StreamingRequest, image_id: str, member: str) -> bytes:
        self._check_may_write("delete_member", request)
        await self._members.remove(request.caller, image_id, check_member_id(member))
        return no_content(request)

    def _check_may_write(self, rule: str, request: StreamingRequest) -> None:
        check_may_write(request.caller)
        self._permissions.check(rule, request.caller)


async def _refuse(request: StreamingRequest) -> bytes:
    """405 without Allow, as clients know it (R-11)."""
    raise HttpError(405)


async def _document(request: StreamingRequest) -> Any:
    """The body as JSON, whatever type it claims to be; none at all is an empty array."""
    body = await read_body(request.body)
    return parse_json(body) if body else []
