"""One line in the log for each request, when it is over."""

from __future__ import annotations

from urllib.parse import quote

from twisted.logger import Logger

from glancetx.access import Identity
from glancetx.web.request import StreamingRequest

NOBODY = Identity()

_log = Logger(namespace="glancetx.access")


def log_access(request: StreamingRequest, seconds: float, *, is_whole: bool) -> None:
    """
    Log who asked for what, what he got, and how long it took, but no query: it may be secret.

    In the text a request is followed by status, bytes out, bytes in, seconds, user and project,
    and by ``cut`` when the connection broke before the response was complete.
    """
    client = getattr(request.getClientAddress(), "host", "-")
    method = request.method.decode("ascii", "replace")
    path = request.path.decode("ascii", "replace")
    caller = getattr(request, "caller", None)  # nobody was asked who he is, or not yet answered
    identity = NOBODY if caller is None else caller.identity
    user, project = identity.user, identity.project
    sent, received = request.sentLength, request.body.received
    line = (
        f'{client} "{method} {path}" {request.code} {sent} {received} {seconds:.3f} '
        f"{_word(user)} {_word(project)}{'' if is_whole else ' cut'}"
    )
    if not line.isprintable():
        line = "".join(each if each.isprintable() else "?" for each in line)
    # The line is made here: formatting it by its fields costs a tenth of a small request.
    _log.info(
        line.replace("{", "{{").replace("}", "}}"),
        request_id=request.request_id,
        client=client,
        method=method,
        path=path,
        status=request.code,
        sent=sent,
        received=received,
        seconds=round(seconds, 6),
        user=user,
        project=project,
        is_whole=is_whole,
    )


def _word(name: str | None) -> str:
    """A name as one word: others may contain anything."""
    if not name:
        return "-"
    return name if name.isalnum() and name.isascii() else quote(name, safe="@:+", errors="replace")
