"""An answer that knows where it came from."""

from __future__ import annotations

from typing import Any

from twisted.web.iweb import IResponse

from glancetx.httpclient.answer import Answer
from glancetx.httpclient.line import Line
from glancetx.outbound.target import Target


class Fetched(Answer):
    """
    The answer to a request for something that a user named.

    ``target`` is where it came from, after redirects.
    """

    def __init__(
        self, reactor: Any, target: Target, response: IResponse, line: Line, idle: float
    ) -> None:
        super().__init__(reactor, response, line, idle)
        self.target = target
