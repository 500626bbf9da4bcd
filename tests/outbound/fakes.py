"""A reactor without a network: it notes each connection, and names resolve as the test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.testing import MemoryReactorClock, StringTransportWithDisconnection
from zope.interface import implementer

PUBLIC = "93.184.216.34"


@implementer(IHostnameResolver)
class Names:
    """Resolves by a table; each lookup of a name takes the next of its lists, the last for good."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._table = {name: list(answers) for name, answers in table.items()}
        self.asked: list[str] = []

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        self.asked.append(hostName)
        resolutionReceiver.resolutionBegan(None)
        answers = self._table.get(hostName, [[]])
        for text in answers.pop(0) if len(answers) > 1 else answers[0]:
            make = IPv6Address if ":" in text else IPv4Address
            resolutionReceiver.addressResolved(make("TCP", text, portNumber))
        resolutionReceiver.resolutionComplete()


class FakeReactor(MemoryReactorClock):
    """Never connects by itself: a test accepts the connections that were asked for."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]] | None = None) -> None:
        super().__init__()
        self.names = Names(table or {})
        self.installNameResolver(self.names)

    def callFromThread(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        callable(*args, **kwargs)

    @property
    def contacted(self) -> list[tuple[str, int]]:
        """Address and port of each connection that was begun."""
        return [(client[0], client[1]) for client in self.tcpClients]

    def accept(self, index: int = -1) -> Conversation:
        """Let a connection succeed."""
        factory: Any = self.tcpClients[index][2]
        protocol = factory.buildProtocol(IPv4Address("TCP", PUBLIC, 80))
        transport = Quiet()
        transport.protocol = protocol
        protocol.makeConnection(transport)
        return Conversation(protocol, transport)


class Quiet(StringTransportWithDisconnection):
    """A connection in memory that notes how it was ended."""

    was_aborted = False

    def abortConnection(self) -> None:
        self.was_aborted = True
        self.loseConnection()

    def loseConnection(self) -> None:
        if self.connected:
            super().loseConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass


class Conversation:
    """The server's side of a connection in memory."""

    def __init__(self, protocol: Any, transport: Quiet) -> None:
        self.protocol = protocol
        self.transport = transport

    @property
    def request(self) -> bytes:
        return bytes(self.transport.value())

    def say(self, *lines: str, body: bytes = b"") -> None:
        """Give an answer: its lines, an empty one, and the body."""
        head = "".join(f"{line}\r\n" for line in [*lines, ""])
        self.protocol.dataReceived(head.encode("ascii") + body)
