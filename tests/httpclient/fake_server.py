"""The server's side of a `glancetx.httpclient.Server`, in memory: nothing happens by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.python.failure import Failure

from glancetx.deferreds import as_deferred
from glancetx.httpclient import Answer, Content, Limits, Server
from tests.outbound.fakes import PUBLIC, Conversation, FakeReactor

LIMITS = Limits(connect=5, head=20, idle=10)


class Asking:
    """A server that is asked over connections which a test accepts and ends."""

    def __init__(self, url: str = "http://store.example:8080") -> None:
        self.reactor = FakeReactor({"store.example": [[PUBLIC]]})
        self.server = Server(self.reactor, url, limits=LIMITS)

    def ask(
        self,
        method: str = "GET",
        path: str = "/it",
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
        **options: bool,
    ) -> Deferred[Answer]:
        return as_deferred(self.server.ask(method, path, headers, content, **options))

    def accept(self) -> Conversation:
        """The connection that was asked for last, made."""
        return self.reactor.accept()

    def refuse(self) -> None:
        """Let the connection that was asked for last fail."""
        factory: Any = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        # There may be further addresses, which are tried one after the other.
        self.reactor.advance(1)

    @property
    def connections(self) -> int:
        return len(self.reactor.tcpClients)

    def advance(self, seconds: float) -> None:
        self.reactor.advance(seconds)

    @property
    def waits(self) -> Sequence[Any]:
        """What is still to happen at some time."""
        return list(self.reactor.getDelayedCalls())


def producer_of(conversation: Conversation) -> Any:
    """Whoever writes to the connection, to be paused and resumed as a full one does."""
    return conversation.transport.producer
