"""What a Klein application answers when a handler raises."""

from __future__ import annotations

from typing import Any

from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException

from glancetx.errors import (
    GlanceError,
    IdentityUnavailable,
    Overloaded,
    RangeOutside,
    RegistryUnavailable,
    StatusConflict,
    StoreUnavailable,
    TooManyRequests,
)
from glancetx.web.errors import PLAIN, RETRY_AFTER, HttpError, error_body, status_of
from glancetx.web.request import streaming

KNOWN_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH")

#: What passes by itself.
PASSING = (IdentityUnavailable, Overloaded, RegistryUnavailable, StoreUnavailable)

_log = Logger()


def install_error_handlers(app: Klein) -> None:
    """Teach an application all errors of ours, those of its router, and what to do with others."""

    @app.handle_errors(HttpError)
    def http_error(self: object, request: IRequest, failure: Failure) -> bytes:
        error: Any = failure.value
        for name, value in error.headers.items():
            request.setHeader(name, value)
        return error_body(request, error.status, error.explanation)

    @app.handle_errors(StatusConflict)
    def conflict(self: object, request: IRequest, failure: Failure) -> bytes:
        """The one error whose form is not negotiated (contract §1.5)."""
        error: Any = failure.value
        streaming(request).site.observer.failed(error)
        body = str(error).encode("ascii")
        request.setResponseCode(status_of(error))
        request.setHeader("Content-Type", PLAIN)
        request.setHeader("Content-Length", str(len(body)))
        return body

    @app.handle_errors(GlanceError)
    def glance_error(self: object, request: IRequest, failure: Failure) -> bytes:
        error: Any = failure.value
        return glance_error_body(request, error)

    @app.handle_errors(HTTPException)
    def not_routed(self: object, request: IRequest, failure: Failure) -> bytes:
        """No such path: 404 for the methods we know, 501 for the others (contract §1.6)."""
        return error_body(request, 404 if request.method in KNOWN_METHODS else 501)

    @app.handle_errors(CancelledError)
    def cancelled(self: object, request: IRequest, failure: Failure) -> bytes:
        """The work was called off while the client is still there: we are shutting down."""
        return error_body(request, 503)

    @app.handle_errors(Exception)
    def unexpected(self: object, request: IRequest, failure: Failure) -> bytes:
        _log.failure("{method} {path} failed", failure, **_named(request))
        streaming(request).site.observer.failed(failure.value)
        return error_body(request, 500)


def glance_error_body(request: IRequest, error: GlanceError, *, is_explained: bool = True) -> bytes:
    """
    The answer for an error of ours: status and headers are set, its body is returned.

    Unless ``is_explained`` the sentence is not the error's, but the generic one of the status.
    """
    status = status_of(error)
    streaming(request).site.observer.failed(error)
    challenge = streaming(request).challenge
    if status == 401 and challenge is not None:
        request.setHeader("WWW-Authenticate", challenge)
    if isinstance(error, RangeOutside):
        request.setHeader("Content-Range", f"bytes */{error.size}")
    if isinstance(error, PASSING):
        request.setHeader("Retry-After", str(RETRY_AFTER))
    if isinstance(error, TooManyRequests):
        request.setHeader("Retry-After", str(error.retry_after))
    if status >= 500:
        _log.warn("{method} {path} failed: {error}", error=error, **_named(request))
    return error_body(request, status, str(error) if is_explained else None)


def _named(request: IRequest) -> dict[str, Any]:
    return {
        "method": request.method.decode("ascii", "replace"),
        "path": request.path.decode("ascii", "replace"),
    }
