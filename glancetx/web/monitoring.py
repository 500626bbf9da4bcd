"""What a daemon tells of itself on a listener of its own: numbers, and whether it is ready."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from glancetx.web.request import StreamingRequest, streaming
from glancetx.web.site import StreamingSite

#: Seconds without a byte after which a connection is closed.
IDLE = 60.0

#: The numbers in the form that an Accept header asks for, and its media type.
Exposition = Callable[[str], Awaitable[tuple[bytes, str]]]

#: What the daemon depends on → what is known of it: ``is_needed``, and ``trouble`` or None.
Standings = Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]]

_log = Logger()


class MonitoringSite(StreamingSite):
    """Answers ``/metrics``, ``/readyz`` and ``/healthcheck``, and keeps no log of who asks."""

    def __init__(self, clock: IReactorTime, exposition: Exposition, standings: Standings) -> None:
        super().__init__(_Pages(exposition, standings), clock, IDLE)

    def log(self, request: Any) -> None:
        """Prometheus asks several times a minute."""

    def broken_off(self, request: StreamingRequest) -> None:
        """Nobody waits for the answer any more."""


class _Pages(Resource):
    isLeaf = True

    def __init__(self, exposition: Exposition, standings: Standings) -> None:
        super().__init__()
        self._exposition = exposition
        self._standings = standings

    def render(self, request: IRequest) -> bytes | int:
        known = streaming(request)
        pages = {
            b"/metrics": self._metrics,
            b"/readyz": self._readyz,
            b"/healthcheck": self._healthcheck,
        }
        page = pages.get(known.path)
        if page is None or known.method not in (b"GET", b"HEAD"):
            return _answer(known, 404 if page is None else 405, b"")
        answering = ensureDeferred(page(known))
        known.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addErrback(lambda failure: _broken(known, failure))
        answering.addCallback(lambda body: _finish(known, body))
        return NOT_DONE_YET

    async def _metrics(self, request: StreamingRequest) -> bytes:
        body, media_type = await self._exposition(request.getHeader("accept") or "")
        return _answer(request, 200, body, media_type)

    async def _readyz(self, request: StreamingRequest) -> bytes:
        found = await self._standings()
        document = {
            name: {"ready": each["trouble"] is None, "needed": each["is_needed"]}
            | ({} if each["trouble"] is None else {"reason": each["trouble"]})
            for name, each in found.items()
        }
        # Who depends on nothing any more is about to end.
        is_ready = bool(found) and all(
            each["trouble"] is None or not each["is_needed"] for each in found.values()
        )
        body = json.dumps({"ready": is_ready, "dependencies": document}).encode("ascii")
        return _answer(request, 200 if is_ready else 503, body, "application/json")

    async def _healthcheck(self, request: StreamingRequest) -> bytes:
        return _answer(request, 200, b"OK")


def _answer(
    request: StreamingRequest, status: int, body: bytes, media_type: str = "text/plain"
) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", media_type)
    request.setHeader("Content-Length", str(len(body)))
    request.setHeader("Cache-Control", "no-store")
    return body


def _broken(request: StreamingRequest, failure: Any) -> bytes:
    if not request.is_lost:
        _log.failure("what is known of the daemon cannot be told", failure)
    return b"" if request.is_lost else _answer(request, 500, b"")


def _finish(request: StreamingRequest, body: bytes) -> None:
    if not request.is_lost:
        request.write(body)
        request.finish()
