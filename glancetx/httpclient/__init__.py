"""
HTTP as a client: connections that are watched, bodies that are whole, or an error.

`Server` asks servers that operators chose.
Whatever users name goes through the guarded `glancetx.outbound`, which builds on this.
"""

from glancetx.httpclient.answer import Answer
from glancetx.httpclient.backoff import PASSING, Backoff
from glancetx.httpclient.content import Content, Flow, Pieces
from glancetx.httpclient.patience import Limits
from glancetx.httpclient.server import Server

__all__ = ["PASSING", "Answer", "Backoff", "Content", "Flow", "Limits", "Pieces", "Server"]
