"""The root of the server: health, version negotiation, and then an API."""

from __future__ import annotations

from attrs import frozen
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource

from glancetx.web.context import host_url
from glancetx.web.errors import HttpError, error_body
from glancetx.web.request import StreamingRequest, streaming
from glancetx.web.routes import HEALTH, VERSIONS, route_of
from glancetx.web.versions import Redirect, V1Request, negotiate_version, version_document


@frozen
class Front:
    """
    How the server presents itself.

    ``public_endpoint`` replaces scheme and host in the version document (contract F-06).
    """

    public_endpoint: str | None = None
    enable_v1_api: bool = True


class Root(Resource):
    """
    Answers what belongs to no API, and hands everything else to the gate of the one that is meant.
    """

    isLeaf = True

    def __init__(self, v1: IResource, front: Front) -> None:
        super().__init__()
        self._v1 = v1
        self._front = front

    def render(self, request: IRequest) -> bytes | int:
        try:
            return self._route(streaming(request))
        except HttpError as error:
            return error_body(request, error.status, error.explanation)

    def _route(self, request: StreamingRequest) -> bytes | int:
        if not request.path.startswith(b"/"):
            raise HttpError(400, "The request target is not a path.")
        base_url = host_url(request)
        segments = _decoded(request.postpath or [])
        if segments == ["healthcheck"] and request.method in (b"GET", b"HEAD"):
            return _health(request)
        meaning = negotiate_version(
            segments, request.getHeader("accept") or "", enable_v1=self._front.enable_v1_api
        )
        if isinstance(meaning, V1Request):
            return self._enter(request, meaning)
        request.route = VERSIONS
        if isinstance(meaning, Redirect):
            return _redirect(request, base_url + meaning.path)
        return self._versions(request, meaning.status, base_url)

    def _enter(self, request: StreamingRequest, meaning: V1Request) -> bytes | int:
        request.route = route_of(meaning.segments)
        request.postpath = [segment.encode("utf-8") for segment in meaning.segments]
        answer: bytes | int = self._v1.render(request)
        return answer

    def _versions(self, request: StreamingRequest, status: int, base_url: str) -> bytes:
        base_url = self._front.public_endpoint or base_url
        request.setResponseCode(status)
        request.setHeader("Content-Type", "application/json")
        return version_document(base_url.rstrip("/"), enable_v1=self._front.enable_v1_api)


def _decoded(segments: list[bytes]) -> list[str]:
    try:
        return [segment.decode("utf-8") for segment in segments]
    except UnicodeDecodeError:
        raise HttpError(400, "The path is not valid UTF-8.") from None


def _health(request: StreamingRequest) -> bytes:
    """
    Whether a balancer should send anybody here: as long as the process serves.

    No more is asked than that.
    """
    request.route = HEALTH
    request.setHeader("Content-Type", "text/plain; charset=UTF-8")
    request.setHeader("Cache-Control", "no-store")
    if request.site.is_leaving or request.site.is_ending:
        request.setResponseCode(503)
        return b"ENDING"
    return b"OK"


def _redirect(request: IRequest, url: str) -> bytes:
    request.setResponseCode(302)
    request.setHeader("Location", url)
    request.setHeader("Content-Type", "text/plain; charset=utf8")
    return b""
