"""How v1's handlers are chosen by method, and the forms of their answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.web.iweb import IRequest

from glancetx.errors import GlanceError
from glancetx.image import Image
from glancetx.web.errors import HTML, JSON, HttpError
from glancetx.web.request import StreamingRequest, streaming
from glancetx.web.v1.render import header_value

Handler = Callable[[StreamingRequest], Coroutine[Any, Any, bytes | None]]


async def dispatch(request: IRequest, **handlers: Handler) -> bytes | None:
    """
    Call the method's handler; the others make the Allow header of a 405, in their order.

    :raises CancelledError: for whatever a client might have been told who has left meanwhile.
    """
    handler = handlers.get(request.method.decode("ascii", "replace"))
    if handler is None:
        raise HttpError(405, headers={"Allow": ", ".join(handlers)})
    asked = streaming(request)
    try:
        return await handler(asked)
    except (GlanceError, HttpError) as error:
        if asked.is_lost:
            # Klein would take it for an error that nobody has handled.
            raise CancelledError from error
        raise


def json_answer(request: StreamingRequest, status: int, body: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", JSON)
    request.setHeader("Content-Length", str(len(body)))
    return body


def empty_answer(request: StreamingRequest) -> bytes:
    """200 with nothing in it."""
    request.setHeader("Content-Type", HTML)
    request.setHeader("Content-Length", "0")
    return b""


def no_content(request: StreamingRequest) -> bytes:
    """204, which has neither a type nor a length (contract §1.5)."""
    request.setResponseCode(204)
    return b""


def set_etag(request: StreamingRequest, image: Image) -> None:
    """The bare MD5, without quotes (contract §4.3)."""
    if image.checksum is not None:
        request.setHeader(b"ETag", header_value(image.checksum))
