"""Which request something is done for, wherever that is logged."""

from __future__ import annotations

from contextvars import ContextVar

#: The id of the request; what is begun while it is worked on inherits it.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
