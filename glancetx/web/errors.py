"""Error class → status and body: the only place that knows both (contract §1.5)."""

from __future__ import annotations

import html
import json
import re
from http import HTTPStatus

from twisted.web.http import RESPONSES
from twisted.web.iweb import IRequest

from glancetx import errors

#: The most specific class of an error decides.
STATUSES: dict[type[errors.GlanceError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.DeletedMeanwhile: 412,
    errors.Refused: 403,
    errors.NotAuthenticated: 401,
    errors.BadRequest: 400,
    errors.RangeOutside: 416,
    errors.TooLarge: 413,
    errors.TooManyRequests: 429,
    errors.Overloaded: 503,
    errors.StoreError: 500,
    errors.StoreFull: 413,
    errors.StoreForbids: 503,
    errors.StoreReadOnly: 410,
    errors.StoreUnavailable: 503,
    errors.RemoteRefused: 502,
    errors.RemoteBroken: 502,
    errors.RemoteChanged: 502,
    errors.CacheUnavailable: 503,
    errors.StreamError: 500,
    errors.BodyCutShort: 400,
    errors.RegistryUnavailable: 503,
    errors.IdentityUnavailable: 503,
    errors.GlanceError: 500,
}

GENERIC = {
    400: "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect.",
    401: "This server could not verify that you are authorized to access the document you "
    "requested.",
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    405: "The method is not allowed for this resource.",
    500: "The server has either erred or is incapable of performing the requested operation.",
    501: "The request method is not known here.",
    502: "A server that was asked for the image gave no usable answer.",
    503: "The server is currently unavailable. Please try again at a later time.",
}

#: After how many seconds to come again to a server that could not answer (RFC 9110 §10.2.3).
RETRY_AFTER = 5

PLAIN = "text/plain; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
JSON = "application/json"


#: None begins within another: to look for the end of each of many would take its time.
_TAG = re.compile(r"<[^<>]*>")


class HttpError(Exception):
    """An answer other than success that is about HTTP itself, such as 405."""

    def __init__(
        self, status: int, explanation: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, explanation)
        self.status = status
        self.explanation = explanation
        self.headers = headers or {}


def status_of(error: errors.GlanceError) -> int:
    """The HTTP status for an error, by the most specific class that has one."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def error_body(request: IRequest, status: int, explanation: str | None = None) -> bytes:
    """Set the status and content type of an error, and return its body in the accepted form."""
    request.setResponseCode(status, _reason(status).encode("ascii"))
    text = explanation or GENERIC.get(status, _reason(status))
    accept = request.getHeader("accept") or ""
    content_type = negotiate(accept)
    body = _RENDER[content_type](status, text).encode("utf-8")
    if request.method == b"HEAD":
        body = b""
    request.setHeader("Content-Type", content_type)
    request.setHeader("Content-Length", str(len(body)))
    return body


def negotiate(accept: str) -> str:
    """
    The content type of error bodies for an Accept header (contract §1.5).

    Plain text unless HTML or JSON is asked for, and HTML when both are asked for equally.
    """
    html_quality = _quality(accept, "text", "html")
    json_quality = _quality(accept, "application", "json")
    if max(html_quality, json_quality) <= 0:
        return PLAIN
    return HTML if html_quality >= json_quality else JSON


def _quality(accept: str, main: str, sub: str) -> float:
    """How much a type is wanted, by the most specific range that names it (RFC 9110 §12.5.1)."""
    best, specificity = 0.0, 0
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        rank = {f"{main}/{sub}": 3, f"{main}/*": 2, "*/*": 1}.get(name, 0)
        if rank > specificity:
            best, specificity = _q(parameters), rank
    return best


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


def _reason(status: int) -> str:
    known = RESPONSES.get(status)
    return known.decode("ascii") if known is not None else HTTPStatus(status).phrase


def _plain(status: int, text: str) -> str:
    stripped = _TAG.sub("", text)
    return f"{status} {_reason(status)}\n\n{stripped}\n\n   "


def _html(status: int, text: str) -> str:
    title = f"{status} {_reason(status)}"
    return (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n"
        f"  {html.escape(text)}<br /><br />\n\n\n </body>\n</html>"
    )


def _json(status: int, text: str) -> str:
    reason = _reason(status)
    return json.dumps(
        {
            "message": f"{html.escape(text)}<br /><br />\n\n\n",
            "code": f"{status} {reason}",
            "title": reason,
        }
    )


_RENDER = {PLAIN: _plain, HTML: _html, JSON: _json}
